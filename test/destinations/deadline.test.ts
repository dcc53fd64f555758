import { expect, test } from "bun:test";
import { deadlineAfter } from "../../src/destinations/deadline.ts";
import { eventually } from "../support/eventually.ts";

const LONG_MS = 60_000;

const aborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason), { once: true }));

test("those that begin together share a deadline, and others have their own", () => {
  const stop = new AbortController().signal;
  const first = deadlineAfter(LONG_MS, stop);
  expect(deadlineAfter(LONG_MS, stop)).toBe(first);
  expect(deadlineAfter(LONG_MS + 1, stop)).not.toBe(first);
  expect(deadlineAfter(LONG_MS, new AbortController().signal)).not.toBe(first);
});

test("nobody's deadline ends before its time, also where another has begun it", async () => {
  deadlineAfter(50, undefined);
  const firstMs = performance.now();
  await eventually(() => performance.now() - firstMs >= 20, "a fifth of a slot");
  const beganMs = performance.now();
  const second = deadlineAfter(50, undefined);
  expect(await aborted(second)).toEqual(new Error("no answer within 50 ms"));
  expect(performance.now() - beganMs).toBeGreaterThanOrEqual(50);
});

test("a stop ends what has begun and what begins after it", async () => {
  const aborter = new AbortController();
  const begun = deadlineAfter(LONG_MS, aborter.signal);
  const ended = aborted(begun);
  aborter.abort();
  await ended;
  expect(begun.aborted).toBe(true);
  expect(deadlineAfter(LONG_MS, aborter.signal).aborted).toBe(true);
  expect(deadlineAfter(LONG_MS + 1, aborter.signal).aborted).toBe(true);
});
