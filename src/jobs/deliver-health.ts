import { DAY_MS } from "../core/duration.ts";
import type { Verdict } from "../destinations/interface.ts";
import type { DestinationHealth } from "../store/sqlite/destination.ts";

const FAILING_MAX_MS = 5 * DAY_MS;

/**
 * How a destination fares after an attempt, or null where that changes nothing. A refused signal says nothing of it.
 * Whoever only ever says "too many" takes as little as one that fails. `askedMs`: it wants to hear nothing until then.
 */
export function healthAfter(
  health: DestinationHealth,
  outcome: Verdict["outcome"],
  nowMs: number,
  askedMs: number | null = null,
): DestinationHealth | null {
  if (outcome === "refused") return null;
  if (outcome === "delivered") {
    const isWell = health.failingSinceMs === null && health.quietUntilMs === null;
    return isWell ? null : { ...health, failingSinceMs: null, quietUntilMs: null };
  }
  const failingSinceMs = health.failingSinceMs ?? nowMs;
  const quietUntilMs = Math.max(askedMs ?? 0, health.quietUntilMs ?? 0) || null;
  const hasFailedLong = nowMs - failingSinceMs >= FAILING_MAX_MS;
  if (health.pausedMs === null && (outcome === "gone" || hasFailedLong)) {
    return { failingSinceMs, quietUntilMs, pausedMs: nowMs, pauseReason: outcome === "gone" ? "gone" : "failing" };
  }
  const isSame = failingSinceMs === health.failingSinceMs && quietUntilMs === health.quietUntilMs;
  return isSame ? null : { ...health, failingSinceMs, quietUntilMs };
}
