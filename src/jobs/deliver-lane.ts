import { formatId } from "../core/id.ts";
import type { DestinationConfig } from "../destinations/config.ts";
import { destinationOf } from "../destinations/registry.ts";
import type { DeliveryMark, DeliveryStore, DueDelivery } from "../store/sqlite/delivery.ts";
import type { DestinationHealth } from "../store/sqlite/destination.ts";
import type { Attempt } from "./deliver-attempt.ts";
import { conclude } from "./deliver-schedule.ts";

/** Read ahead at once; a little more than the requests under way at most. */
const READ_AHEAD_MAX = 256;
const FAILING_MAX_MS = 5 * 86_400_000;
const LOCAL_SPACING_MS = 0;

export type LaneOptions = {
  store: Pick<DeliveryStore, "due" | "toSend" | "nextDueMs" | "health">;
  now: () => number;
  random: () => number;
  /** Resolves, whatever happens. */
  attempt: (config: DestinationConfig, delivery: DueDelivery) => Promise<Attempt>;
  /** Takes what became of an attempt; `settled` must be called once it is stored. */
  record: (mark: DeliveryMark, health: DestinationHealth | null) => void;
  /** Something became free, or may be sent at another time than was thought. */
  onChange: () => void;
};

export type Lane = {
  /** Sends what may be sent now, and returns when to look again: null is "when something happens". */
  pump(config: DestinationConfig): number | null;
  /** Forgets what was held for a mark, which is stored now. */
  release(deliveryId: number): void;
  /** Reads again how the destination fares, after somebody changed it. */
  refresh(): void;
  underWay(): number;
};

/** One destination's queue. Nothing here is shared with another, so that a slow one slows itself only. */
export function createLane(name: string, options: LaneOptions): Lane {
  const { store, now } = options;
  /** Read or under way or not yet marked: pending in the store, and yet not to be sent again. */
  const held = new Set<number>();
  let queue: number[] = [];
  let underWay = 0;
  let quietUntilMs = 0;
  let health = store.health(name);

  const refill = (nowMs: number): void => {
    const due = store.due(name, nowMs, held.size + READ_AHEAD_MAX);
    queue = due.filter((deliveryId) => !held.has(deliveryId));
    for (const deliveryId of queue) held.add(deliveryId);
  };

  const dropQueue = (): void => {
    for (const deliveryId of queue) held.delete(deliveryId);
    queue = [];
  };

  const learn = (outcome: Attempt["verdict"]["outcome"], nowMs: number): DestinationHealth | null => {
    if (outcome === "limited" || outcome === "refused") return null;
    if (outcome === "delivered") {
      if (health.failingSinceMs === null) return null;
      health = { ...health, failingSinceMs: null };
      return health;
    }
    const failingSinceMs = health.failingSinceMs ?? nowMs;
    const reason = outcome === "gone" ? "gone" : nowMs - failingSinceMs >= FAILING_MAX_MS ? "failing" : null;
    const isKnown = health.failingSinceMs !== null && (reason === null || health.pausedMs !== null);
    if (isKnown) return null;
    health = {
      failingSinceMs,
      pausedMs: reason === null ? health.pausedMs : (health.pausedMs ?? nowMs),
      pauseReason: health.pauseReason ?? reason,
    };
    return health;
  };

  const dispatch = async (config: DestinationConfig, delivery: DueDelivery): Promise<void> => {
    const { verdict, status, answer } = await options.attempt(config, delivery);
    const nowMs = now();
    const conclusion = conclude(verdict, delivery.attempts, nowMs, options.random);
    quietUntilMs = Math.max(quietUntilMs, conclusion.quietUntilMs ?? 0);
    const { state, attempts, nextAttemptMs } = conclusion;
    underWay -= 1;
    options.record(
      {
        deliveryId: delivery.deliveryId,
        destination: name,
        state,
        attempts,
        nextAttemptMs,
        attemptedMs: nowMs,
        status,
        answer,
      },
      learn(verdict.outcome, nowMs),
    );
    options.onChange();
  };

  return {
    pump: (config) => {
      if (health.pausedMs !== null) {
        dropQueue();
        return null;
      }
      const destination = destinationOf(config);
      const spacingMs = "write" in destination ? LOCAL_SPACING_MS : destination.spacingMs;
      const nowMs = now();
      while (underWay < destination.concurrencyMax) {
        if (queue.length === 0) refill(nowMs);
        if (queue.length === 0) return store.nextDueMs(name, nowMs);
        if (quietUntilMs > nowMs) return quietUntilMs;
        const deliveryId = queue.shift();
        const delivery = deliveryId === undefined ? null : store.toSend(deliveryId);
        if (delivery === null) {
          // Erased meanwhile.
          if (deliveryId !== undefined) held.delete(deliveryId);
          continue;
        }
        underWay += 1;
        quietUntilMs = nowMs + spacingMs;
        void dispatch(config, delivery);
      }
      return null;
    },
    release: (deliveryId) => {
      held.delete(deliveryId);
    },
    refresh: () => {
      health = store.health(name);
      quietUntilMs = 0;
    },
    underWay: () => underWay,
  };
}

/** How a delivery is called outside, also in the `webhook-id` header. */
export const deliveryIdText = (deliveryId: number): string => formatId("delivery", deliveryId);
