import { deliveryData } from "../../core/delivery.ts";
import { eventData } from "../../core/event-data.ts";
import { formatId } from "../../core/id.ts";
import type { SignalData } from "../../core/signal.ts";
import { type MergeSide, shownLastSeenMs } from "../../core/state.ts";
import { type EventReader, NEWEST } from "../../store/sqlite/events.ts";
import type { ExportReader } from "../../store/sqlite/person-export.ts";
import type { Lead, PersonScope, StoredMerge } from "../../store/sqlite/person-scope.ts";
import type { SessionRow } from "../../store/sqlite/row.ts";
import { namedElsewhere } from "./export-elsewhere.ts";
import { timeOf } from "./export-time.ts";

const SLICE_EVENTS = 100;

export type ExportSources = {
  scope: PersonScope;
  events: EventReader;
  rows: ExportReader;
  /** The score with its explanation; null for somebody who only stands in a campaign's list. */
  explanation: object | null;
  nowMs: number;
};

/** Everything that is stored about a person, as JSON in small pieces: a large person is never in memory as a whole. */
export function* exportedJson(sources: ExportSources): Generator<string> {
  const { scope, rows, explanation, nowMs } = sources;
  const personIds = scope.people.map(({ personId }) => personId);
  yield "{";
  yield `\n"exported_at":${JSON.stringify(new Date(nowMs).toISOString())}`;
  yield* listOf("people", scope.people.map(personData));
  yield* listOf("identities", identitiesOf(scope));
  yield `,\n"explanation":${JSON.stringify(explanation)}`;
  yield* listOf(
    "merges",
    scope.merges.map((merge) => mergeData(merge, personIds)),
  );
  yield* listOf(
    "campaigns",
    scope.leads.map((lead) => leadData(lead, rows)),
  );
  yield* listOf("signals", signalsOf(scope, rows));
  yield* listOf("sessions", sessionsOf(scope, rows));
  yield* listOf("events", eventsOf(sources));
  for (const [name, naming] of Object.entries(namedElsewhere(scope, rows))) yield* listOf(name, naming);
  yield "\n}\n";
}

function* listOf(name: string, items: Iterable<object>): Generator<string> {
  let separator = "";
  yield `,\n${JSON.stringify(name)}:[`;
  for (const item of items) {
    yield `${separator}\n${JSON.stringify(item)}`;
    separator = ",";
  }
  yield "]";
}

function personData({ personId, traits, verifiedTraits, mergedInto, createdMs }: PersonScope["people"][number]) {
  return {
    person_id: formatId("person", personId),
    merged_into: mergedInto === null ? null : formatId("person", mergedInto),
    traits: JSON.parse(traits),
    verified_traits: JSON.parse(verifiedTraits),
    created_at: timeOf(createdMs),
  };
}

function identitiesOf({ identities }: PersonScope): object[] {
  return identities.map(({ kind, value, isVerified, createdMs, retiredMs }) => ({
    kind,
    value,
    verified: isVerified,
    created_at: timeOf(createdMs),
    retired_at: timeOf(retiredMs),
  }));
}

/** Of a merge that was undone, the other side is somebody else. */
function mergeData({ snapshot, ...merge }: StoredMerge, personIds: readonly number[]): object {
  const { survivor, absorbed }: { survivor: MergeSide; absorbed: MergeSide } = JSON.parse(snapshot);
  const own = (personId: number): boolean => merge.undoneMs === null || personIds.includes(personId);
  return {
    merge_id: formatId("merge", merge.mergeId),
    through: merge.through,
    merged_at: timeOf(merge.mergedMs),
    undone_at: timeOf(merge.undoneMs),
    survivor: own(merge.survivorId) ? sideData(survivor) : null,
    absorbed: own(merge.absorbedId) ? sideData(absorbed) : null,
  };
}

function sideData({ person, score }: MergeSide): object {
  return {
    person_id: formatId("person", person.personId),
    traits: person.traits,
    verified_traits: person.verifiedTraits,
    first_seen_at: timeOf(score.firstSeenMs),
    last_seen_at: timeOf(shownLastSeenMs(score)),
    sums: score.sums,
  };
}

function leadData({ linkId, email, traits, createdMs }: Lead, rows: ExportReader): object {
  return {
    link_id: linkId,
    email,
    traits: JSON.parse(traits),
    created_at: timeOf(createdMs),
    lists: rows.campaignsOf(linkId).map(({ campaign, columns, createdMs: listedMs }) => ({
      campaign,
      columns: JSON.parse(columns),
      created_at: timeOf(listedMs),
    })),
    clicks: rows.clicksOf(linkId).map(({ clickedMs, ...click }) => ({ clicked_at: timeOf(clickedMs), ...click })),
  };
}

function* signalsOf({ people, accountIds }: PersonScope, rows: ExportReader): Generator<object> {
  const outside = new Map(people.map(({ personId }) => [formatId("person", personId), personId]));
  for (const { personId } of people) {
    for (const signal of rows.signalsOf(personId)) yield signalSent(signal, personId, rows);
  }
  for (const accountId of accountIds) {
    for (const signal of rows.signalsOfAccount(accountId)) {
      const personId = outside.get(signal.data.person.person_id);
      if (personId !== undefined) yield signalSent(signal, personId, rows);
    }
  }
}

type StoredSignal = { signalId: number; data: SignalData };

function signalSent({ signalId, data }: StoredSignal, personId: number, rows: ExportReader): object {
  const deliveries = rows.deliveriesOf(signalId).map(({ body, ...delivery }) => ({
    ...deliveryData({ ...delivery, signalId, personId, nextAttemptMs: null }),
    body,
  }));
  return { ...data, deliveries };
}

function* sessionsOf({ identities }: PersonScope, rows: ExportReader): Generator<object> {
  for (const { identityId, kind, value } of identities) {
    for (const session of rows.sessionsOf(identityId)) yield { [kind]: value, ...sessionData(session) };
  }
}

function sessionData(row: SessionRow): object {
  const [, sessionKey, startedMs, endedMs, entryUrl, exitUrl, eventCount, counted, attribution] = row;
  return {
    session_id: sessionKey,
    started_at: timeOf(startedMs),
    ended_at: timeOf(endedMs),
    entry_url: entryUrl,
    exit_url: exitUrl,
    events: eventCount,
    counted: JSON.parse(counted),
    attribution: attribution === null ? null : JSON.parse(attribution),
  };
}

function* eventsOf({ scope, events }: ExportSources): Generator<object> {
  const byId = new Map(scope.identities.map((identity) => [identity.identityId, identity]));
  const identityIds = [...byId.keys()];
  let before = NEWEST;
  while (identityIds.length > 0) {
    const slice = events.newestOf(identityIds, before, SLICE_EVENTS);
    for (const event of slice) yield eventData(event, byId.get(event.identityId));
    const last = slice.at(-1);
    if (last === undefined || slice.length < SLICE_EVENTS) return;
    before = { occurredMs: last.occurredMs, eventSeq: last.eventSeq };
  }
}
