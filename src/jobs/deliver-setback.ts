/** Less than that, and retries are a little late: no reason to do anything. */
const SETBACK_MIN_MS = 1_000;

export type Setback = {
  /** The clock of the day; each look at it is remembered. */
  now(): number;
  /** Whether it has been further ahead since the last time somebody asked than it is now. */
  wasSetBack(): boolean;
};

/** Knows whether the clock of the day was put back, by one that only runs forward. */
export function createSetback(now: () => number, uptimeMs: () => number = () => performance.now()): Setback {
  let furthestMs = Number.NEGATIVE_INFINITY;
  return {
    now: () => {
      const nowMs = now();
      furthestMs = Math.max(furthestMs, nowMs - uptimeMs());
      return nowMs;
    },
    wasSetBack: () => {
      const aheadMs = now() - uptimeMs();
      const isSetBack = furthestMs - aheadMs >= SETBACK_MIN_MS;
      furthestMs = aheadMs;
      return isSetBack;
    },
  };
}
