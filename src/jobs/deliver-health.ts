import { DAY_MS } from "../core/duration.ts";
import { RETRY_AFTER_MAX_MS } from "../destinations/answer.ts";
import type { Verdict } from "../destinations/interface.ts";
import type { DestinationHealth } from "../store/sqlite/destination.ts";

const FAILING_MAX_MS = 5 * DAY_MS;
/** The longest wait for the next attempt is a day and a tenth. Whoever was asked nothing for longer has not failed since. */
const FAILING_GAP_MAX_MS = 2 * DAY_MS;

/**
 * How a destination fares after an attempt, or null where that changes nothing. Whoever refuses a signal has answered,
 * and does not fail. Whoever only ever says "too many" takes as little as one that fails. `askedMs`: it wants to hear
 * nothing until then.
 */
export function healthAfter(
  health: DestinationHealth,
  outcome: Verdict["outcome"],
  nowMs: number,
  askedMs: number | null = null,
): DestinationHealth | null {
  if (outcome === "refused") return health.failingSinceMs === null ? null : { ...health, failingSinceMs: null };
  if (outcome === "delivered") {
    const isWell = health.failingSinceMs === null && health.quietUntilMs === null;
    return isWell ? null : { ...health, failingSinceMs: null, failedMs: null, quietUntilMs: null };
  }
  const failingSinceMs = failingSince(health, nowMs) ?? nowMs;
  const quietUntilMs = Math.max(askedMs ?? 0, quietUntil(health, nowMs)) || null;
  const failed = { ...health, failingSinceMs, failedMs: nowMs, quietUntilMs };
  const hasFailedLong = nowMs - failingSinceMs >= FAILING_MAX_MS;
  if (health.pausedMs === null && (outcome === "gone" || hasFailedLong)) {
    return { ...failed, pausedMs: nowMs, pauseReason: outcome === "gone" ? "gone" : "failing" };
  }
  return failed;
}

/** Since when it fails, as long as it goes on: what failed once and was erased since says nothing of today. */
export function failingSince({ failingSinceMs, failedMs }: DestinationHealth, nowMs: number): number | null {
  const lastMs = failedMs ?? failingSinceMs;
  if (failingSinceMs === null || lastMs === null || isAhead(lastMs, nowMs)) return null;
  return nowMs - lastMs > FAILING_GAP_MAX_MS ? null : failingSinceMs;
}

/** Zero for what a clock that was ahead noted: it was asked for in the future, or for longer than anybody can ask. */
export function quietUntil({ quietUntilMs, failedMs }: DestinationHealth, nowMs: number): number {
  if (quietUntilMs === null || quietUntilMs > nowMs + RETRY_AFTER_MAX_MS) return 0;
  return failedMs !== null && isAhead(failedMs, nowMs) ? 0 : quietUntilMs;
}

function isAhead(ms: number, nowMs: number): boolean {
  return ms > nowMs;
}
