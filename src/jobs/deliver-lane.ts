import type { DestinationConfig } from "../destinations/config.ts";
import { destinationOf } from "../destinations/registry.ts";
import type { DeliveryMark, DeliveryStore, DueDelivery } from "../store/sqlite/delivery.ts";
import type { DestinationHealth } from "../store/sqlite/destination.ts";
import type { Attempts } from "./deliver-attempt.ts";
import { failingSince, healthAfter, quietUntil } from "./deliver-health.ts";
import { createQueue, type QueueStore } from "./deliver-queue.ts";
import { conclude } from "./deliver-schedule.ts";

export type LaneOptions = {
  store: QueueStore & Pick<DeliveryStore, "health">;
  now: () => number;
  random: () => number;
  /** Resolves, whatever happens. */
  attempt: (config: DestinationConfig, deliveries: readonly DueDelivery[]) => Promise<Attempts>;
  /** Takes what became of an attempt; `release` follows once it is stored. */
  record: (mark: DeliveryMark, health: DestinationHealth | null) => void;
  /** A place became free, or the next attempt is due at another time than was thought. */
  onChange: () => void;
  /** What became of an attempt could not be noted. */
  onFault: (error: unknown) => void;
};

export type Lane = {
  /** Sends what may be sent now, and returns when to look again: null is "when something happens". */
  pump(config: DestinationConfig): number | null;
  /** Forgets what was held for a mark, which is stored now. */
  release(deliveryId: number): void;
  /** Reads from the beginning: something is due that is not new, such as what waited for its turn or is sent again. */
  rewind(): void;
  /** Reads again how the destination fares, after somebody changed it. */
  refresh(): void;
  underWay(): number;
};

/** One destination's queue. Nothing here is shared with another, so that a slow one slows itself only. */
export function createLane(name: string, options: LaneOptions): Lane {
  const { store, now } = options;
  const queue = createQueue(name, store);
  let underWay = 0;
  /** The last look found nothing to send: a place that becomes free is no reason for another. */
  let isDrained = false;
  let health = store.health(name);
  let quietUntilMs = quietUntil(health, now());

  const noteDown = (deliveries: readonly DueDelivery[], attempts: Exclude<Attempts, "unclear">): void => {
    const nowMs = now();
    // Where one record of several arrived, the destination is well; where none did, refusals say less than all else.
    const outcomes = attempts.map(({ verdict }) => verdict.outcome);
    const telling =
      outcomes.find((outcome) => outcome === "delivered") ??
      outcomes.find((outcome) => outcome !== "refused") ??
      outcomes[0];
    let askedMs: number | null = null;
    const marks = attempts.map(({ verdict, status, answer }, index): DeliveryMark => {
      const { deliveryId, attempts: before } = deliveries[index] as DueDelivery;
      const at = { nowMs, failingSinceMs: failingSince(health, nowMs) };
      const { quietUntilMs: untilMs, ...conclusion } = conclude(verdict, before, at, options.random);
      if (untilMs !== null) askedMs = Math.max(untilMs, askedMs ?? 0);
      return { deliveryId, destination: name, ...conclusion, attemptedMs: nowMs, status, answer };
    });
    quietUntilMs = Math.max(quietUntilMs, askedMs ?? 0);
    const changed = telling === undefined ? null : healthAfter(health, telling, nowMs, askedMs);
    for (const [index, mark] of marks.entries()) options.record(mark, index === 0 ? changed : null);
    health = changed ?? health;
  };

  /** Nobody waits for it, so a fault must end here. The deliveries stay held then: they may have arrived. */
  const dispatch = async (config: DestinationConfig, deliveries: readonly DueDelivery[]): Promise<void> => {
    let isNoted = false;
    let isHalved = false;
    try {
      const attempts = await options.attempt(config, deliveries);
      if (attempts === "unclear") {
        queue.halve(deliveries);
        isHalved = true;
      } else {
        noteDown(deliveries, attempts);
        isNoted = true;
      }
    } catch (error) {
      options.onFault(error);
    } finally {
      underWay -= 1;
      if (!isHalved) queue.answered(deliveries);
      if (!isDrained || !isNoted) options.onChange();
    }
  };

  return {
    pump: (config) => {
      isDrained = false;
      queue.begin();
      if (health.pausedMs !== null) {
        queue.drop();
        return null;
      }
      const destination = destinationOf(config);
      const [batch, spacingMs] = "write" in destination ? [undefined, 0] : [destination.batch, destination.spacingMs];
      const nowMs = now();
      // Whoever does not answer is asked one at a time: hanging requests take places that all destinations share.
      const placesMax = failingSince(health, nowMs) === null ? destination.concurrencyMax : 1;
      while (underWay < placesMax) {
        if (quietUntilMs > nowMs) return quietUntilMs;
        const deliveries = queue.take(nowMs, batch);
        if (deliveries.length === 0) {
          isDrained = queue.isEmpty();
          return queue.nextDueMs(nowMs);
        }
        underWay += 1;
        quietUntilMs = nowMs + spacingMs;
        void dispatch(config, deliveries);
      }
      return null;
    },
    release: queue.release,
    rewind: queue.rewind,
    refresh: () => {
      queue.rewind();
      health = store.health(name);
      quietUntilMs = quietUntil(health, now());
    },
    underWay: () => underWay,
  };
}
