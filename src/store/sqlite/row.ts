import type { Event } from "../../core/event.ts";
import type { IdentifierKind } from "../../core/identifier.ts";
import type { Sums } from "../../core/score.ts";
import type { Identity, IntentScore, Session } from "../../core/state.ts";
import type { ThresholdStates } from "../../core/threshold.ts";

/** Rows as `values()` gives them: tuples in the order of the column lists below, which is what the hot path can afford. */
export const IDENTITY_COLUMNS = "identity_id, kind, value, person_id, is_verified, created_at, retired_at";
export type IdentityRow = [number, IdentifierKind, string, number, number, number, number | null];

export const SCORE_COLUMNS =
  "person_id, sums, thresholds, attribution, first_seen_at, last_seen_at, session_count, score, score_bound, scored_at, account_id";
export type ScoreRow = [
  number,
  string,
  string,
  string | null,
  number,
  number,
  number,
  number,
  number,
  number,
  number | null,
];

export const SESSION_COLUMNS =
  "identity_id, session_id, started_at, ended_at, entry_url, exit_url, event_count, counted, attribution";
export type SessionRow = [number, string, number, number, string | null, string | null, number, string, string | null];

/** These by name, for whoever reads one of them now and then. */
export const MERGE_COLUMNS = `merge_id as mergeId, survivor_id as survivorId, absorbed_id as absorbedId, through,
  merged_at as mergedMs, undone_at as undoneMs`;

export const EVENT_COLUMNS = `event.event_seq as eventSeq, event.event_id as eventId, event.identity_id as identityId,
  event.name, event.occurred_at as occurredMs, event.received_at as receivedMs, event.session_id as sessionId,
  event.url, event.referrer, event.properties, event.bot`;
/** An event as such a row has it. */
export type EventRow<Read extends { properties: object }> = Omit<Read, "properties"> & { properties: string | null };

export function eventOfRow<Row extends { properties: string | null }>(row: Row) {
  return { ...row, properties: row.properties === null ? {} : (JSON.parse(row.properties) as Event["properties"]) };
}

export function identityOf(row: IdentityRow): Identity {
  const [identityId, kind, value, personId, isVerified, createdMs, retiredMs] = row;
  return { identityId, kind, value, personId, isVerified: isVerified === 1, createdMs, retiredMs };
}

export function scoreOfRow(row: ScoreRow): IntentScore {
  return {
    personId: row[0],
    sums: unpackSums(row[1]),
    thresholds: unpackThresholds(row[2]),
    attribution: row[3] === null ? null : JSON.parse(row[3]),
    firstSeenMs: row[4],
    lastSeenMs: row[5],
    sessionCount: row[6],
    score: row[7],
    scoreBound: row[8],
    scoredMs: row[9],
    accountId: row[10],
  };
}

export function sessionOf(row: SessionRow, personId: number): Session {
  return {
    identityId: row[0],
    personId,
    sessionKey: row[1],
    startedMs: row[2],
    endedMs: row[3],
    entryUrl: row[4],
    exitUrl: row[5],
    eventCount: row[6],
    counted: JSON.parse(row[7]),
    attribution: row[8] === null ? null : JSON.parse(row[8]),
  };
}

type PackedSums = { [rule: string]: [number, number, number, number] };

/** Tuples instead of named fields: this is the text that every event reads and writes. */
export function packSums(sums: Sums): string {
  const packed: PackedSums = {};
  for (const rule in sums) {
    const sum = sums[rule];
    if (sum !== undefined) packed[rule] = [sum.weight, sum.atMs, sum.count, sum.lastEventMs];
  }
  return JSON.stringify(packed);
}

export function unpackSums(text: string): Sums {
  const sums: { [rule: string]: Sums[string] } = {};
  for (const [rule, [weight, atMs, count, lastEventMs]] of Object.entries(JSON.parse(text) as PackedSums)) {
    sums[rule] = { weight, atMs, count, lastEventMs };
  }
  return sums;
}

type PackedThresholds = { [threshold: string]: [number, 0 | 1] };

export function packThresholds(states: ThresholdStates): string {
  const packed: PackedThresholds = {};
  for (const [name, { epoch, isArmed }] of Object.entries(states)) packed[name] = [epoch, isArmed ? 1 : 0];
  return JSON.stringify(packed);
}

export function unpackThresholds(text: string): ThresholdStates {
  const states: { [threshold: string]: ThresholdStates[string] } = {};
  for (const [name, [epoch, armed]] of Object.entries(JSON.parse(text) as PackedThresholds)) {
    states[name] = { epoch, isArmed: armed === 1 };
  }
  return states;
}
