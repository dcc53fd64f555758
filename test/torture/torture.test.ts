import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { buildExecutable } from "../executable/executable.ts";
import { crash } from "./crash.ts";
import { fuzz } from "./fuzz.ts";
import { growWal } from "./wal.ts";

/** The short form of `bun run torture`, whose long form takes minutes. */
setDefaultTimeout(120_000);
beforeAll(buildExecutable, 120_000);

const SEED = 20_261_121;
const MINUTES_MAX = 1;
const silent = (): void => undefined;

describe("torture, in short", () => {
  test("kill -9 at random moments: nothing acknowledged is lost, nothing is there twice or half", async () => {
    const figures = await crash({ seed: SEED, iterations: 30, minutes: MINUTES_MAX, isFaulty: false, tell: silent });
    expect(figures.wrongs).toEqual([]);
    // It would prove nothing if nothing of this had happened.
    const { events, merges, switches, signals, unanswered, duplicate, killed } = figures;
    const { undone, reviewed, erased, clicks, lists, reloads } = figures;
    const all = { events, merges, switches, signals, unanswered, duplicate, ...killed };
    // Which of the two a short run comes to depends on when it is killed.
    const happened = Object.entries({ ...all, ruled: undone + reviewed, erased, clicks, lists, reloads });
    expect(happened.filter(([, count]) => count === 0)).toEqual([]);
  });

  test("the same while the disk fails now and then and the clock jumps by up to a day", async () => {
    const figures = await crash({ seed: SEED, iterations: 16, minutes: MINUTES_MAX, isFaulty: true, tell: silent });
    expect(figures.wrongs).toEqual([]);
    expect(figures.events).toBeGreaterThan(0);
  });

  test("anything sent to any address is answered, and neither with a fault nor with itself", async () => {
    const { wrongs, statuses, inputs, answers } = await fuzz({ seed: SEED, inputs: 3_000, tell: silent });
    expect(wrongs).toEqual([]);
    expect(answers).toBeGreaterThan(inputs / 30);
    expect(inputs).toBe(3_000);
    expect(statuses[200]).toBeGreaterThan(inputs / 30);
  });

  test("a log that a long reader lets grow is taken in after kill -9, and nothing is missing", async () => {
    const { wrongs, walMb, walAfterMb } = await growWal(32, silent);
    expect(wrongs).toEqual([]);
    expect(walMb).toBeGreaterThanOrEqual(32);
    expect(walAfterMb).toBe(0);
  });
});
