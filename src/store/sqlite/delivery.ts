import type { Database } from "bun:sqlite";
import type { DeliveryState } from "../../core/delivery.ts";
import { createDeliveryReads } from "./delivery-reads.ts";
import { createReplays } from "./delivery-replays.ts";
import { DELIVERY_SQL } from "./delivery-sql.ts";
import { createHealth } from "./destination.ts";
import { createUnsynced } from "./unsynced.ts";

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

export type DeliveryStore = ReturnType<typeof createDeliveryStore>;

/** All there is to know and to change about deliveries and how their destinations fare. */
export function createDeliveryStore(database: Database) {
  return {
    ...createHealth(database),
    ...createDeliveryReads(database),
    ...createReplays(database),
    ...createQueue(database),
    insert: createInsert(database),
    mark: createMark(database),
  };
}

/** For the engine's transaction: the rows become durable with the crossing, or not at all. */
function createInsert(database: Database): (rows: readonly NewDelivery[]) => void {
  const insert = database.query<unknown, [number, number, string, string, number]>(DELIVERY_SQL.insert);
  const selectAbsorbed = database.query<{ personId: number }, [number]>(DELIVERY_SQL.selectAbsorbed);
  const takeOver = database.query<{ destination: string }, [number, number]>(DELIVERY_SQL.takeOver);
  const holdBack = database.query<unknown, [number, string]>(DELIVERY_SQL.holdBack);
  return (rows) => {
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
  };
}

function createQueue(database: Database) {
  const due = database.query<{ deliveryId: number }, [string, number, number, number]>(DELIVERY_SQL.due);
  const toSend = database.query<DueDelivery, [number]>(DELIVERY_SQL.toSend);
  const nextDueMs = database.query<{ nextAttemptMs: number }, [string, number]>(DELIVERY_SQL.nextDueMs);
  const pullForward = database.query<unknown, [string, number, number]>(DELIVERY_SQL.pullForward);
  const hurry = database.query<unknown, [string, number, number]>(DELIVERY_SQL.hurry);
  return {
    /** What became due since, and may be sent now, the longest due first; includes what is under way already. */
    due: (destination: string, nowMs: number, limit: number, sinceMs = Number.NEGATIVE_INFINITY): number[] =>
      due.all(destination, nowMs, limit, sinceMs).map(({ deliveryId }) => deliveryId),

    toSend: (deliveryId: number): DueDelivery | null => toSend.get(deliveryId),

    /** When the next one that is not due yet will be; null when none waits. */
    nextDueMs: (destination: string, nowMs: number): number | null =>
      nextDueMs.get(destination, nowMs)?.nextAttemptMs ?? null,

    /** Makes so much of what waits for its next attempt due at once; returns how many had to wait. */
    hurry: (destination: string, nowMs: number, limit: number): number => hurry.run(destination, nowMs, limit).changes,

    /** After the clock was put back: the same for what is due in a future that only the clock before knew. */
    pullForward: (destination: string, nowMs: number, limit: number): number =>
      pullForward.run(destination, nowMs, limit).changes,
  };
}

/** Stores many attempts in one transaction, since each commit costs, and lets those that waited behind them go. */
function createMark(database: Database): (marks: readonly DeliveryMark[]) => void {
  const mark = database.query<
    { personId: number },
    [number, DeliveryState, number, number | null, number, number | null, string]
  >(DELIVERY_SQL.mark);
  const isInLine = database.query<unknown, [number, string]>(DELIVERY_SQL.isInLine);
  const release = database.query<unknown, [number, string, number]>(DELIVERY_SQL.release);
  const markAll = database.transaction((marks: readonly DeliveryMark[]): void => {
    for (const { deliveryId, destination, state, attempts, attemptedMs, status, answer, ...next } of marks) {
      const nextAttemptMs = state === "pending" ? next.nextAttemptMs : null;
      const row = mark.get(deliveryId, state, attempts, nextAttemptMs, attemptedMs, status, answer);
      if (row === null || state === "pending" || isInLine.get(row.personId, destination) === null) continue;
      release.run(row.personId, destination, attemptedMs);
    }
  });
  return createUnsynced(database, markAll);
}
