import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCalibrate } from "../../src/commands/calibrate.ts";
import { parseIntentConfig } from "../../src/config/intent.ts";
import { DAY_MS } from "../../src/core/duration.ts";
import { temporaryFolder } from "../support/folder.ts";
import { NOON_MS, startInstance, type TestInstance } from "../support/instance.ts";

const intent = {
  groups: { all: { max: 100 } },
  rules: ["demo", "blog"].map((name) => ({ name, group: "all", event: name, points: 5, max: 20 })),
  thresholds: { warm: 20 },
  destinations: [{ type: "slack", name: "team", url: "https://hooks.example/secret" }],
};

/** Of five who see the demo three buy, of five who do not one does; half of either read the blog. */
async function live(instance: TestInstance, people: number): Promise<void> {
  const events = Array.from({ length: people }, (_, index) => {
    const at = (days: number) => ({ anonymous_id: `visitor-${index}`, timestamp: NOON_MS - (40 - days) * DAY_MS });
    const [sawDemo, readBlog] = [index % 2 === 0, index % 4 < 2];
    const names = ["other", ...(sawDemo ? ["demo"] : []), ...(readBlog ? ["blog"] : [])];
    const buys = index % 5 < (sawDemo ? 3 : 1);
    return [...names.map((event) => ({ event, ...at(0) })), { event: buys ? "buy" : "leave", ...at(1) }];
  }).flat();
  for (let start = 0; start < events.length; start += 500) {
    await instance.post("/track", events.slice(start, start + 500));
  }
}

test("do-intent calibrate prints a config to review, why beside it, and changes nothing", async () => {
  using folder = temporaryFolder();
  await using instance = startInstance({ intent, dataFolder: folder.path });
  await live(instance, 600);
  const config = join(folder.path, "intent.json");
  writeFileSync(config, JSON.stringify(intent));
  const before = instance.rows("select person_id, sums from intent_score");
  const [printed, told]: [string[], string[]] = [[], []];
  const options = { goal: "buy", withinMs: 14 * DAY_MS, data: folder.path, config };
  expect(
    runCalibrate(
      options,
      NOON_MS,
      (line) => printed.push(line),
      (line) => told.push(line),
    ),
  ).toBe(0);
  const parsed = parseIntentConfig(printed.join("\n"));
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join("\n"));
  const [demo, blog] = parsed.config.rules;
  expect(demo?.points).toBeGreaterThan(blog?.points ?? 99);
  expect(printed.join("\n")).not.toContain("hooks.example/secret");
  expect(told.join("\n")).toMatch(
    /^600 people, of whom 240 reached buy; \d+ of them held out\nAUC on those held out: 0\.\d+ with today's points, 0\.[67]\d+ with the suggested\n/,
  );
  expect(told.join("\n").split("\n").slice(3)).toEqual([
    "rule  today  suggested   lift  people  reached  confidence",
    "demo      5        9.9  1.50x     199      117       100 %",
    "blog      5          5  1.00x     197       77         9 %  kept: not sure enough",
  ]);
  expect(instance.rows("select person_id, sums from intent_score")).toEqual(before);
  expect(() =>
    runCalibrate(
      { ...options, goal: "fly" },
      NOON_MS,
      () => undefined,
      () => undefined,
    ),
  ).toThrow("at least 20");
});
