import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { DAY_MS } from "../../../src/core/duration.ts";
import type { ExplainAnswer } from "../../../src/features/people/explain.ts";
import { everyKindOfRule } from "../../core/scoring.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { NOON_MS, startInstance, type TestInstance } from "../../support/instance.ts";
import { explanationOf, identify, pageView, personOf } from "./reads.ts";

const CLOSE = 9;
const SEED = 20_240_229;

function expectToAddUp({ score, groups, contributions }: ExplainAnswer): void {
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  for (const { group, raw, max, points } of groups) {
    const own = contributions.filter((contribution) => contribution.group === group);
    expect(sum(own.map((contribution) => contribution.points))).toBeCloseTo(raw, CLOSE);
    expect(points).toBe(Math.min(Math.max(raw, -max), max));
  }
  const total = sum(groups.map(({ points }) => points));
  expect(score).toBeCloseTo(Math.min(Math.max(total, 0), 100), CLOSE);
}

/** A moment of somebody's life, on one of two browsers. */
const day = fc.record({
  quarter: fc.nat(40),
  visitor: fc.constantFrom("laptop", "phone"),
  event: fc.constantFrom("page_view", "page_view", "form_submit", "demo", "leave", "signup", "other"),
  url: fc.constantFrom("/", "/pricing", "/careers"),
  session_id: fc.constantFrom(undefined, "one", "two"),
});

/** Lives through the days as they come, and writes down what the score was after each. */
async function live(
  instance: TestInstance,
  days: { quarter: number; visitor: string; event: string; url: string; session_id: string | undefined }[],
): Promise<{ atMs: number; score: number }[]> {
  const seen: { atMs: number; score: number }[] = [];
  for (const { quarter, ...event } of days) {
    instance.clock.nowMs = NOON_MS + quarter * (DAY_MS / 4);
    const { visitor: anonymous_id, event: name, url, session_id } = event;
    await instance.post("/track", { event: name, anonymous_id, url, session_id });
    seen.push({ atMs: instance.clock.nowMs, score: (await personOf(instance, "ada@acme.example")).score });
  }
  return seen;
}

describe("an explanation", () => {
  test("adds up at any time; the past is what it was, the future is what comes", async () => {
    const property = fc.asyncProperty(
      fc.array(day, { minLength: 1, maxLength: 25 }),
      fc.nat(90),
      async (days, later) => {
        await using instance = startInstance({ intent: everyKindOfRule });
        for (const visitor of ["laptop", "phone"]) await identify(instance, visitor, { email: "ada@acme.example" });
        const seen = await live(
          instance,
          days.sort((a, b) => a.quarter - b.quarter),
        );
        // Of several events at one moment the last one tells.
        const past = new Map(seen.map(({ atMs, score }) => [atMs, score]));
        for (const [atMs, score] of past) {
          const explanation = await explanationOf(instance, "laptop", atMs);
          expectToAddUp(explanation);
          expect(explanation.score).toBeCloseTo(score, CLOSE);
          expectToAddUp(await explanationOf(instance, "phone", atMs - 1));
        }
        const laterMs = instance.clock.nowMs + later * DAY_MS;
        const foreseen = await explanationOf(instance, "phone", new Date(laterMs).toISOString());
        expectToAddUp(foreseen);
        instance.clock.nowMs = laterMs;
        const { score, level, groups } = await personOf(instance, "phone");
        expect(foreseen).toMatchObject({ score, level, groups });
        expect(await explanationOf(instance, "phone")).toEqual(foreseen);
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: 40, includeErrorInReport: true });
  });

  test("has the shape that others build on", async () => {
    await using instance = startInstance();
    const events = [...Array.from({ length: 3 }, () => pageView("ada", NOON_MS)), pageView("ada", NOON_MS, "/demo")];
    await instance.post("/track", [...events, { event: "form_submit", anonymous_id: "ada" }]);
    const personId = await identify(instance, "ada", { email: "ada@acme.example" });
    const explanation = await explanationOf(instance, personId, "2026-06-08");
    const health = (await instance.get<{ config_hash: string }>("/health")).body;
    expect(Object.keys(explanation)).toEqual([
      "person_id",
      "at",
      "score",
      "level",
      "config_hash",
      "groups",
      "contributions",
    ]);
    expect(explanation).toMatchObject({
      person_id: personId,
      at: "2026-06-08T00:00:00.000Z",
      level: "warm",
      config_hash: health.config_hash,
    });
    expect(explanation.groups.map(({ group }) => group)).toEqual([
      "recency",
      "frequency",
      "engagement",
      "high_intent",
      "conversion",
    ]);
    expect(explanation.contributions.find(({ rule }) => rule === "business_email")).toEqual({
      rule: "business_email",
      group: "conversion",
      count: 1,
      raw: 10,
      points: 10,
      half_life_days: null,
      last_event_at: "2026-06-01T12:00:00.000Z",
    });
    const pricing = explanation.contributions.find(({ rule }) => rule === "pricing_view");
    expect(pricing).toMatchObject({ count: 3, half_life_days: 7 });
    expect(pricing?.points).toBeCloseTo(24 * 2 ** (-6.5 / 7), CLOSE);
    const capped = await explanationOf(instance, personId);
    expect(capped.groups.find(({ group }) => group === "high_intent")).toMatchObject({ raw: 34, max: 25, points: 25 });
  });

  test("takes the time in seconds, milliseconds and ISO 8601", async () => {
    await using instance = startInstance();
    await instance.post("/track", pageView("ada", NOON_MS));
    const laterMs = NOON_MS + DAY_MS;
    const iso = new Date(laterMs).toISOString();
    for (const at of [laterMs, laterMs / 1_000, iso, "2026-06-02T14:00:00+02:00", "2026-06-02T12:00"]) {
      expect((await explanationOf(instance, "ada", at)).at).toBe(iso);
    }
    expect(await explanationOf(instance, "ada", 0)).toMatchObject({ score: 0, level: "cold", contributions: [] });
  });

  test("of a past with too many events to go through is refused, and the stored sums still answer", async () => {
    using folder = temporaryFolder();
    await using instance = startInstance({ dataFolder: folder.path });
    await instance.post("/track", pageView("ada", NOON_MS));
    const database = new Database(join(folder.path, "do-intent.db"), { readwrite: true, strict: true });
    database.run(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < 100000)
       insert into event (event_id, identity_id, name, occurred_at, received_at)
       select 'old ' || i, (select identity_id from identity), 'page_view', i, i from n`,
    );
    database.close();
    const { status, body } = await instance.getSecret("/people/ada/explain?at=2000");
    expect([status, body.error.field, body.error.message]).toEqual([
      422,
      "at",
      expect.stringContaining("100000 events"),
    ]);
    expect((await explanationOf(instance, "ada", 40)).contributions).toHaveLength(2);
    expect((await explanationOf(instance, "ada")).score).toBeGreaterThan(30);
  });

  test("of now holds after a merge for both sides, and their past comes with them", async () => {
    await using instance = startInstance({ intent: everyKindOfRule });
    await instance.post("/track", [pageView("laptop", NOON_MS - 2 * DAY_MS), pageView("phone", NOON_MS - DAY_MS)]);
    for (const visitor of ["laptop", "phone"]) await identify(instance, visitor, { email: "ada@acme.example" });
    const before = await explanationOf(instance, "phone", NOON_MS - DAY_MS);
    expect(before.contributions.find(({ rule }) => rule === "views")?.count).toBe(2);
    expectToAddUp(before);
    expectToAddUp(await explanationOf(instance, "laptop"));
  });
});
