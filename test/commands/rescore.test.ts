import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { rescoreAll, runRescore } from "../../src/commands/rescore.ts";
import { compileRules } from "../../src/core/compile.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { END_MS } from "../core/histories.ts";
import { everyKindOfRule, neverFalls } from "../core/scoring.ts";
import { eventOf, identifier, identify, track, visitorId } from "../core/world.ts";
import { type EngineHouse, openEngine } from "../engine/house.ts";
import { temporaryFolder } from "../support/folder.ts";
import { comparePeople, differenceOf } from "../support/reference.ts";

const HOUR_MS = 3_600_000;
const TOLERANCE = 1e-9;
const phone = visitorId("phone");
const laptop = visitorId("laptop");

/** Two browsers of one person, in sessions that they share, and somebody else; more events than one slice reads. */
function views(from: number, count: number) {
  return Array.from({ length: count }, (_, index) => {
    const number = from + index;
    const actor = [phone, laptop, visitorId("other")][number % 3] ?? phone;
    return track(actor, {
      ...eventOf({ eventId: `event ${number}`, occurredMs: END_MS - (number % 97) * HOUR_MS }),
      name: number % 5 === 0 ? "form_submit" : "page_view",
      sessionId: `session ${number % 7}`,
      url: number % 2 === 0 ? "/pricing" : "/docs",
    });
  });
}

function meet() {
  return [phone, laptop].map((visitor) =>
    identify(
      [identifier("email", "ada@acme.com")],
      visitor,
      { eventId: `${visitor.value} meets`, occurredMs: END_MS },
      {},
    ),
  );
}

function worstDifference(house: EngineHouse, rules = house.rules): number {
  return Math.max(...comparePeople(house.database, rules, END_MS).map(differenceOf));
}

test("after a rescore the stored sums are what the new rules make of the stored events", async () => {
  using house = openEngine(neverFalls);
  await house.submit([...views(0, 2_500), ...meet()]);
  const rules = compileRules(everyKindOfRule, "another");
  expect(worstDifference(house, rules)).toBeGreaterThan(TOLERANCE);
  expect(rescoreAll(house.database, rules, END_MS)).toEqual({ people: 2, left: 0 });
  expect(worstDifference(house, rules)).toBeLessThan(TOLERANCE);
});

test("the loop goes on from there as if the rules had always been in force", async () => {
  using house = openEngine(everyKindOfRule);
  await house.submit([...views(0, 200), ...meet()]);
  house.database.run("update intent_score set sums = '{}'");
  house.database.run("update session set counted = '{}'");
  rescoreAll(house.database, house.rules, END_MS);
  house.restart();
  await house.submit(views(200, 200));
  expect(worstDifference(house)).toBeLessThan(TOLERANCE);
});

test("says what it did", () => {
  using folder = temporaryFolder();
  openDatabase(folder.path, "normal").close();
  const lines: string[] = [];
  expect(runRescore({ data: folder.path, config: null }, END_MS, (line) => lines.push(line))).toBe(0);
  expect(lines).toEqual([
    expect.stringMatching(/^0 people are scored by the built-in config \([0-9a-f]{16}\), their past/),
  ]);
});

test("makes nothing where nothing is: the folder's name may be misspelt", () => {
  using folder = temporaryFolder();
  expect(() => runRescore({ data: folder.path, config: null }, END_MS, () => undefined)).toThrow(/no do-intent.db/);
  expect(readdirSync(folder.path)).toEqual([]);
});

test("a merge that is undone after a rescore is parted by the new rules", async () => {
  using house = openEngine(everyKindOfRule);
  await house.submit([...views(0, 200), ...meet(), ...views(200, 50)]);
  house.database.run("update intent_score set sums = '{}'");
  house.database.run(`update merge set snapshot = json_set(snapshot, '$.absorbed.score.sums.forms.count', 99,
    '$.survivor.score.sums.views.weight', 77)`);
  rescoreAll(house.database, house.rules, END_MS);
  house.restart();
  const merges = house.database.query<{ id: number }, []>("select merge_id as id from merge").all();
  expect(merges).toHaveLength(1);
  const [outcome] = await house.submit([{ type: "undo", mergeId: merges[0]?.id ?? 0, keyId: "key_test" }]);
  expect(outcome).toMatchObject({ status: "undone" });
  expect(worstDifference(house)).toBeLessThan(TOLERANCE);
});
