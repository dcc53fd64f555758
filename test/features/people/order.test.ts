import { afterEach, describe, expect, test } from "bun:test";
import { compileRules } from "../../../src/core/compile.ts";
import { DAY_MS } from "../../../src/core/duration.ts";
import { type Band, bandOf, readCursor, walkPage } from "../../../src/features/people/order.ts";
import { createRefresher } from "../../../src/jobs/refresh.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { createRankStore, type RankedRow, type RankStore, rankOf } from "../../../src/store/sqlite/ranks.ts";
import { packSums } from "../../../src/store/sqlite/row.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { NOON_MS } from "../../support/instance.ts";

const rules = compileRules(
  {
    page_classes: {},
    groups: { all: { max: 100 } },
    rules: [{ name: "visit", group: "all", event: "visit", points: 1, half_life: "1d" }],
    thresholds: { warm: 40, hot: 60 },
  },
  "test",
);

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

type Crowd = { ranks: RankStore; read: { rows: number }; join(personId: number, weight: number): void };

/** People 1 to `count`, each with the weight that `weightOf` gives as of noon; reads are counted. */
function ranksOf(count: number, weightOf: (personId: number) => number): Crowd {
  const folder = temporaryFolder();
  const { database, close } = openDatabase(folder.path, "normal");
  cleanups.push(close, () => folder[Symbol.dispose]());
  const insert = database.query(
    `insert into intent_score (person_id, sums, thresholds, first_seen_at, last_seen_at, session_count, score, score_bound,
       scored_at, rank)
     values (?, ?, '{}', 0, 0, 1, ?, ?, 0, ?)`,
  );
  const join = (personId: number, weight: number): void => {
    const sums = packSums({ visit: { weight, atMs: NOON_MS, count: 1, lastEventMs: NOON_MS } });
    insert.run(personId, sums, weight, weight, rankOf(weight));
  };
  database.transaction(() => {
    for (let personId = 1; personId <= count; personId += 1) join(personId, weightOf(personId));
  })();
  const ranks = createRankStore(database);
  const read = { rows: 0 };
  const walk = (...walked: Parameters<RankStore["walk"]>): RankedRow[] => {
    const rows = ranks.walk(...walked);
    read.rows += rows.length;
    return rows;
  };
  return { ranks: { ...ranks, walk }, read, join };
}

async function walkAll(
  ranks: RankStore,
  limit: number,
  band: Band = bandOf(undefined, rules.thresholds),
  between: (page: number) => void = () => {},
): Promise<number[][]> {
  const pages: number[][] = [];
  let text: string | null | undefined;
  while (text !== null) {
    const cursor = readCursor(text, NOON_MS);
    const page = await walkPage({ ranks, rules, band, limit, cursor, asOfMs: NOON_MS });
    pages.push(page.personIds);
    text = page.nextCursor;
    between(pages.length);
  }
  return pages;
}

/** Scores in no order of ids, from nearly 0 to 90, many of them equal. */
const scattered = (personId: number) => ((personId * 7_919) % 181) / 2;

describe("a walk through the stored order", () => {
  test("reads few rows for the first page, however many people there are", async () => {
    const { ranks, read } = ranksOf(15_000, scattered);
    const page = await walkPage({
      ranks,
      rules,
      band: bandOf(undefined, rules.thresholds),
      limit: 50,
      cursor: null,
      asOfMs: NOON_MS,
    });
    expect(page.personIds.map(scattered).every((score) => score === 90)).toBe(true);
    expect(read.rows).toBeLessThan(2_000);
  });

  test("goes through a crowd of equals without reading them all", async () => {
    const { ranks, read } = ranksOf(15_000, () => 100);
    const page = await walkPage({
      ranks,
      rules,
      band: bandOf("hot", rules.thresholds),
      limit: 50,
      cursor: null,
      asOfMs: NOON_MS,
    });
    expect(page.personIds).toEqual(Array.from({ length: 50 }, (_, index) => 15_000 - index));
    expect(read.rows).toBeLessThan(1_000);
  });

  test("of more people than one request looks at goes on in stretches, each in order, and sees everybody once", async () => {
    // All in one step of the order: nobody can be left out before everybody was looked at.
    const scoreOf = (personId: number) => 40.5 + ((personId * 7_919) % 4_001) / 1_000;
    const { ranks } = ranksOf(45_000, scoreOf);
    for (const band of [bandOf(undefined, rules.thresholds), bandOf("warm", rules.thresholds)]) {
      const seen = (await walkAll(ranks, 10_000, band)).flat();
      expect(new Set(seen).size).toBe(45_000);
      expect(seen).toHaveLength(45_000);
      const stretches = [seen.slice(0, 20_000), seen.slice(20_000, 40_000), seen.slice(40_000)];
      for (const stretch of stretches) {
        const scores = stretch.map(scoreOf);
        expect(scores).toEqual([...scores].sort((a, b) => b - a));
      }
    }
    expect((await walkAll(ranks, 10_000, bandOf("hot", rules.thresholds))).flat()).toEqual([]);
  });

  test("in stretches sees everybody once also while others come in above", async () => {
    const { ranks, join } = ranksOf(25_000, () => 40);
    const seen = await walkAll(ranks, 6_000, undefined, (page) => {
      for (let newcomer = 1; newcomer <= 50; newcomer += 1) join(page * 100_000 + newcomer, 90);
    });
    const known = seen.flat().filter((personId) => personId <= 25_000);
    expect(known).toEqual(Array.from({ length: 25_000 }, (_, index) => 25_000 - index));
  });

  test("sees everybody once while the order is made anew under it", async () => {
    const { ranks } = ranksOf(2_000, scattered);
    const expected = (await walkAll(ranks, 2_000)).flat();
    const refresher = createRefresher({ ranks, rules: () => rules, now: () => NOON_MS, onFault: () => {} });
    const seen = await walkAll(ranks, 100, undefined, () => {
      for (let step = 0; step < 11; step += 1) refresher.step(NOON_MS + DAY_MS / 24);
    });
    expect(seen.flat()).toEqual(expected);
  });
});
