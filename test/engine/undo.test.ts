import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { END_MS } from "../core/histories.ts";
import { everyKindOfRule } from "../core/scoring.ts";
import { comparePeople, differenceOf } from "../support/reference.ts";
import { type EngineHouse, openEngine } from "./house.ts";
import { contradictions, longLives, submitAll } from "./long-lives.ts";

setDefaultTimeout(120_000);

const SEED = 20_240_229;
const RUNS = 25;
const TOLERANCE = 1e-9;
const KEY = "key_test";

/** After how many commands somebody looks, and what they then do: undo a merge, decide a review, or start anew. */
const doings = fc.array(
  fc.record({
    commands: fc.integer({ min: 1, max: 12 }),
    what: fc.constantFrom("undo", "undo", "undo", "approved", "rejected", "restart"),
    which: fc.nat(20),
  }),
  { minLength: 3, maxLength: 15 },
);

type Doing = "undo" | "approved" | "rejected" | "restart";

async function doIt(house: EngineHouse, what: Doing, which: number): Promise<number> {
  if (what === "restart") house.restart();
  const sql =
    what === "undo"
      ? "select merge_id as id from merge where undone_at is null"
      : "select review_id as id from merge_review where decision is null";
  const open = what === "restart" ? [] : house.database.query<{ id: number }, []>(sql).all();
  const id = open[which % Math.max(1, open.length)]?.id;
  if (id === undefined || what === "restart") return 0;
  const signals = house.signals.length;
  await submitAll(house, [
    [
      what === "undo"
        ? { type: "undo", mergeId: id, keyId: KEY }
        : { type: "review", reviewId: id, verdict: what, keyId: KEY },
    ],
  ]);
  if (what !== "approved") expect(house.signals.length).toBe(signals);
  return 1;
}

test("through undone merges and decided reviews, stored sums are what the stored events come to, and no table contradicts another", async () => {
  let done = 0;
  const property = fc.asyncProperty(longLives, doings, async (commands, all) => {
    using house = openEngine(everyKindOfRule);
    let from = 0;
    for (const { commands: count, what, which } of all) {
      await submitAll(house, [commands.slice(from, from + count)]);
      from += count;
      done += await doIt(house, what, which);
    }
    await submitAll(house, [commands.slice(from)]);
    for (const compared of comparePeople(house.database, house.rules, END_MS)) {
      expect(differenceOf(compared)).toBeLessThan(TOLERANCE);
    }
    for (const [what, sql] of Object.entries(contradictions)) {
      expect({ what, rows: house.database.query(sql).all() }).toEqual({ what, rows: [] });
    }
    const [audited] = house.database.query<{ count: number }, []>("select count(*) as count from audit").all();
    expect(audited?.count).toBe(
      house.database
        .query<{ count: number }, []>(
          `select (select count(*) from merge where undone_at is not null)
             + (select count(*) from audit where action like 'review%') as count`,
        )
        .get()?.count ?? -1,
    );
  });
  await fc.assert(property, { seed: SEED, numRuns: RUNS, includeErrorInReport: true });
  expect(done).toBeGreaterThan(RUNS);
});
