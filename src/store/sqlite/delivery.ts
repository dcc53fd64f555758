import type { Database } from "bun:sqlite";
import type { Delivery, DeliveryState } from "../../core/delivery.ts";
import { createHealth } from "./destination.ts";

/** What the job that sends needs of it. */
export type DueDelivery = { deliveryId: number; body: string; attempts: number };

export type NewDelivery = { signalId: number; personId: number; destination: string; body: string; createdMs: number };

/** What became of one attempt. `nextAttemptMs` counts for pending only. */
export type DeliveryMark = {
  deliveryId: number;
  destination: string;
  state: DeliveryState;
  attempts: number;
  nextAttemptMs: number;
  attemptedMs: number;
  status: number | null;
  answer: string;
};

const COLUMNS = `delivery_id as deliveryId, signal_id as signalId, person_id as personId, destination, state, attempts,
  next_attempt_at as nextAttemptMs, last_attempt_at as lastAttemptMs, last_status as lastStatus,
  last_answer as lastAnswer, created_at as createdMs`;

/**
 * Of the pending deliveries of a person at a destination only the earliest has a time to be sent at; when it is through,
 * the next one gets its own. So what is due is one walk along one index, however long the line.
 */
export const DELIVERY_SQL = {
  insert: `insert into delivery (delivery_id, signal_id, person_id, destination, state, body, attempts, next_attempt_at, created_at)
    values (max(?1, coalesce((select max(delivery_id) from delivery), 0) + 1), ?1, ?2, ?3, 'pending', ?4, 0,
      case when exists (select 1 from delivery where state = 'pending' and person_id = ?2 and destination = ?3)
        then null else ?5 end, ?5)`,
  selectAbsorbed: `with recursive absorbed (person_id) as (
      select absorbed_id from merge where survivor_id = ?1 and undone_at is null
      union select m.absorbed_id from merge m join absorbed a on m.survivor_id = a.person_id where m.undone_at is null
    ) select person_id as personId from absorbed`,
  takeOver: `update delivery set person_id = ?1 where state = 'pending' and person_id = ?2 returning destination`,
  holdBack: `update delivery set next_attempt_at = null
    where state = 'pending' and person_id = ?1 and destination = ?2 and next_attempt_at is not null and delivery_id >
      (select min(delivery_id) from delivery where state = 'pending' and person_id = ?1 and destination = ?2)`,
  release: `update delivery set next_attempt_at = ?3 where next_attempt_at is null and delivery_id =
      (select min(delivery_id) from delivery where state = 'pending' and person_id = ?1 and destination = ?2)`,
  due: `select delivery_id as deliveryId from delivery
    where state = 'pending' and destination = ?1 and next_attempt_at <= ?2 order by next_attempt_at limit ?3`,
  toSend: `select delivery_id as deliveryId, body, attempts from delivery where delivery_id = ?`,
  nextDueMs: `select next_attempt_at as nextAttemptMs from delivery
    where state = 'pending' and destination = ?1 and next_attempt_at > ?2 order by next_attempt_at limit 1`,
  mark: `update delivery set state = ?2, attempts = ?3, next_attempt_at = ?4, last_attempt_at = ?5, last_status = ?6,
    last_answer = ?7 where delivery_id = ?1 and state = 'pending' returning person_id as personId`,
  hurry: `update delivery set next_attempt_at = ?2
    where state = 'pending' and destination = ?1 and next_attempt_at is not null`,
  byId: `select ${COLUMNS} from delivery where delivery_id = ?`,
  bySignal: `select ${COLUMNS} from delivery where signal_id = ? order by delivery_id`,
  byState: `select ${COLUMNS} from delivery where state = ?1 and delivery_id < ?2 order by delivery_id desc limit ?3`,
  latest: `select ${COLUMNS} from delivery where delivery_id < ?1 order by delivery_id desc limit ?2`,
  since: `select delivery_id as deliveryId, person_id as personId from delivery
    where destination = ?1 and created_at >= ?2 and state <> 'pending' order by created_at, delivery_id`,
  reopen: `update delivery set state = 'pending', attempts = 0, next_attempt_at = ?2
    where delivery_id = ?1 and state <> 'pending'`,
  counts: `select destination, state, count(*) as count from delivery
    where state in ('pending', 'dead') group by destination, state`,
} as const;

export type DeliveryStore = ReturnType<typeof createDeliveryStore>;

export function createDeliveryStore(database: Database) {
  const insert = database.query<unknown, [number, number, string, string, number]>(DELIVERY_SQL.insert);
  const selectAbsorbed = database.query<{ personId: number }, [number]>(DELIVERY_SQL.selectAbsorbed);
  const takeOver = database.query<{ destination: string }, [number, number]>(DELIVERY_SQL.takeOver);
  const holdBack = database.query<unknown, [number, string]>(DELIVERY_SQL.holdBack);
  const release = database.query<unknown, [number, string, number]>(DELIVERY_SQL.release);
  const due = database.query<{ deliveryId: number }, [string, number, number]>(DELIVERY_SQL.due);
  const toSend = database.query<DueDelivery, [number]>(DELIVERY_SQL.toSend);
  const nextDueMs = database.query<{ nextAttemptMs: number }, [string, number]>(DELIVERY_SQL.nextDueMs);
  const mark = database.query<
    { personId: number },
    [number, DeliveryState, number, number | null, number, number | null, string]
  >(DELIVERY_SQL.mark);
  const hurry = database.query<unknown, [string, number]>(DELIVERY_SQL.hurry);
  const byId = database.query<Delivery, [number]>(DELIVERY_SQL.byId);
  const bySignal = database.query<Delivery, [number]>(DELIVERY_SQL.bySignal);
  const byState = database.query<Delivery, [DeliveryState, number, number]>(DELIVERY_SQL.byState);
  const latest = database.query<Delivery, [number, number]>(DELIVERY_SQL.latest);
  const since = database.query<{ deliveryId: number; personId: number }, [string, number]>(DELIVERY_SQL.since);
  const reopen = database.query<unknown, [number, number]>(DELIVERY_SQL.reopen);
  const counts = database.query<{ destination: string; state: "pending" | "dead"; count: number }, []>(
    DELIVERY_SQL.counts,
  );

  const lineUp = (personId: number, destination: string, nowMs: number): void => {
    holdBack.run(personId, destination);
    release.run(personId, destination, nowMs);
  };

  return {
    ...createHealth(database),

    /** For the engine's transaction: the rows become durable with the crossing, or not at all. */
    insert: (rows: readonly NewDelivery[]): void => {
      for (const personId of new Set(rows.map((row) => row.personId))) {
        // What those this person was merged from have in line goes first, and in one line.
        for (const absorbed of selectAbsorbed.all(personId)) {
          const moved = takeOver.all(personId, absorbed.personId);
          for (const destination of new Set(moved.map((row) => row.destination))) holdBack.run(personId, destination);
        }
      }
      for (const { signalId, personId, destination, body, createdMs } of rows) {
        insert.run(signalId, personId, destination, body, createdMs);
      }
    },

    /** What may be sent now, the longest due first; includes what is under way already. */
    due: (destination: string, nowMs: number, limit: number): number[] =>
      due.all(destination, nowMs, limit).map(({ deliveryId }) => deliveryId),

    toSend: (deliveryId: number): DueDelivery | null => toSend.get(deliveryId),

    /** When the next one that is not due yet will be; null when none waits. */
    nextDueMs: (destination: string, nowMs: number): number | null =>
      nextDueMs.get(destination, nowMs)?.nextAttemptMs ?? null,

    /** Many attempts in one transaction, since each commit costs a sync of the disk. */
    mark: database.transaction((marks: readonly DeliveryMark[]): void => {
      for (const { deliveryId, destination, state, attempts, attemptedMs, status, answer, ...next } of marks) {
        const nextAttemptMs = state === "pending" ? next.nextAttemptMs : null;
        const row = mark.get(deliveryId, state, attempts, nextAttemptMs, attemptedMs, status, answer);
        if (row !== null && state !== "pending") release.run(row.personId, destination, attemptedMs);
      }
    }),

    /** Makes all that waits for its next attempt due at once. */
    hurry: (destination: string, nowMs: number): void => {
      hurry.run(destination, nowMs);
    },

    byId: (deliveryId: number): Delivery | null => byId.get(deliveryId),

    bySignals: (signalIds: readonly number[]): Map<number, Delivery[]> =>
      new Map(signalIds.map((signalId) => [signalId, bySignal.all(signalId)])),

    /** The newest first, below the cursor. */
    list: (state: DeliveryState | null, belowId: number, limit: number): Delivery[] =>
      state === null ? latest.all(belowId, limit) : byState.all(state, belowId, limit),

    /** Sends one again as it was meant; false when it is pending anyway. */
    replay: database.transaction(({ deliveryId, personId, destination }: Delivery, nowMs: number): boolean => {
      const { changes } = reopen.run(deliveryId, nowMs);
      if (changes > 0) lineUp(personId, destination, nowMs);
      return changes > 0;
    }),

    /** Sends again what was created since, delivered or dead; returns how many. */
    replaySince: database.transaction((destination: string, sinceMs: number, nowMs: number): number => {
      const rows = since.all(destination, sinceMs);
      for (const { deliveryId } of rows) reopen.run(deliveryId, nowMs);
      for (const personId of new Set(rows.map((row) => row.personId))) lineUp(personId, destination, nowMs);
      return rows.length;
    }),

    /** What waits and what is lost, by destination, also by those no longer configured. */
    counts: (): { destination: string; state: "pending" | "dead"; count: number }[] => counts.all(),
  };
}
