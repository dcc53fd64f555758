import type { Database } from "bun:sqlite";
import type { Delivery, DeliveryState } from "../../core/delivery.ts";
import { DELIVERY_SQL } from "./delivery-sql.ts";

export type DeliveryCount = { destination: string; state: "pending" | "dead"; count: number };

export type DeliveryPage = { deliveries: Delivery[]; nextBelowId: number | null };

/** Looked at for one page at most. */
const WALK_ROWS = 5_000;

export function createDeliveryReads(database: Database) {
  const byId = database.query<Delivery, [number]>(DELIVERY_SQL.byId);
  const bySignal = database.query<Delivery, [number]>(DELIVERY_SQL.bySignal);
  const latest = database.query<Delivery, [number, number]>(DELIVERY_SQL.latest);
  const counts = database.query<DeliveryCount, []>(DELIVERY_SQL.counts);
  const delivered = database.query<Delivery, [number, number, number]>(DELIVERY_SQL.delivered);
  const floor = database.query<{ deliveryId: number }, [number, number]>(DELIVERY_SQL.floor);
  const inState = {
    pending: database.query<Delivery, [number, number]>(DELIVERY_SQL.pending),
    dead: database.query<Delivery, [number, number]>(DELIVERY_SQL.dead),
  };
  return {
    byId: (deliveryId: number): Delivery | null => byId.get(deliveryId),

    bySignals: (signalIds: readonly number[]): Map<number, Delivery[]> =>
      new Map(signalIds.map((signalId) => [signalId, bySignal.all(signalId)])),

    /**
     * The newest first, below the cursor, and where the next page begins. A page may be short, or empty, and not be the
     * last: during an outage those that were delivered stand behind all that were not.
     */
    page: (state: DeliveryState | null, belowId: number, limit: number): DeliveryPage => {
      const floorId = state === "delivered" ? (floor.get(belowId, WALK_ROWS)?.deliveryId ?? null) : null;
      const found =
        state === "delivered"
          ? delivered.all(belowId, limit + 1, floorId ?? 0)
          : (state === null ? latest : inState[state]).all(belowId, limit + 1);
      const deliveries = found.slice(0, limit);
      const lastId = deliveries.at(-1)?.deliveryId ?? null;
      return { deliveries, nextBelowId: found.length > limit ? lastId : floorId };
    },

    /** What waits and what is lost, by destination, also by those no longer configured. */
    counts: (): DeliveryCount[] => counts.all(),
  };
}
