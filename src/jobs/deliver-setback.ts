/** Less than that, and retries are a little late: no reason to do anything. */
const SETBACK_MIN_MS = 1_000;

/** Tells whether the clock of the day was put back since the last look, by one that only runs forward. */
export function createSetback(now: () => number, uptimeMs: () => number = () => performance.now()): () => boolean {
  let ahead = now() - uptimeMs();
  return () => {
    const before = ahead;
    ahead = now() - uptimeMs();
    return before - ahead >= SETBACK_MIN_MS;
  };
}
