import type { Database } from "bun:sqlite";
import { seenDayOf } from "../../core/account.ts";
import type { Changes, Identity, IntentScore, Merge, Person, Session, StoredEvent } from "../../core/state.ts";
import { createAuditStore } from "./audit.ts";
import { clickWriter } from "./clicks.ts";
import { rankOf } from "./ranks.ts";
import { reviewWriter } from "./reviews.ts";
import { packSums, packThresholds } from "./row.ts";

/** Writes what was decided, the last version of each row once. */
export function createApply(database: Database): (changes: readonly Changes[]) => void {
  const writeEvent = eventWriter(database);
  const writeScore = scoreWriter(database);
  const writeSession = sessionWriter(database);
  const writeIdentity = identityWriter(database);
  const writePerson = personWriter(database);
  const insertAccount = database.query("insert into account (account_id, domain, created_at) values (?, ?, ?)");
  const updateStanding = database.query(
    "update account set thresholds = ?2 where account_id = ?1 and thresholds <> ?2",
  );
  const writeMerge = mergeWriter(database);
  const writeClick = clickWriter(database);
  const writeReview = reviewWriter(database);
  const writeParting = partingWriter(database);
  const audit = createAuditStore(database);
  return (changes) => {
    for (const { accounts, merges } of changes) {
      for (const { accountId, domain, createdMs } of accounts) insertAccount.run(accountId, domain, createdMs);
      for (const merge of merges) writeMerge(merge);
    }
    const people = new Map<number, Person>();
    const identities = new Map<number, Identity>();
    const sessions = new Map<string, Session>();
    const scores = new Map<number, IntentScore>();
    for (const change of changes) {
      for (const person of change.people) people.set(person.personId, person);
      for (const identity of change.identities) identities.set(identity.identityId, identity);
      for (const session of change.sessions) sessions.set(keyOfSession(session), session);
      for (const score of change.scores) scores.set(score.personId, score);
    }
    for (const person of people.values()) writePerson(person);
    // A browser's id passes from one identity to another: first the one that lets go of it.
    for (const identity of identities.values()) if (identity.retiredMs !== null) writeIdentity(identity);
    for (const identity of identities.values()) if (identity.retiredMs === null) writeIdentity(identity);
    for (const { events } of changes) for (const event of events) writeEvent(event);
    for (const session of sessions.values()) writeSession(session);
    for (const score of scores.values()) writeScore(score);
    for (const { standings } of changes) {
      for (const { accountId, thresholds } of standings) updateStanding.run(accountId, packThresholds(thresholds));
    }
    for (const { clicks } of changes) for (const click of clicks) writeClick(click);
    for (const change of changes) {
      writeParting(change);
      for (const review of change.reviews) writeReview(review);
      for (const note of change.audits) audit.record(note);
    }
  };
}

function keyOfSession({ identityId, sessionKey }: Session): string {
  return `${identityId} ${sessionKey}`;
}

function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

function eventWriter(database: Database): (event: StoredEvent) => void {
  const insert = database.query(
    `insert into event
       (event_id, identity_id, name, occurred_at, received_at, session_id, url, referrer, properties, bot)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return (event) => {
    let properties: string | null = null;
    for (const _ in event.properties) {
      properties = JSON.stringify(event.properties);
      break;
    }
    insert.run(
      event.eventId,
      event.identityId,
      event.name,
      event.occurredMs,
      event.receivedMs,
      event.sessionId,
      event.url,
      event.referrer,
      properties,
      event.bot,
    );
  };
}

/** Tries the update that leaves the indexes alone first: that is nearly every event. */
function scoreWriter(database: Database): (score: IntentScore) => void {
  const update = database.query(
    `update intent_score set sums = ?3, thresholds = ?4, attribution = ?5, first_seen_at = ?6, last_seen_at = ?7,
       session_count = ?8, score = ?9, score_bound = ?10, scored_at = ?11
     where person_id = ?1 and rank = ?2 and account_id is ?12 and seen_day = ?13`,
  );
  const upsert = database.query(
    `insert into intent_score (person_id, rank, sums, thresholds, attribution, first_seen_at, last_seen_at,
       session_count, score, score_bound, scored_at, account_id, seen_day)
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
     on conflict (person_id) do update set rank = ?2, sums = ?3, thresholds = ?4, attribution = ?5, first_seen_at = ?6,
       last_seen_at = ?7, session_count = ?8, score = ?9, score_bound = ?10, scored_at = ?11,
       account_id = ?12, seen_day = ?13`,
  );
  return (score) => {
    const row = [
      score.personId,
      rankOf(score.scoreBound),
      packSums(score.sums),
      packThresholds(score.thresholds),
      jsonOrNull(score.attribution),
      score.firstSeenMs,
      score.lastSeenMs,
      score.sessionCount,
      score.score,
      score.scoreBound,
      score.scoredMs,
      score.accountId,
      seenDayOf(score),
    ] as const;
    if (update.run(...row).changes === 0) upsert.run(...row);
  };
}

function sessionWriter(database: Database): (session: Session) => void {
  const upsert = database.query(
    `insert into session (identity_id, session_id, started_at, ended_at, entry_url, exit_url, event_count, counted,
       attribution)
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
     on conflict (identity_id, session_id) do update set started_at = ?3, ended_at = ?4, entry_url = ?5, exit_url = ?6,
       event_count = ?7, counted = ?8, attribution = ?9`,
  );
  return (session) => {
    upsert.run(
      session.identityId,
      session.sessionKey,
      session.startedMs,
      session.endedMs,
      session.entryUrl,
      session.exitUrl,
      session.eventCount,
      JSON.stringify(session.counted),
      jsonOrNull(session.attribution),
    );
  };
}

function identityWriter(database: Database): (identity: Identity) => void {
  const upsert = database.query(
    `insert into identity (identity_id, kind, value, person_id, is_verified, created_at, retired_at, said_with)
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
     on conflict (identity_id) do update set person_id = ?4, is_verified = ?5, retired_at = ?7`,
  );
  return ({ identityId, kind, value, personId, isVerified, createdMs, retiredMs, saidWith = null }) => {
    upsert.run(identityId, kind, value, personId, isVerified ? 1 : 0, createdMs, retiredMs, saidWith);
  };
}

function personWriter(database: Database): (person: Person) => void {
  const upsert = database.query(
    `insert into person (person_id, traits, verified_traits, account_id, merged_into, created_at)
     values (?1, ?2, ?3, ?4, ?5, ?6)
     on conflict (person_id) do update set traits = ?2, verified_traits = ?3, account_id = ?4, merged_into = ?5`,
  );
  return ({ personId, traits, verifiedTraits, accountId, mergedInto, createdMs }) => {
    upsert.run(personId, JSON.stringify(traits), JSON.stringify(verifiedTraits), accountId, mergedInto, createdMs);
  };
}

function partingWriter(database: Database): (changes: Pick<Changes, "undone" | "apart">) => void {
  const updateMerge = database.query("update merge set undone_at = ?2 where merge_id = ?1");
  const insertApart = database.query(
    "insert into apart (person_id, other_id, parted_at) values (?, ?, ?) on conflict do nothing",
  );
  return ({ undone, apart }) => {
    for (const { mergeId, undoneMs } of undone) updateMerge.run(mergeId, undoneMs);
    for (const { personId, otherId, partedMs } of apart) {
      insertApart.run(personId, otherId, partedMs);
      insertApart.run(otherId, personId, partedMs);
    }
  };
}

function mergeWriter(database: Database): (merge: Merge) => void {
  const insert = database.query(
    `insert into merge (merge_id, survivor_id, absorbed_id, through, merged_at, snapshot, last_event_seq)
     values (?1, ?2, ?3, ?4, ?5, ?6, (select coalesce(max(event_seq), 0) from event))`,
  );
  const dropScore = database.query("delete from intent_score where person_id = ?");
  return ({ mergeId, survivorId, absorbedId, through, mergedMs, survivor, absorbed }) => {
    insert.run(mergeId, survivorId, absorbedId, through, mergedMs, JSON.stringify({ survivor, absorbed }));
    dropScore.run(absorbedId);
  };
}
