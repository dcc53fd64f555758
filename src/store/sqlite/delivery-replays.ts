import type { Database } from "bun:sqlite";
import type { Delivery } from "../../core/delivery.ts";
import { DELIVERY_SQL } from "./delivery-sql.ts";

/** In one transaction: everything else waits as long, in this process and, for the command line's, in the server. */
const STEP_ROWS = 500;

type Position = { deliveryId: number; createdMs: number };

/** Sending again what was sent or died: the same body under the same id, in its person's line as if it were new. */
export function createReplays(database: Database) {
  const lastId = database.query<{ deliveryId: number | null }, []>(DELIVERY_SQL.lastId);
  const since = database.query<Position, [string, number, number, number, number]>(DELIVERY_SQL.since);
  const reopen = database.query<{ personId: number }, [number, number]>(DELIVERY_SQL.reopen);
  const holdBack = database.query<unknown, [number, string]>(DELIVERY_SQL.holdBack);
  const release = database.query<unknown, [number, string, number]>(DELIVERY_SQL.release);

  const lineUp = (personId: number, destination: string, nowMs: number): void => {
    holdBack.run(personId, destination);
    release.run(personId, destination, nowMs);
  };

  const reopenAll = database.transaction((found: readonly Position[], destination: string, nowMs: number): number => {
    const reopened = found.flatMap(({ deliveryId }) => reopen.get(deliveryId, nowMs) ?? []);
    for (const personId of new Set(reopened.map((row) => row.personId))) lineUp(personId, destination, nowMs);
    return reopened.length;
  });

  return {
    /** False when it is pending anyway. */
    replay: database.transaction(({ deliveryId, destination }: Delivery, nowMs: number): boolean => {
      const reopened = reopen.get(deliveryId, nowMs);
      if (reopened !== null) lineUp(reopened.personId, destination, nowMs);
      return reopened !== null;
    }),

    /**
     * All that was created since, delivered or dead, step by step while others have their turn; returns how many. Each
     * step can wait for its turn in a way of the caller's.
     */
    replaySince: async (
      destination: string,
      sinceMs: number,
      nowMs: number,
      inTurn: (step: () => number) => Promise<number> = async (step) => step(),
    ): Promise<number> => {
      // What is created meanwhile, and what is delivered again, is no part of it.
      const untilId = lastId.get()?.deliveryId ?? 0;
      let position: Position | undefined = { createdMs: sinceMs, deliveryId: 0 };
      let replayed = 0;
      while (position !== undefined) {
        const startMs = performance.now();
        const found = since.all(destination, position.createdMs, position.deliveryId, untilId, STEP_ROWS);
        // A writer in another process waits by asking now and then, so there must be times when it is let in.
        replayed += await inTurn(() => reopenAll.immediate(found, destination, nowMs));
        position = found[STEP_ROWS - 1];
        if (position !== undefined) await Bun.sleep(performance.now() - startMs);
      }
      return replayed;
    },
  };
}
