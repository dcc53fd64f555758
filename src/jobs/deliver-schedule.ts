import type { DeliveryState } from "../core/delivery.ts";
import type { Verdict } from "../destinations/interface.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The waits after the first, second, … failure, as Standard Webhooks advises; after the last comes `dead`. */
const RETRY_DELAYS_MS = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
];
/** Spreads what failed together, always to later, so that nobody comes before their time. */
const JITTER_SHARE = 0.1;
/** Whoever says "too many, come back at once" would be asked without end: as long again as it has lasted, within these. */
const LIMITED_MIN_MS = 500;
const LIMITED_GROWN_MS = 5 * MINUTE_MS;

export type Conclusion = {
  state: DeliveryState;
  attempts: number;
  nextAttemptMs: number;
  /** Until when the destination wants to hear nothing at all. */
  quietUntilMs: number | null;
};

/** What follows from an attempt. Being early does not count as a failure: a busy day must not kill what waits its turn. */
export function conclude(
  verdict: Verdict,
  attempts: number,
  { nowMs, failingSinceMs }: { nowMs: number; failingSinceMs: number | null },
  random: () => number,
): Conclusion {
  const count = attempts + 1;
  switch (verdict.outcome) {
    case "delivered":
      return { state: "delivered", attempts: count, nextAttemptMs: nowMs, quietUntilMs: null };
    case "refused":
      return { state: "dead", attempts: count, nextAttemptMs: nowMs, quietUntilMs: null };
    case "limited": {
      const lastedMs = nowMs - (failingSinceMs ?? nowMs);
      const leastMs = Math.min(Math.max(lastedMs, LIMITED_MIN_MS), LIMITED_GROWN_MS);
      const untilMs = nowMs + Math.max(verdict.afterMs, leastMs);
      return { state: "pending", attempts, nextAttemptMs: untilMs, quietUntilMs: untilMs };
    }
    default: {
      const delayMs = RETRY_DELAYS_MS[attempts];
      if (delayMs === undefined) return { state: "dead", attempts: count, nextAttemptMs: nowMs, quietUntilMs: null };
      const askedMs = verdict.outcome === "retry" ? (verdict.afterMs ?? null) : null;
      const spreadMs = Math.round(delayMs * (1 + JITTER_SHARE * random()));
      return {
        state: "pending",
        attempts: count,
        nextAttemptMs: nowMs + Math.max(spreadMs, askedMs ?? 0),
        quietUntilMs: askedMs === null ? null : nowMs + askedMs,
      };
    }
  }
}
