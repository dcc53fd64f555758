import type { Database } from "bun:sqlite";
import type { Delivery } from "../../core/delivery.ts";
import { DELIVERY_SQL } from "./delivery-sql.ts";

/** Sending again what was sent or died: the same body under the same id, in its person's line as if it were new. */
export function createReplays(database: Database) {
  const since = database.query<{ deliveryId: number; personId: number }, [string, number]>(DELIVERY_SQL.since);
  const reopen = database.query<unknown, [number, number]>(DELIVERY_SQL.reopen);
  const holdBack = database.query<unknown, [number, string]>(DELIVERY_SQL.holdBack);
  const release = database.query<unknown, [number, string, number]>(DELIVERY_SQL.release);

  const lineUp = (personId: number, destination: string, nowMs: number): void => {
    holdBack.run(personId, destination);
    release.run(personId, destination, nowMs);
  };

  return {
    /** False when it is pending anyway. */
    replay: database.transaction(({ deliveryId, personId, destination }: Delivery, nowMs: number): boolean => {
      const { changes } = reopen.run(deliveryId, nowMs);
      if (changes > 0) lineUp(personId, destination, nowMs);
      return changes > 0;
    }),

    /** All that was created since, delivered or dead; returns how many. */
    replaySince: database.transaction((destination: string, sinceMs: number, nowMs: number): number => {
      const rows = since.all(destination, sinceMs);
      for (const { deliveryId } of rows) reopen.run(deliveryId, nowMs);
      for (const personId of new Set(rows.map((row) => row.personId))) lineUp(personId, destination, nowMs);
      return rows.length;
    }),
  };
}
