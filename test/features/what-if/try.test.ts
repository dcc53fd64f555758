import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runConfigTry } from "../../../src/commands/config-try.ts";
import { DAY_MS } from "../../../src/core/duration.ts";
import type { TryAnswer } from "../../../src/features/what-if/try.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { startInstance, type TestInstance } from "../../support/instance.ts";

const CLOSE = 9;

const step = { name: "step", group: "all", event: "step", points: 10, half_life: "7d" };
const view = {
  name: "view",
  group: "all",
  event: "page_view",
  when: { page_class: "pricing" },
  points: 10,
  per_session: 2,
};
const intent = {
  page_classes: { pricing: ["/pricing"] },
  groups: { all: { max: 100 } },
  rules: [step, view],
  thresholds: { warm: 20, hot: 40 },
};

type Attempt = {
  what: string;
  tried: object;
  recounted: string[];
  moves: [from: string, to: string, people: number][];
};

/** Ada took four steps, bob looked at prices three times in one visit, cleo did something nobody asked for. */
async function live(instance: TestInstance): Promise<void> {
  const many = (count: number, event: object) => Array.from({ length: count }, () => event);
  await instance.post("/track", [
    ...many(4, { event: "step", anonymous_id: "ada" }),
    ...many(3, { event: "page_view", anonymous_id: "bob", session_id: "one", url: "/pricing" }),
    { event: "page_view", anonymous_id: "bob", session_id: "one", url: "/plans" },
    ...many(5, { event: "other", anonymous_id: "cleo" }),
  ]);
  await instance.postSecret("/identify", { anonymous_id: "ada", identity: { email: "ada@acme.example" } });
  instance.clock.nowMs += 7 * DAY_MS;
}

const RISES = ["cold warm", "cold hot", "warm hot"];

const attempts: Attempt[] = [
  { what: "the same", tried: {}, recounted: [], moves: [] },
  {
    what: "other points",
    tried: { rules: [{ ...step, points: 20 }, view] },
    recounted: [],
    moves: [["warm", "hot", 1]],
  },
  { what: "a lower cap", tried: { groups: { all: { max: 15 } } }, recounted: [], moves: [["warm", "cold", 2]] },
  { what: "another level", tried: { thresholds: { warm: 20, hot: 30, burning: 90 } }, recounted: [], moves: [] },
  { what: "a level less", tried: { thresholds: { low: 10 } }, recounted: [], moves: [["warm", "low", 2]] },
  { what: "a rule less", tried: { rules: [step] }, recounted: [], moves: [["warm", "cold", 1]] },
  {
    what: "a rule for what was not counted so far",
    tried: { rules: [step, view, { name: "other", group: "all", event: "other", points: 10 }] },
    recounted: ["other"],
    moves: [["cold", "hot", 1]],
  },
  {
    what: "another half-life",
    tried: { rules: [{ ...step, half_life: "70d" }, view] },
    recounted: ["step"],
    moves: [],
  },
  {
    what: "no limit for a visit, and more pages that are prices",
    tried: { rules: [step, { ...view, per_session: undefined }], page_classes: { pricing: ["/pricing", "/plans"] } },
    recounted: ["view"],
    moves: [["warm", "hot", 1]],
  },
];

describe("/config/try", () => {
  test("tells who would move, from what is stored where the rules allow it, and is right when the config is taken over", async () => {
    await using instance = startInstance({ intent });
    await live(instance);
    const before = instance.rows("select person_id, sums, thresholds from intent_score");
    for (const { what, tried, recounted, moves } of attempts) {
      const { status, body, text } = await instance.postSecret<TryAnswer>("/config/try", { ...intent, ...tried });
      expect([what, status, status === 200 ? "" : text]).toEqual([what, 200, ""]);
      expect([what, body.recounted]).toEqual([what, recounted]);
      expect([what, body.moves.map(({ from, to, people }) => [from, to, people])]).toEqual([what, moves]);
      expect(body.people).toBe(3);
      const rising = moves.filter(([from, to]) => RISES.includes(`${from} ${to}`));
      expect([what, body.rising]).toEqual([what, rising.reduce((sum, [, , people]) => sum + people, 0)]);
      for (const side of ["before", "after"] as const) {
        expect(body.levels.reduce((sum, level) => sum + level[side], 0)).toBe(3);
      }
    }
    expect(instance.rows("select person_id, sums, thresholds from intent_score")).toEqual(before);
  });

  test("names who would rise, by how much, and through which rules", async () => {
    await using instance = startInstance({ intent });
    await live(instance);
    const tried = { ...intent, rules: [{ ...step, points: 20.5 }, view] };
    const { body } = await instance.postSecret<TryAnswer>("/config/try", tried);
    expect(body).toMatchObject({
      rising: 1,
      risers: [
        {
          email: "ada@acme.example",
          from: "warm",
          to: "hot",
          score_before: 20,
          score_after: expect.closeTo(41, CLOSE),
          rules: [{ name: "step", before: 20, after: expect.closeTo(41, CLOSE) }],
        },
      ],
      rules: [{ rule: "step", people: 1, points: expect.closeTo(21, CLOSE) }],
      groups: [{ group: "all", people: 1, points: expect.closeTo(21, CLOSE) }],
    });
    instance.configureIntent(tried);
    const ada = await instance.getSecret<{ score: number; level: string }>("/people/ada@acme.example");
    expect(ada.body).toMatchObject({ score: expect.closeTo(41, CLOSE), level: "hot" });
  });

  test("is for the secret key, and says what is wrong with a config", async () => {
    await using instance = startInstance({ intent });
    expect((await instance.post("/config/try", intent)).status).toBe(401);
    for (const config of ["{", { rules: [{ ...step, group: "none" }] }]) {
      expect((await instance.postSecret("/config/try", config)).status).toBe(422);
    }
    expect((await instance.postSecret("/config/try", "x".repeat(600_000))).status).toBe(413);
  });

  const OWN = "ada_lovelace";
  const one = { name: OWN, group: OWN, event: OWN, points: 1 };
  test.each<[config: object, message: string]>([
    [{ threshold: {} }, 'the file has a key that is not known, number 1 of its keys; "thresholds" may be meant'],
    [{ thresholds: {}, [OWN]: OWN }, "the file has a key that is not known, number 2 of its keys; take it out (known"],
    [{ rules: [{ ...one, [OWN]: 1 }] }, "rules[0]: has a key that is not known, number 5 of its keys; take it out"],
    [{ groups: { all: { max: 1 }, [OWN]: { max: OWN } } }, "groups[1].max: must be a number"],
    [
      { groups: { [OWN]: { max: 1, most: 2 } } },
      "groups[0]: has a key that is not known, number 2 of its keys; take it",
    ],
    [{ page_classes: { [OWN]: 7 } }, "page_classes[0]: must be a"],
    [{ thresholds: { [OWN]: { score: 10, rearm: OWN } } }, "thresholds[0].rearm: must be a number"],
    [
      { groups: { [OWN]: { max: 1 } }, rules: [{ ...one, group: "none" }] },
      "rules[0].group: is not one of groups; take",
    ],
    [{ groups: { [OWN]: { max: 1 } }, rules: [one, one] }, "rules[1].name: stands twice; give each its own"],
  ])("names the place and not the word that was sent: %j", async (config, message) => {
    await using instance = startInstance({ intent });
    const { status, text, body } = await instance.postSecret("/config/try", config);
    expect([status, body.error.code, text.includes(OWN)]).toEqual([422, "invalid", false]);
    expect(body.error.message).toContain(message);
  });
});

const LATE = { thresholds: { warm: 30, hot: 60 } };
const EARLY = { ...intent, accounts: { thresholds: { warm: 20, hot: 60 } }, thresholds: { warm: 10, hot: 40 } };

/** So many people of companies of their own, who took one step more each than the one before, up to seven. */
async function crowd(instance: TestInstance, size: number): Promise<void> {
  for (let index = 0; index < size; index += 1) {
    const email = `p@c${index}.example`;
    const events = Array.from({ length: 1 + (index % 7) }, () => ({ event: "step", email }));
    await instance.postSecret("/track", events);
  }
}

test("all who rise and all accounts that move are named up to what is asked for, and the others counted", async () => {
  using folder = temporaryFolder();
  const today = { ...intent, accounts: LATE, thresholds: { warm: 90, hot: 95 } };
  await using instance = startInstance({ intent: today, dataFolder: folder.path });
  await crowd(instance, 70);
  const asked = async (query: string) => (await instance.postSecret<TryAnswer>(`/config/try${query}`, EARLY)).body;
  const few = await asked("");
  expect([few.rising, few.risers.length, few.risers_left_off]).toEqual([70, 50, 20]);
  const all = await asked("?limit=1000");
  expect([all.rising, all.risers.length, all.risers_left_off]).toEqual([70, 70, 0]);
  expect(new Set(all.risers.map(({ email }) => email)).size).toBe(70);
  // Cold below 30, warm below 60, hot above, ten for each step; tried: cold below 20, warm below 60.
  expect(all.accounts).toMatchObject({
    changed: 10,
    moves: [{ from: "cold", to: "warm", accounts: 10 }],
    movers_left_off: 0,
  });
  expect(all.accounts.movers).toContainEqual({
    domain: "c1.example",
    from: "cold",
    to: "warm",
    score_before: 20,
    score_after: 20,
  });
  const one = await asked("?limit=1");
  expect([one.risers.length, one.accounts.movers.length]).toEqual([1, 1]);
  instance.configureIntent(EARLY);
  for (const { domain, to, score_after } of all.accounts.movers) {
    const { body } = await instance.getSecret<{ level: string; score: number }>(`/accounts/${domain}`);
    expect([body.level, body.score]).toEqual([to, score_after]);
  }
  for (const limit of ["0", "1001", "x", "1.5"]) {
    const { status, body } = await instance.postSecret(`/config/try?limit=${limit}`, EARLY);
    expect([status, body.error.field]).toEqual([422, "limit"]);
  }
  const [config, file] = ["intent.json", "tried.json"].map((name) => join(folder.path, name)) as [string, string];
  writeFileSync(config, JSON.stringify(today));
  writeFileSync(file, JSON.stringify(EARLY));
  const lines: string[] = [];
  runConfigTry({ file, limit: 5, config, data: folder.path }, instance.clock.nowMs, (line) => lines.push(line));
  const said = lines.join("\n").split("\n");
  expect(said.slice(said.indexOf("who rises: 70")).filter((line) => !line.includes("@"))).toEqual([
    "who rises: 70",
    "  and 65 more; --limit names up to 1000",
    "accounts that move: 10",
    "  cold -> warm: 10",
    ...[1, 8, 15, 22, 29].map((index) => `  c${index}.example: cold -> warm, 20.00 -> 20.00`),
    "  and 5 more; --limit names up to 1000",
  ]);
});

test("do-intent config try says it in words, beside a running server", async () => {
  using folder = temporaryFolder();
  await using instance = startInstance({ intent, dataFolder: folder.path });
  await live(instance);
  const [config, file] = ["intent.json", "tried.json"].map((name) => join(folder.path, name)) as [string, string];
  writeFileSync(config, JSON.stringify(intent));
  writeFileSync(file, JSON.stringify({ ...intent, rules: [{ ...step, points: 20.5 }, view] }));
  const lines: string[] = [];
  runConfigTry({ file, limit: 50, config, data: folder.path }, instance.clock.nowMs, (line) => lines.push(line));
  expect(lines.join("\n").split("\n").slice(1)).toEqual([
    "counted from what is stored",
    "",
    "cold: 1 -> 1",
    "warm: 2 -> 1",
    "hot: 0 -> 1",
    "",
    "who moves",
    "  warm -> hot: 1",
    "what changed it, over all who move",
    "  step: +21.00 points, 1 people",
    "  group all: +21.00 points, 1 people",
    "who rises: 1",
    "  ada@acme.example: warm -> hot, 20.00 -> 41.00 (step +21.00)",
  ]);
});
