import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { compileRules, type Rules } from "../../src/core/compile.ts";
import { DAY_MS } from "../../src/core/duration.ts";
import { createRefresher, type Refresher } from "../../src/jobs/refresh.ts";
import { createRankStore } from "../../src/store/sqlite/ranks.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { NOON_MS, startInstance, type TestInstance } from "../support/instance.ts";

const intent = (points: number) => ({
  groups: { all: { max: 100 } },
  rules: [{ name: "visit", group: "all", event: "visit", points, half_life: "1d" }],
  thresholds: { warm: 40 },
});

const rulesOf = (points: number): Rules => compileRules({ page_classes: {}, ...intent(points) } as never, "test");

type Row = { visitor: string; rank: number; score: number };

/** A server with so many visitors of one visit each, and a refresher beside it whose steps the test takes. */
async function refreshed(
  visitors: number,
  work: (instance: TestInstance, refresher: Refresher, given: { rules: Rules }) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  await using instance = startInstance({ dataFolder: folder.path, intent: intent(64) });
  const events = Array.from({ length: visitors }, (_, index) => ({ event: "visit", anonymous_id: `v-${index}` }));
  for (let from = 0; from < visitors; from += 500) await instance.post("/track", events.slice(from, from + 500));
  const given = { rules: rulesOf(64) };
  const database = new Database(join(folder.path, "do-intent.db"), { readwrite: true, strict: true });
  const ranks = createRankStore(database);
  const options = { ranks, rules: () => given.rules, now: () => instance.clock.nowMs, onFault: () => {} };
  await work(instance, createRefresher(options), given);
  database.close(false);
}

const orderOf = (instance: TestInstance): Row[] =>
  instance.rows<Row>(
    `select value as visitor, rank, round(score, 6) as score from intent_score join identity using (person_id)
     order by rank desc, person_id`,
  );

const ranksOf = (instance: TestInstance): number[] =>
  instance.rows<{ rank: number }>("select distinct rank from intent_score order by rank").map(({ rank }) => rank);

describe("the stored order", () => {
  test("follows what decays, an hour behind, and counts everybody once in a round", async () => {
    await refreshed(450, async (instance, refresher) => {
      expect(ranksOf(instance)).toEqual([13]);
      const laterMs = NOON_MS + DAY_MS + DAY_MS / 24;
      refresher.step(laterMs);
      expect(orderOf(instance).filter(({ rank }) => rank === 7)).toHaveLength(200);
      refresher.step(laterMs);
      refresher.step(laterMs);
      expect(ranksOf(instance)).toEqual([7]);
      expect(orderOf(instance)[0]?.score).toBeCloseTo(32 * 2 ** (-1 / 24), 5);
      // From the beginning again.
      refresher.step(laterMs + DAY_MS);
      expect(ranksOf(instance)).toEqual([4, 7]);
    });
  });

  test("writes nothing where nothing has changed", async () => {
    await refreshed(3, async (instance, refresher) => {
      const before = instance.rows("select * from intent_score");
      refresher.step(NOON_MS + 60_000);
      expect(instance.rows("select * from intent_score")).toEqual(before);
    });
  });

  test("takes another config over for everybody, and tells nobody", async () => {
    await refreshed(3, async (instance, refresher, given) => {
      const signalsBefore = instance.rows("select * from signal");
      given.rules = rulesOf(99);
      refresher.step(NOON_MS);
      expect(ranksOf(instance)).toEqual([20]);
      given.rules = rulesOf(-5);
      refresher.step(NOON_MS);
      expect(orderOf(instance).map(({ rank, score }) => [rank, score])).toEqual([
        [0, 0],
        [0, 0],
        [0, 0],
      ]);
      expect(instance.rows("select * from signal")).toEqual(signalsBefore);
    });
  });

  test("is taken care of by the server itself, until it closes", async () => {
    await using instance = startInstance({ intent: intent(10) });
    await instance.post("/track", { event: "visit", anonymous_id: "ada" });
    expect(ranksOf(instance)).toEqual([2]);
    instance.configureIntent(intent(99));
    await eventually(() => ranksOf(instance)[0] !== 2, "the other config to reach the stored order");
    expect(ranksOf(instance)).toEqual([20]);
    const { people } = (await instance.getSecret<{ people: { level: string }[] }>("/people?level=warm")).body;
    expect(people).toHaveLength(1);
  });
});
