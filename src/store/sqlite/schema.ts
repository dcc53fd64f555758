import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/**
 * The tables; `bun run migration` writes the SQL for a change into drizzle/. Times are integer milliseconds UTC. Ids are
 * minted by the engine, time-ordered, so that inserts go to the end of their tree. Every index costs each event some
 * microseconds: there is one only where a read on a growing table needs it.
 */
export const person = sqliteTable("person", {
  personId: integer("person_id").primaryKey(),
  traits: text("traits").notNull(),
  verifiedTraits: text("verified_traits").notNull(),
  accountId: integer("account_id"),
  mergedInto: integer("merged_into"),
  createdMs: integer("created_at").notNull(),
});

export const identity = sqliteTable(
  "identity",
  {
    identityId: integer("identity_id").primaryKey(),
    kind: text("kind").notNull(),
    value: text("value").notNull(),
    personId: integer("person_id").notNull(),
    isVerified: integer("is_verified", { mode: "boolean" }).notNull(),
    createdMs: integer("created_at").notNull(),
    retiredMs: integer("retired_at"),
    /** The identity of the same person that this one was said together with; an undone merge parts them by it. */
    saidWith: integer("said_with"),
  },
  (table) => [
    uniqueIndex("identity_by_value").on(table.value, table.kind).where(sql`retired_at is null`),
    index("identity_by_person").on(table.personId),
  ],
);

export const event = sqliteTable(
  "event",
  {
    eventSeq: integer("event_seq").primaryKey(),
    eventId: text("event_id").notNull(),
    identityId: integer("identity_id").notNull(),
    name: text("name").notNull(),
    occurredMs: integer("occurred_at").notNull(),
    receivedMs: integer("received_at").notNull(),
    sessionId: text("session_id"),
    url: text("url"),
    referrer: text("referrer"),
    properties: text("properties"),
    bot: text("bot"),
  },
  (table) => [
    uniqueIndex("event_by_event_id").on(table.eventId),
    index("event_by_identity").on(table.identityId, table.occurredMs),
    // The few that are no doing of a person's: so what people did is counted in the indexes alone.
    index("event_uncounted").on(table.identityId, table.occurredMs).where(sql`bot is not null or name = 'identify'`),
  ],
);

/** The migration adds WITHOUT ROWID by hand, which drizzle-kit cannot say: one tree to write instead of two. */
export const session = sqliteTable(
  "session",
  {
    identityId: integer("identity_id").notNull(),
    sessionKey: text("session_id").notNull(),
    startedMs: integer("started_at").notNull(),
    endedMs: integer("ended_at").notNull(),
    entryUrl: text("entry_url"),
    exitUrl: text("exit_url"),
    eventCount: integer("event_count").notNull(),
    counted: text("counted").notNull(),
    attribution: text("attribution"),
  },
  (table) => [primaryKey({ columns: [table.identityId, table.sessionKey] })],
);

export const intentScore = sqliteTable(
  "intent_score",
  {
    personId: integer("person_id").primaryKey(),
    sums: text("sums").notNull(),
    thresholds: text("thresholds").notNull(),
    attribution: text("attribution"),
    firstSeenMs: integer("first_seen_at").notNull(),
    lastSeenMs: integer("last_seen_at").notNull(),
    sessionCount: integer("session_count").notNull(),
    score: real("score").notNull(),
    scoreBound: real("score_bound").notNull(),
    scoredMs: integer("scored_at").notNull(),
    /** The upper bound in coarse steps, so that most events leave the index alone. */
    rank: integer("rank").notNull(),
    /** As in person: set for the few who have one, and then each of their events asks for the colleagues. */
    accountId: integer("account_id"),
    /** The day of last_seen_at, counted from 1970: as coarse as rank, and for the same reason. */
    seenDay: integer("seen_day").notNull().default(0),
  },
  (table) => [
    index("intent_score_by_rank").on(table.rank, table.personId),
    index("intent_score_by_account").on(table.accountId, table.seenDay).where(sql`account_id is not null`),
  ],
);

export const account = sqliteTable(
  "account",
  {
    accountId: integer("account_id").primaryKey(),
    domain: text("domain").notNull(),
    createdMs: integer("created_at").notNull(),
    thresholds: text("thresholds").notNull().default("{}"),
  },
  (table) => [uniqueIndex("account_by_domain").on(table.domain)],
);

export const signal = sqliteTable(
  "signal",
  {
    signalId: integer("signal_id").primaryKey(),
    personId: integer("person_id").notNull(),
    threshold: text("threshold").notNull(),
    epoch: integer("epoch").notNull(),
    createdMs: integer("created_at").notNull(),
    /** The wire form as it was at the crossing. */
    data: text("data").notNull(),
    /** Set when an account crossed, by an event of this person. */
    accountId: integer("account_id"),
  },
  (table) => [
    uniqueIndex("signal_by_epoch").on(table.personId, table.threshold, table.epoch).where(sql`account_id is null`),
    uniqueIndex("signal_by_account")
      .on(table.accountId, table.threshold, table.epoch)
      .where(sql`account_id is not null`),
    // Two more, since a signal comes once in hundreds of events, and a rare level must not be looked for among all.
    index("signal_by_time").on(table.createdMs),
    index("signal_by_threshold").on(table.threshold, table.createdMs),
  ],
);

export const delivery = sqliteTable(
  "delivery",
  {
    deliveryId: integer("delivery_id").primaryKey(),
    signalId: integer("signal_id").notNull(),
    personId: integer("person_id").notNull(),
    destination: text("destination").notNull(),
    /** pending, delivered or dead. */
    state: text("state").notNull(),
    /** As rendered in the transaction that crossed, so that a replay sends what was meant. */
    body: text("body").notNull(),
    attempts: integer("attempts").notNull(),
    /** Null while an earlier one of the same person is pending at the same destination. */
    nextAttemptMs: integer("next_attempt_at"),
    lastAttemptMs: integer("last_attempt_at"),
    lastStatus: integer("last_status"),
    lastAnswer: text("last_answer"),
    createdMs: integer("created_at").notNull(),
  },
  (table) => [
    index("delivery_due").on(table.destination, table.nextAttemptMs).where(sql`state = 'pending'`),
    index("delivery_in_line").on(table.personId, table.destination, table.deliveryId).where(sql`state = 'pending'`),
    index("delivery_by_signal").on(table.signalId),
    index("delivery_dead").on(table.deliveryId).where(sql`state = 'dead'`),
    index("delivery_by_destination").on(table.destination, table.createdMs),
  ],
);

/** What a restart must still know of a destination; there is a row only once something went wrong or it was paused. */
export const destination = sqliteTable("destination", {
  name: text("name").primaryKey(),
  pausedMs: integer("paused_at"),
  /** manual, gone or failing. */
  pauseReason: text("pause_reason"),
  /** The first failure since the last answer that was none. */
  failingSinceMs: integer("failing_since"),
  /** The last one, which also tells whether what it asked for was noted by a clock that was ahead. */
  failedMs: integer("failed_at"),
  /** It asked to hear nothing until then. */
  quietUntilMs: integer("quiet_until"),
});

export const merge = sqliteTable(
  "merge",
  {
    mergeId: integer("merge_id").primaryKey(),
    survivorId: integer("survivor_id").notNull(),
    absorbedId: integer("absorbed_id").notNull(),
    through: text("through").notNull(),
    mergedMs: integer("merged_at").notNull(),
    undoneMs: integer("undone_at"),
    /** Both sides as they were, and the last event by then: what an undo starts from. */
    snapshot: text("snapshot").notNull(),
    lastEventSeq: integer("last_event_seq").notNull(),
  },
  (table) => [
    index("merge_by_survivor").on(table.survivorId),
    index("merge_by_absorbed").on(table.absorbedId),
    index("merge_undone").on(table.mergeId).where(sql`undone_at is not null`),
  ],
);

export const mergeReview = sqliteTable(
  "merge_review",
  {
    reviewId: integer("review_id").primaryKey(),
    personIds: text("person_ids").notNull(),
    reason: text("reason").notNull(),
    createdMs: integer("created_at").notNull(),
    decidedMs: integer("decided_at"),
    /** approved or rejected. */
    decision: text("decision"),
    /** JSON: the identifiers that were claimed and not attached, for whoever approves. */
    claims: text("claims"),
  },
  (table) => [
    uniqueIndex("merge_review_by_people").on(table.personIds),
    index("merge_review_by_decision").on(table.decision, table.reviewId),
    // An identify names four people at most: these count the open questions about one of them.
    index("merge_review_open_first").on(sql`person_ids ->> 0`).where(sql`decision is null`),
    index("merge_review_open_second").on(sql`person_ids ->> 1`).where(sql`decision is null`),
    index("merge_review_open_third").on(sql`person_ids ->> 2`).where(sql`decision is null`),
    index("merge_review_open_fourth").on(sql`person_ids ->> 3`).where(sql`decision is null`),
  ],
);

/** Two people whom somebody holds apart, by undoing a merge or rejecting a review; a row for each direction. */
export const apart = sqliteTable(
  "apart",
  {
    personId: integer("person_id").notNull(),
    otherId: integer("other_id").notNull(),
    partedMs: integer("parted_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.personId, table.otherId] })],
);

export const rejectedEvent = sqliteTable("rejected_event", {
  rejectedSeq: integer("rejected_seq").primaryKey(),
  rejectedMs: integer("rejected_at").notNull(),
  code: text("code").notNull(),
  field: text("field"),
  message: text("message").notNull(),
  body: text("body").notNull(),
});

/** One row that /health writes to learn whether a write works. */
export const heartbeat = sqliteTable("heartbeat", {
  heartbeatId: integer("heartbeat_id").primaryKey(),
  beatenMs: integer("beaten_at").notNull(),
});
