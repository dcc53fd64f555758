import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { calibrate, type Observation, observe } from "../../src/core/calibrate.ts";
import { compileRules } from "../../src/core/compile.ts";
import { DAY_MS } from "../../src/core/duration.ts";
import { areaUnderCurve, confidenceOf, fitLogistic } from "../../src/core/logistic.ts";
import type { Scoring } from "../../src/core/rules.ts";
import { holds } from "./property.ts";
import { eventOf } from "./world.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const WITHIN_MS = 14 * DAY_MS;

const scoring: Scoring = {
  page_classes: {},
  groups: { all: { max: 100 } },
  rules: [
    { name: "demo", group: "all", event: "demo", points: 5 },
    { name: "blog", group: "all", event: "blog", points: 5, max: 20 },
    { name: "jobs", group: "all", event: "jobs", points: 5 },
    { name: "rare", group: "all", event: "rare", points: 7 },
  ],
  thresholds: {},
};
const rules = compileRules(scoring, "test");

/** Chance without chance: the same numbers on every machine. */
function createChance(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("logistic regression", () => {
  test("finds the weights that the data was made with", () => {
    const chance = createChance();
    const rows = Array.from({ length: 20_000 }, () => [chance() * 4, chance() * 2, chance()]);
    const labels = rows.map(([a = 0, b = 0]) => chance() < 1 / (1 + Math.exp(-(-2 + 1.5 * a - 2 * b))));
    const { intercept, weights } = fitLogistic(rows, labels);
    expect(intercept).toBeCloseTo(-2, 0);
    expect(weights[0]?.weight).toBeCloseTo(1.5, 0);
    expect(weights[1]?.weight).toBeCloseTo(-2, 0);
    expect(Math.abs(weights[2]?.weight ?? 9)).toBeLessThan(3 * (weights[2]?.error ?? 0));
    expect(confidenceOf(weights[0]?.weight ?? 0, weights[0]?.error ?? 0)).toBeGreaterThan(0.999);
  });

  test("stays calm where a feature tells everything, nothing, or the same as another", () => {
    const rows = Array.from({ length: 200 }, (_, index) => [index % 2, 1, index % 2]);
    const { weights } = fitLogistic(
      rows,
      rows.map(([a]) => a === 1),
    );
    expect(weights[0]?.weight).toBeCloseTo(weights[2]?.weight ?? 0, 6);
    expect(weights[0]?.weight).toBeGreaterThan(1);
    expect(weights[0]?.weight).toBeLessThan(50);
    expect(weights[1]).toEqual({ weight: 0, error: 0, deviation: 0 });
  });

  test.each([
    [1.959964, 0.95],
    [-2.575829, 0.99],
    [0, 0],
  ])("a weight of %d errors is %d sure", (weight, confidence) => {
    expect(confidenceOf(weight, 1)).toBeCloseTo(confidence, 5);
  });
});

describe("the area under the curve", () => {
  const scored = fc.array(fc.record({ score: fc.nat(5), reached: fc.boolean() }), { maxLength: 20 });

  test("is the share of pairs in which the one who reached the goal scores higher", () => {
    const property = fc.property(scored, (all) => {
      const [reached, others] = [all.filter((one) => one.reached), all.filter((one) => !one.reached)];
      const wins = reached.flatMap((one) =>
        others.map((other) => (one.score > other.score ? 1 : one.score === other.score ? 0.5 : 0)),
      );
      if (wins.length === 0) expect(areaUnderCurve(all)).toBeNull();
      else expect(areaUnderCurve(all)).toBeCloseTo(wins.reduce<number>((a, b) => a + b, 0) / wins.length, 9);
    });
    holds(property, 300);
  });
});

describe("an observation", () => {
  const day = (name: string, daysAgo: number, bot: string | null = null) =>
    eventOf({ eventId: `${name} ${daysAgo}`, name, occurredMs: NOW_MS - daysAgo * DAY_MS, bot });
  const table: [what: string, events: ReturnType<typeof day>[], seen: { reached: boolean; demos: number } | null][] = [
    ["of nobody", [], null],
    [
      "counts what came before the goal only",
      [day("demo", 9), day("buy", 8), day("demo", 7)],
      { reached: true, demos: 1 },
    ],
    [
      "goes by the first time",
      [day("demo", 9), day("buy", 8), day("demo", 7), day("buy", 6)],
      { reached: true, demos: 1 },
    ],
    [
      "leaves out what came at the very moment",
      [day("demo", 8), day("other", 9), day("buy", 8)],
      { reached: true, demos: 0 },
    ],
    [
      "leaves out what came too long before",
      [day("demo", 30), day("demo", 9), day("buy", 8)],
      { reached: true, demos: 1 },
    ],
    ["is none without anything before", [day("buy", 8), day("demo", 7)], null],
    ["is none of who may still come to it", [day("demo", 20), day("demo", 3)], null],
    [
      "of who did not goes up to the last event",
      [day("demo", 22), day("demo", 21), day("demo", 20)],
      { reached: false, demos: 2 },
    ],
    [
      "has nothing of a machine's",
      [day("demo", 9, "bot"), day("other", 9), day("buy", 8)],
      { reached: true, demos: 0 },
    ],
  ];
  test.each(table)("%s", (_, events, seen) => {
    const observation = observe(1, events, "buy", WITHIN_MS, rules, NOW_MS);
    expect(observation && { reached: observation.reached, demos: observation.sums.demo?.count ?? 0 }).toEqual(seen);
  });
});

describe("a calibration", () => {
  /** Demos lead to the goal, jobs away from it, blogs nowhere. */
  function crowd(size: number): Observation[] {
    const chance = createChance(7);
    return Array.from({ length: size }, (_, personId) => {
      const counts = { demo: Math.floor(chance() * 4), blog: Math.floor(chance() * 4), jobs: Math.floor(chance() * 3) };
      const reached = chance() < 1 / (1 + Math.exp(-(-1 + 1.2 * counts.demo - 1.5 * counts.jobs)));
      const sums = Object.fromEntries(
        Object.entries({ ...counts, rare: personId < 5 ? 1 : 0 }).map(([rule, count]) => [
          rule,
          { weight: count, atMs: NOW_MS, count, lastEventMs: NOW_MS },
        ]),
      );
      return { personId, reached, atMs: NOW_MS, sums };
    });
  }

  test("gives points to what leads to the goal, takes them from what leads away, and says how sure it is", () => {
    const { advice, aucToday, aucSuggested, people, heldOut, rules: suggested } = calibrate(scoring, crowd(2_000));
    const [demo, blog, jobs, rare] = advice;
    expect(people).toBe(2_000);
    expect(heldOut).toBeGreaterThan(500);
    expect(heldOut).toBeLessThan(700);
    expect(demo?.suggested).toBeGreaterThan(5);
    expect(demo?.lift).toBeGreaterThan(1);
    expect(demo?.confidence).toBeGreaterThan(0.99);
    expect(jobs?.suggested).toBeLessThan(0);
    expect(jobs?.lift).toBeLessThan(1);
    expect(blog).toMatchObject({ suggested: 5, kept: "not sure enough" });
    expect(rare).toMatchObject({ suggested: 7, kept: "too few people" });
    expect(aucSuggested ?? 0).toBeGreaterThan((aucToday ?? 1) + 0.1);
    expect(suggested.map(({ name, points }) => [name, points])).toEqual(
      advice.map(({ rule, suggested: points }) => [rule, points]),
    );
  });

  /** So many people who are held out, or who are learned from, as the calibration itself tells them apart. */
  function ids(count: number, isHeldOut: boolean): number[] {
    const found: number[] = [];
    for (let personId = 0; found.length < count; personId += 1) {
      const alone = calibrate(scoring, [{ personId, reached: true, atMs: NOW_MS, sums: {} }]);
      if ((alone.heldOut === 1) === isHeldOut) found.push(personId);
    }
    return found;
  }

  const who = (personId: number, reached: boolean, ...met: string[]): Observation => {
    const sum = { weight: 1, atMs: NOW_MS, count: 1, lastEventMs: NOW_MS };
    return { personId, reached, atMs: NOW_MS, sums: Object.fromEntries(met.map((rule) => [rule, sum])) };
  };

  test("says lift, support and areas as they are reckoned by hand", () => {
    // Of forty, twenty reach the goal: 12 of the 16 who saw the demo, 2 of the 10 who looked for jobs, 5 of 10 readers.
    const training = ids(40, false).map((personId, index) => {
      const reached = index < 20;
      const place = index % 20;
      const met = [
        ...(place < (reached ? 12 : 4) ? ["demo"] : []),
        ...(place >= (reached ? 18 : 12) ? ["jobs"] : []),
        ...(place % 4 === 0 ? ["blog"] : []),
      ];
      return who(personId, reached, ...met);
    });
    // Of five held out two reach it. With today's points, five for each rule, they score 5 and 0, the others 0, 0 and 5.
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = ids(5, true);
    const heldOut = [who(a, true, "demo"), who(b, true), who(c, false), who(d, false), who(e, false, "jobs")];
    const { advice, ...all } = calibrate(scoring, [...training, ...heldOut]);
    expect(all).toMatchObject({ people: 45, reached: 22, heldOut: 5 });
    // Six pairs: the first wins two and ties one, the second ties two and loses one.
    expect(all.aucToday).toBeCloseTo((2 + 0.5 + 2 * 0.5) / 6, 9);
    expect(advice.map(({ rule, support, supportReached, lift }) => [rule, support, supportReached, lift])).toEqual([
      ["demo", 16, 12, 1.5],
      ["blog", 10, 5, 1],
      ["jobs", 10, 2, 0.4],
      ["rare", 0, 0, null],
    ]);
    const [demo, , jobs] = advice;
    expect(demo).toMatchObject({ kept: null });
    expect(demo?.suggested).toBeGreaterThan(0);
    expect(jobs?.suggested).toBeLessThanOrEqual(5);
  });

  test("comes out the same every time", () => {
    expect(calibrate(scoring, crowd(300))).toEqual(calibrate(scoring, crowd(300)));
  });

  test("has nothing to say about people who are all alike", () => {
    const alike = crowd(100).map((one) => ({ ...one, sums: {} }));
    const { advice, rules: suggested } = calibrate(scoring, alike);
    expect(advice.every(({ kept }) => kept === "too few people")).toBe(true);
    expect(suggested).toEqual(scoring.rules);
  });
});
