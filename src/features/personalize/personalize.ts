import { ACCOUNT_PEOPLE_MAX, accountScoreOf } from "../../core/account.ts";
import type { Rules } from "../../core/compile.ts";
import { type IdentifierKind, normalizeIdentifier } from "../../core/identifier.ts";
import { type KnownVisitor, personalFields } from "../../core/personalize.ts";
import type { Clock } from "../../engine/clock.ts";
import type { Keys } from "../../http/keys.ts";
import { cookieVisitor, type Honour, refusesToBeKnown } from "../../http/visitor.ts";
import type { IngestConfig } from "../../http/wire.ts";
import type { AccountReader } from "../../store/sqlite/accounts.ts";
import type { PersonalizeReader, StoredVisitor } from "../../store/sqlite/personalize.ts";
import type { PersonalizeQuery } from "./schema.ts";

export type PersonalizeDeps = {
  keys: Keys;
  ingest: () => IngestConfig;
  rules: () => Rules;
  now: Clock;
  accounts: AccountReader;
  visitors: PersonalizeReader;
  /** The fields that the operator listed. */
  personalize: () => readonly string[];
  honour: () => Honour;
};

export type PersonalizeAnswer = { fields: { [field: string]: string } };

/** What a page may show its visitor of themselves. Nobody, somebody unknown and somebody who declines look alike. */
export function personalize(query: PersonalizeQuery, headers: Headers, deps: PersonalizeDeps): PersonalizeAnswer {
  deps.keys.checkWriteKey(query.write_key, deps.ingest().require_write_key);
  const listed = deps.personalize();
  if (listed.length === 0 || refusesToBeKnown(headers, deps.honour())) return { fields: {} };
  const found = findVisitor(query, headers, deps.visitors);
  if (found === null) return { fields: {} };
  const nowMs = deps.now();
  return { fields: personalFields(listed, knownOf(found, deps, nowMs), deps.rules(), nowMs) };
}

/** The first of cookie, named id and link that stands for somebody known; else the first that stands for anybody. */
function findVisitor(
  { i: link, anonymous_id: said }: PersonalizeQuery,
  headers: Headers,
  visitors: PersonalizeReader,
): StoredVisitor | null {
  const found = [
    visitorBy("anonymous_id", cookieVisitor(headers), visitors.byBrowser),
    visitorBy("anonymous_id", said ?? null, visitors.byBrowser),
    visitorBy("campaign_link", link ?? null, visitors.byLink),
  ].filter((visitor) => visitor !== null);
  return found.find(({ isKnown }) => isKnown) ?? found[0] ?? null;
}

/** An id that is none is nobody's: a page must not break over it. */
function visitorBy(
  kind: IdentifierKind,
  raw: string | null,
  find: (value: string) => StoredVisitor | null,
): StoredVisitor | null {
  const value = raw === null ? undefined : normalizeIdentifier(kind, raw).value;
  return value === undefined ? null : find(value);
}

function knownOf(
  { traits, score, domain }: StoredVisitor,
  { accounts, rules }: PersonalizeDeps,
  nowMs: number,
): KnownVisitor {
  const accountId = score?.accountId ?? null;
  return {
    traits,
    score,
    domain,
    accountScore: () =>
      accountId === null
        ? null
        : accountScoreOf(accounts.peopleOf(accountId, ACCOUNT_PEOPLE_MAX), rules(), nowMs, new Map()),
  };
}
