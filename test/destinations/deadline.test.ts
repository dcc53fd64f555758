import { expect, spyOn, test } from "bun:test";
import { deadlineAfter } from "../../src/destinations/deadline.ts";
import { send } from "../../src/destinations/send.ts";
import { eventually } from "../support/eventually.ts";
import { startReceiver } from "./receiver.ts";

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

test("who does not answer for fifteen seconds is given up then, and not before", async () => {
  await using receiver = await startReceiver(() => undefined);
  const begun = spyOn(globalThis, "setTimeout");
  const request = { url: receiver.url, method: "POST" as const, headers: {}, body: "{}" };
  // A stop of its own, and so a deadline of its own.
  const answer = send(request, { isPrivateAllowed: () => true, signal: new AbortController().signal });
  const timers = begun.mock.calls.filter(([, delayMs = 0]) => delayMs >= 1_000);
  begun.mockRestore();
  await eventually(() => receiver.received.length === 1, "the request");
  expect(timers).toHaveLength(1);
  const [[run, delayMs] = []] = timers;
  expect(delayMs).toBeGreaterThanOrEqual(15_000);
  expect(delayMs).toBeLessThanOrEqual(15_100);
  // The hand of the clock moves there.
  (run as () => void)();
  expect(await answer).toEqual({ status: null, body: "no answer within 15000 ms", retryAfter: null });
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
