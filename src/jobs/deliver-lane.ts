import type { DestinationConfig } from "../destinations/config.ts";
import { destinationOf } from "../destinations/registry.ts";
import type { DeliveryMark, DeliveryStore, DueDelivery } from "../store/sqlite/delivery.ts";
import type { DestinationHealth } from "../store/sqlite/destination.ts";
import type { Attempt } from "./deliver-attempt.ts";
import { healthAfter } from "./deliver-health.ts";
import { conclude } from "./deliver-schedule.ts";

/** Read at once; the index is asked again only when these are used up. */
const READ_AHEAD_MAX = 256;

export type LaneOptions = {
  store: Pick<DeliveryStore, "due" | "toSend" | "nextDueMs" | "health">;
  now: () => number;
  random: () => number;
  /** Resolves, whatever happens. */
  attempt: (config: DestinationConfig, delivery: DueDelivery) => Promise<Attempt>;
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
  /** Read, under way or not yet marked: pending in the store, and yet not to be sent again. */
  const held = new Set<number>();
  let queue: number[] = [];
  let underWay = 0;
  /** The last look found nothing to send: a place that becomes free is no reason for another. */
  let isDrained = false;
  let quietUntilMs = 0;
  let health = store.health(name);
  /** All that was due by then has been read; what is new is due later. */
  let readToMs = Number.NEGATIVE_INFINITY;
  /** The same within one round. */
  let isReadThrough = false;
  /** When what has waited longest for a later time is due, or that nothing does; undefined when that is not known. */
  let laterMs: number | null | undefined;

  const rewind = (): void => {
    readToMs = Number.NEGATIVE_INFINITY;
    laterMs = undefined;
  };

  const refill = (nowMs: number): void => {
    if (nowMs < readToMs) rewind();
    const limit = held.size + READ_AHEAD_MAX;
    const found = store.due(name, nowMs, limit, readToMs);
    isReadThrough = found.length < limit;
    if (isReadThrough) readToMs = nowMs;
    queue = found.filter((deliveryId) => !held.has(deliveryId));
    for (const deliveryId of queue) held.add(deliveryId);
  };

  const nextDueMs = (nowMs: number): number | null => {
    if (laterMs === undefined || (laterMs !== null && laterMs <= nowMs)) laterMs = store.nextDueMs(name, nowMs);
    return laterMs;
  };

  /** The next to send; one that was erased meanwhile is passed over. */
  const take = (nowMs: number): DueDelivery | null => {
    if (queue.length === 0 && !isReadThrough) refill(nowMs);
    for (let deliveryId = queue.shift(); deliveryId !== undefined; deliveryId = queue.shift()) {
      const delivery = store.toSend(deliveryId);
      if (delivery !== null) return delivery;
      held.delete(deliveryId);
    }
    return null;
  };

  const noteDown = (delivery: DueDelivery, { verdict, status, answer }: Attempt): void => {
    const nowMs = now();
    const { quietUntilMs: askedMs, ...conclusion } = conclude(verdict, delivery.attempts, nowMs, options.random);
    quietUntilMs = Math.max(quietUntilMs, askedMs ?? 0);
    const changed = healthAfter(health, verdict.outcome, nowMs);
    health = changed ?? health;
    const { deliveryId } = delivery;
    options.record({ deliveryId, destination: name, ...conclusion, attemptedMs: nowMs, status, answer }, changed);
  };

  /** Nobody waits for it, so a fault must end here. The delivery stays held then: it may have arrived. */
  const dispatch = async (config: DestinationConfig, delivery: DueDelivery): Promise<void> => {
    let isNoted = false;
    try {
      noteDown(delivery, await options.attempt(config, delivery));
      isNoted = true;
    } catch (error) {
      options.onFault(error);
    } finally {
      underWay -= 1;
      if (!isDrained || !isNoted) options.onChange();
    }
  };

  return {
    pump: (config) => {
      isDrained = false;
      isReadThrough = false;
      if (health.pausedMs !== null) {
        for (const deliveryId of queue) held.delete(deliveryId);
        queue = [];
        rewind();
        return null;
      }
      const destination = destinationOf(config);
      const nowMs = now();
      // Whoever does not answer is asked one at a time: hanging requests take places that all destinations share.
      const placesMax = health.failingSinceMs === null ? destination.concurrencyMax : 1;
      while (underWay < placesMax) {
        if (quietUntilMs > nowMs) return quietUntilMs;
        const delivery = take(nowMs);
        if (delivery === null) {
          isDrained = true;
          return nextDueMs(nowMs);
        }
        underWay += 1;
        quietUntilMs = nowMs + ("write" in destination ? 0 : destination.spacingMs);
        void dispatch(config, delivery);
      }
      return null;
    },
    release: (deliveryId) => {
      held.delete(deliveryId);
    },
    rewind,
    refresh: () => {
      rewind();
      health = store.health(name);
      quietUntilMs = 0;
    },
    underWay: () => underWay,
  };
}
