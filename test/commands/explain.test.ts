import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { runExplain } from "../../src/commands/explain.ts";
import { explanationText } from "../../src/commands/explain-table.ts";
import { AppError } from "../../src/core/error.ts";
import type { ExplainAnswer } from "../../src/features/people/explain.ts";
import { temporaryFolder } from "../support/folder.ts";
import { NOON_MS, startInstance } from "../support/instance.ts";

const SEED = 20_240_229;
const WIDTH_MAX = 100;

type Printed = { name: string; points: number | null; group: number | null };

/** Reads the table back, in hundredths. */
function readTable(text: string): Printed[] {
  const [, , , head = "", ...lines] = text.split("\n");
  const endOf = (column: string) => head.indexOf(column) + column.length;
  const [pointsEnd, groupEnd] = [endOf("points"), endOf("group")];
  const cents = (cell: string) => (cell.trim() === "" ? null : Math.round(Number(cell) * 100));
  return lines.map((line) => ({
    name: line.slice(0, endOf("count") - 5).trimEnd(),
    points: cents(/-?[\d.]*$/.exec(line.slice(0, pointsEnd))?.[0] ?? ""),
    group: cents(/-?[\d.]*$/.exec(line.slice(pointsEnd, groupEnd))?.[0] ?? ""),
  }));
}

/** Every sum in the table is what stands above it; groups that nothing held pass on what they sum to. */
function expectToAddUp(text: string): void {
  let ofGroup = 0;
  let total = 0;
  for (const { name, points, group } of readTable(text)) {
    const line = text.split("\n").find((candidate) => candidate.startsWith(name)) ?? "";
    if (name === "  sum") expect([name, points]).toEqual([name, ofGroup]);
    else if (name.startsWith("  ")) ofGroup += points ?? 0;
    else ofGroup = 0;
    if (name === "score") expect([line, group]).toEqual([line, total]);
    else total += group ?? 0;
  }
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(WIDTH_MAX);
}

const rule = fc.record({
  rule: fc.stringMatching(/^[a-z][a-z0-9_]{0,63}$/).filter((name) => !["sum", "score"].includes(name)),
  count: fc.nat(100_000),
  points: fc.double({ min: -99, max: 99, noNaN: true }),
  half_life_days: fc.constantFrom(null, 7, 0.5, 1 / 48, 1 / 86_400, 3_650),
});
const group = fc.record({ rules: fc.array(rule, { maxLength: 6 }), max: fc.constantFrom(20, 25, 12.5, 1_000) });

const explanation = fc.array(group, { minLength: 1, maxLength: 6 }).map((groups): ExplainAnswer => {
  const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);
  const summed = groups.map(({ rules, max }, index) => {
    const raw = rules.reduce((sum, { points }) => sum + points, 0);
    return { group: `group_${index}`, raw, max, points: clamp(raw, -max, max) };
  });
  return {
    person_id: "per_1",
    at: "2026-06-01T12:00:00.000Z",
    score: clamp(
      summed.reduce((sum, { points }) => sum + points, 0),
      0,
      100,
    ),
    level: "warm",
    config_hash: "0123456789abcdef",
    groups: summed,
    contributions: groups.flatMap(({ rules }, index) =>
      rules.map((one) => ({
        ...one,
        group: `group_${index}`,
        raw: one.points,
        last_event_at: "2026-06-01T11:59:59.000Z",
      })),
    ),
  };
});

describe("do-intent explain", () => {
  test("prints numbers that add up to the hundredth, in no more columns than a terminal has", () => {
    const property = fc.property(explanation, (one) => expectToAddUp(explanationText(one)));
    fc.assert(property, { seed: SEED, numRuns: 300, includeErrorInReport: true });
  });

  test("explains beside the running server, by any name and at any time", async () => {
    using folder = temporaryFolder();
    const dataFolder = folder.path;
    await using instance = startInstance({ dataFolder });
    const pages = ["/pricing", "/pricing", "/pricing", "/demo", "/careers"];
    await instance.post(
      "/track",
      pages.map((url) => ({ event: "page_view", anonymous_id: "ada-laptop", url })),
    );
    await instance.post("/identify", { anonymous_id: "ada-laptop", identity: { email: "ada@acme.example" } });
    const { body } = await instance.getSecret<{ person_id: string; score: number }>("/people/ada-laptop");
    const texts: string[] = [];
    const run = async (who: string, atMs: number | null, config: string | null = null) => {
      const code = await runExplain({ who, atMs, data: dataFolder, config }, NOON_MS, (line) => texts.push(line));
      expect(code).toBe(0);
      return texts.at(-1) ?? "";
    };
    const text = await run("ada-laptop", null);
    expect(text).toBe(
      [
        `${body.person_id}: 50.00 of 100, warm`,
        `at 2026-06-01T12:00:00.000Z, config ${await hashOf(instance)}`,
        "",
        "                      count  half-life  last event (UTC)  points   group",
        "recency",
        "  recent_visit            1  3d         2026-06-01 12:00   10.00",
        "  recent_high_intent      1  2d         2026-06-01 12:00   10.00",
        "  sum                                                      20.00   20.00",
        "frequency",
        "  visit                   1  14d        2026-06-01 12:00    5.00",
        "  sum                                                       5.00    5.00",
        "engagement",
        "  careers_view            1  30d        2026-06-01 12:00  -10.00",
        "  sum                                                     -10.00  -10.00",
        "high_intent",
        "  pricing_view            3  7d         2026-06-01 12:00   24.00",
        "  demo_view               1  7d         2026-06-01 12:00   10.00",
        "  sum                                                      34.00   25.00  held to 25",
        "conversion",
        "  business_email          1  none       2026-06-01 12:00   10.00",
        "  sum                                                      10.00   10.00",
        "score                                                              50.00",
      ].join("\n"),
    );
    expectToAddUp(text);
    expect(await run("ADA@acme.example", null)).toBe(text);
    expect(await run(body.person_id, null)).toBe(text);
    expect(await run("ada-laptop", NOON_MS - 1)).toContain(": 0.00 of 100, cold");
    const later = await run("ada-laptop", NOON_MS + 5 * 86_400_000 + 1);
    expectToAddUp(later);
    expect(later).toContain("at 2026-06-06T12:00:00.001Z");

    const config = join(dataFolder, "intent.json");
    writeFileSync(config, JSON.stringify({ thresholds: { boiling: 45 } }));
    expect(await run("ada-laptop", null, config)).toContain("50.00 of 100, boiling");
  });

  test("says so when it knows nobody, or finds no data", async () => {
    using folder = temporaryFolder();
    const dataFolder = folder.path;
    const explain = (who: string, data = dataFolder) =>
      runExplain({ who, atMs: null, data, config: null }, NOON_MS, () => {});
    await expect(explain("ada")).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("--data"),
    });
    await using _instance = startInstance({ dataFolder });
    const refusal = await explain("ada").catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(AppError);
    expect(refusal).toMatchObject({ code: "not_found", message: expect.stringContaining("nobody is known by this") });
  });
});

async function hashOf(instance: ReturnType<typeof startInstance>): Promise<string> {
  return (await instance.get<{ config_hash: string }>("/health")).body.config_hash;
}

test("an account is explained by its people, in a table that adds up", async () => {
  using folder = temporaryFolder();
  const intent = {
    groups: { all: { max: 100 } },
    rules: [{ name: "step", group: "all", event: "step", points: 33.335 }],
    thresholds: { warm: 30 },
    accounts: { thresholds: { warm: 60 } },
  };
  await using instance = startInstance({ dataFolder: folder.path, intent });
  for (const [email, count] of Object.entries({ "ada@acme.example": 2, "bob@acme.example": 1 })) {
    await instance.postSecret("/identify", { identity: { email } });
    await instance.postSecret(
      "/track",
      Array.from({ length: count }, () => ({ event: "step", email })),
    );
  }
  const config = join(folder.path, "intent.json");
  writeFileSync(config, JSON.stringify(intent));
  const lines: string[] = [];
  const options = { who: "acme.example", atMs: null, data: folder.path, config };
  expect(await runExplain(options, instance.clock.nowMs, (line) => lines.push(line))).toBe(0);
  expect(lines.join("\n").replace(/config \w+/, "config …")).toBe(
    [
      "acme.example: 77.00 of 100, warm",
      "at 2026-06-01T12:00:00.000Z, config …",
      "2 active in 14 days; 4.00 times the events of the weeks before",
      "",
      "                    score  share  points  group",
      "people",
      "  ada@acme.example  66.67      1   66.67",
      "  bob@acme.example  33.34    1/4    8.33",
      "  sum                              75.00  75.00",
      "diversity                                  2.00",
      "score                                     77.00",
    ].join("\n"),
  );
  const before: string[] = [];
  const past = { ...options, atMs: instance.clock.nowMs - 1 };
  expect(await runExplain(past, instance.clock.nowMs, (line) => before.push(line))).toBe(0);
  expect(before[0]).toStartWith("acme.example: 0.00 of 100, cold");
});
