import type { Database } from "bun:sqlite";
import type { Delivery, DeliveryState } from "../../core/delivery.ts";
import { DELIVERY_SQL } from "./delivery-sql.ts";

export type DeliveryCount = { destination: string; state: "pending" | "dead"; count: number };

export function createDeliveryReads(database: Database) {
  const byId = database.query<Delivery, [number]>(DELIVERY_SQL.byId);
  const bySignal = database.query<Delivery, [number]>(DELIVERY_SQL.bySignal);
  const latest = database.query<Delivery, [number, number]>(DELIVERY_SQL.latest);
  const counts = database.query<DeliveryCount, []>(DELIVERY_SQL.counts);
  const inState = {
    pending: database.query<Delivery, [number, number]>(DELIVERY_SQL.pending),
    delivered: database.query<Delivery, [number, number]>(DELIVERY_SQL.delivered),
    dead: database.query<Delivery, [number, number]>(DELIVERY_SQL.dead),
  };
  return {
    byId: (deliveryId: number): Delivery | null => byId.get(deliveryId),

    bySignals: (signalIds: readonly number[]): Map<number, Delivery[]> =>
      new Map(signalIds.map((signalId) => [signalId, bySignal.all(signalId)])),

    /** The newest first, below the cursor. */
    list: (state: DeliveryState | null, belowId: number, limit: number): Delivery[] =>
      (state === null ? latest : inState[state]).all(belowId, limit),

    /** What waits and what is lost, by destination, also by those no longer configured. */
    counts: (): DeliveryCount[] => counts.all(),
  };
}
