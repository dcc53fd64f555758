import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createBuckets } from "../../src/http/buckets.ts";

const TEN = { per_second: 10, burst: 5 };

describe("a bucket", () => {
  test("gives what is in it, then tells how long the next takes", () => {
    const buckets = createBuckets();
    for (let taken = 0; taken < 5; taken += 1) expect(buckets.take("a", 1, TEN, 0)).toBe(0);
    expect(buckets.take("a", 1, TEN, 0)).toBeCloseTo(100);
    expect(buckets.take("a", 3, TEN, 0)).toBeCloseTo(300);
    expect(buckets.take("a", 1, TEN, 100)).toBe(0);
    expect(buckets.take("a", 1, TEN, 100)).toBeCloseTo(100);
  });

  test("of one is not another's", () => {
    const buckets = createBuckets();
    expect(buckets.take("a", 5, TEN, 0)).toBe(0);
    expect(buckets.take("b", 5, TEN, 0)).toBe(0);
  });

  test("holds no more than its burst, however long the pause", () => {
    const buckets = createBuckets();
    buckets.take("a", 1, TEN, 0);
    expect(buckets.take("a", 5, TEN, 1e9)).toBe(0);
    expect(buckets.take("a", 1, TEN, 1e9)).toBeGreaterThan(0);
  });

  test("gives to one who asks for more than it ever holds, once it is full", () => {
    const buckets = createBuckets();
    expect(buckets.take("a", 50, TEN, 0)).toBe(0);
    expect(buckets.take("a", 50, TEN, 0)).toBeCloseTo(500);
    expect(buckets.take("a", 50, TEN, 500)).toBe(0);
  });

  test("is kept for a bounded number of senders; who asks again and again is not forgotten", () => {
    const buckets = createBuckets(1_000);
    buckets.take("loud", 5, TEN, 0);
    for (let sender = 0; sender < 100_000; sender += 1) {
      buckets.take(`sender ${sender}`, 1, TEN, 0);
      if (sender % 100 === 0) expect(buckets.take("loud", 1, TEN, 0)).toBeGreaterThan(0);
    }
    expect(buckets.size()).toBeLessThanOrEqual(1_000);
  });
});

test("who waits as long as told is let in, and over any time no more than rate and burst come in", () => {
  const steps = fc.array(
    fc.record({ afterMs: fc.integer({ min: 0, max: 2_000 }), cost: fc.integer({ min: 1, max: 8 }) }),
    {
      minLength: 1,
      maxLength: 60,
    },
  );
  const rate = fc.record({ per_second: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 8, max: 20 }) });
  fc.assert(
    fc.property(steps, rate, (given, allowed) => {
      const buckets = createBuckets();
      let nowMs = 0;
      let let_in = 0;
      for (const { afterMs, cost } of given) {
        nowMs += afterMs;
        const waitMs = buckets.take("a", cost, allowed, nowMs);
        if (waitMs > 0) {
          expect(buckets.take("a", cost, allowed, nowMs + waitMs * 0.9 - 0.01)).toBeGreaterThan(0);
          nowMs += waitMs + 0.01;
          expect(buckets.take("a", cost, allowed, nowMs)).toBe(0);
        }
        let_in += cost;
        expect(let_in).toBeLessThanOrEqual(allowed.burst + (nowMs / 1_000) * allowed.per_second + 0.1);
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});
