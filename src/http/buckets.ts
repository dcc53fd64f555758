/** Senders remembered at a time; who is forgotten begins with a full bucket. */
const SENDERS_MAX = 50_000;

export type Rate = { per_second: number; burst: number };

export type Buckets = {
  /** Takes from a sender's bucket. 0 when there was enough in it, else the milliseconds until there will be. */
  take(sender: string, cost: number, rate: Rate, nowMs: number): number;
  size(): number;
};

/**
 * Token buckets, each kept as the one time at which it will be full again. Two maps of half the size hold them: when the
 * recent one is full it becomes the older one, and whoever was not seen since is forgotten with the next change.
 */
export function createBuckets(sendersMax = SENDERS_MAX): Buckets {
  let recent = new Map<string, number>();
  let older = new Map<string, number>();
  const keep = (sender: string, fullMs: number): void => {
    if (recent.size >= sendersMax / 2 && !recent.has(sender)) {
      older = recent;
      recent = new Map();
    }
    recent.set(sender, fullMs);
  };
  return {
    take: (sender, cost, { per_second: perSecond, burst }, nowMs) => {
      const tokenMs = 1_000 / perSecond;
      const fullMs = Math.max(recent.get(sender) ?? older.get(sender) ?? nowMs, nowMs);
      // What is more than the bucket ever holds takes all of it.
      const taken = fullMs + Math.min(cost, burst) * tokenMs;
      const waitMs = taken - nowMs - burst * tokenMs;
      const isEnough = waitMs < 0.001;
      keep(sender, isEnough ? taken : fullMs);
      return isEnough ? 0 : waitMs;
    },
    size: () => recent.size + older.size,
  };
}
