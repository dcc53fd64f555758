import { formatId } from "../../core/id.ts";
import { isAboutAccount } from "../../core/signal.ts";
import { createMentions } from "../../store/sqlite/mentions.ts";
import type { ExportReader } from "../../store/sqlite/person-export.ts";
import { namesOf, type PersonScope } from "../../store/sqlite/person-scope.ts";
import { timeOf } from "./export-time.ts";

/** What rows that are of others, or of nobody, say of a person; of those rows nothing else. */
export function namedElsewhere(scope: PersonScope, rows: ExportReader) {
  return {
    reviews: reviewsOf(scope, rows),
    clicks_elsewhere: clicksOf(scope, rows),
    named_in_lists: listsOf(scope, rows),
    account_signals: accountSignalsOf(scope, rows),
    rejected_events: rejectedOf(scope, rows),
  } satisfies { [name: string]: Iterable<object> };
}

/** Whether anything that an address alone leads to names it. */
export function isNamedElsewhere(scope: PersonScope, rows: ExportReader): boolean {
  const { reviews, named_in_lists: lists, rejected_events: rejected } = namedElsewhere(scope, rows);
  return [reviews, lists, rejected].some((found) => found.next().done === false);
}

/** Questions whether they and somebody else are one, or whether what was claimed is theirs. */
function* reviewsOf(scope: PersonScope, rows: ExportReader): Generator<object> {
  const own = new Set(scope.people.map(({ personId }) => personId));
  const mentions = createMentions(namesOf(scope));
  for (const { reviewId, personIds, reason, claims, createdMs, decidedMs, decision } of rows.reviews()) {
    const isAboutThem = personIds.some((personId) => own.has(personId));
    const named = isAboutThem ? claims : claims.filter((claim) => mentions(JSON.stringify(claim)));
    if (!isAboutThem && named.length === 0) continue;
    yield {
      review_id: formatId("review", reviewId),
      reason,
      claims: named.map(({ kind, value, isRejected }) => ({ kind, value, rejected: isRejected })),
      created_at: timeOf(createdMs),
      decided_at: timeOf(decidedMs),
      decision,
    };
  }
}

/** What their browsers followed that was sent to somebody else. */
function* clicksOf({ identities, leads }: PersonScope, rows: ExportReader): Generator<object> {
  const own = new Set(leads.map(({ linkId }) => linkId));
  for (const { identityId } of identities) {
    for (const { linkId, clickedMs, ...click } of rows.clicksBy(identityId)) {
      if (!own.has(linkId)) yield { clicked_at: timeOf(clickedMs), ...click };
    }
  }
}

/** The cells in which other leads' rows name them. */
function* listsOf({ emails, leads }: PersonScope, rows: ExportReader): Generator<object> {
  const own = new Set(leads.map(({ linkId }) => linkId));
  for (const email of emails) {
    for (const { campaignId, linkId, cells, isNamed } of rows.rowsNaming(email)) {
      if (own.has(linkId)) continue;
      const list = rows.listOf(campaignId);
      const names: string[] = JSON.parse(list?.columns ?? "[]");
      const named = cells.flatMap((cell, index) => (isNamed(cell) ? [[names[index] ?? String(index), cell]] : []));
      yield { campaign: list?.campaign ?? null, columns: Object.fromEntries(named) };
    }
  }
}

/** Crossings of their company that a colleague caused, and their own part in them. */
function* accountSignalsOf({ people, accountIds }: PersonScope, rows: ExportReader): Generator<object> {
  const own = new Set(people.map(({ personId }) => formatId("person", personId)));
  for (const accountId of accountIds) {
    for (const { data } of rows.signalsOfAccount(accountId)) {
      const parts = data.account?.people?.filter(({ person_id }) => own.has(person_id)) ?? [];
      if (!isAboutAccount(data) || own.has(data.person.person_id) || parts.length === 0) continue;
      const { signal_id, created_at, threshold, score } = data;
      yield { signal_id, created_at, threshold, score, account: { domain: data.account?.domain, people: parts } };
    }
  }
}

/** What was refused and names them. */
function* rejectedOf(scope: PersonScope, rows: ExportReader): Generator<object> {
  const mentions = createMentions(namesOf(scope));
  for (const { rejectedMs, code, field, message, body } of rows.rejected()) {
    if (mentions(body)) yield { rejected_at: timeOf(rejectedMs), code, field, message, body };
  }
}
