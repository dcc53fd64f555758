import { DAY_MS } from "../core/duration.ts";
import type { Verdict } from "../destinations/interface.ts";
import type { DestinationHealth } from "../store/sqlite/destination.ts";

const FAILING_MAX_MS = 5 * DAY_MS;

/** How a destination fares after an attempt, or null where that changes nothing. A refused signal says nothing of it. */
export function healthAfter(
  health: DestinationHealth,
  outcome: Verdict["outcome"],
  nowMs: number,
): DestinationHealth | null {
  if (outcome === "limited" || outcome === "refused") return null;
  if (outcome === "delivered") return health.failingSinceMs === null ? null : { ...health, failingSinceMs: null };
  const failingSinceMs = health.failingSinceMs ?? nowMs;
  const hasFailedLong = nowMs - failingSinceMs >= FAILING_MAX_MS;
  if (health.pausedMs === null && (outcome === "gone" || hasFailedLong)) {
    return { failingSinceMs, pausedMs: nowMs, pauseReason: outcome === "gone" ? "gone" : "failing" };
  }
  return health.failingSinceMs === null ? { ...health, failingSinceMs } : null;
}
