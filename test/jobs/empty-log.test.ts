import { expect, test } from "bun:test";
import { createLogEmptier } from "../../src/jobs/empty-log.ts";
import { eventually } from "../support/eventually.ts";

/** One answer after the other, given by hand. */
function emptierOf() {
  const open: ((isDone: boolean) => void)[] = [];
  let times = 0;
  const emptier = createLogEmptier({
    empty: () => {
      times += 1;
      return new Promise((resolve) => open.push(resolve));
    },
    againAfterMs: 1,
  });
  const answer = async (isDone: boolean): Promise<void> => {
    (await eventually(() => open.shift(), "an attempt"))(isDone);
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { ...emptier, answer, times: () => times };
}

test("it is tried until nobody is in the way, and then no more", async () => {
  const { ask, answer, times } = emptierOf();
  ask();
  await answer(false);
  await answer(false);
  await answer(true);
  expect(times()).toBe(3);
});

test("whoever asks meanwhile has committed too late for the attempt under way", async () => {
  const { ask, answer, times } = emptierOf();
  ask();
  ask();
  ask();
  await answer(true);
  await answer(true);
  expect(times()).toBe(2);
  ask();
  await answer(true);
  expect(times()).toBe(3);
});

test("once it is stopped nothing is tried any more", async () => {
  const { ask, answer, stop, times } = emptierOf();
  ask();
  stop();
  await answer(false);
  expect(times()).toBe(1);
});
