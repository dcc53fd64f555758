import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ACCOUNT_PEOPLE_MAX, evaluateAccount } from "../../src/core/account.ts";
import { compileRules } from "../../src/core/compile.ts";
import type { Command } from "../../src/core/decide.ts";
import { DAY_MS } from "../../src/core/duration.ts";
import { recomputeSums } from "../../src/core/recompute.ts";
import type { Scoring } from "../../src/core/rules.ts";
import { evaluate } from "../../src/core/score.ts";
import { freshScore, type IntentScore } from "../../src/core/state.ts";
import { END_MS, lives } from "./histories.ts";
import { holds } from "./property.ts";
import { everyKindOfRule, neverFalls } from "./scoring.ts";
import {
  createWorld,
  eventOf,
  eventsOf,
  identifier,
  identify,
  livePeople,
  scoreRow,
  track,
  type World,
} from "./world.ts";

const CLOSE = 9;
const AT_MS = END_MS;
const accounts = { thresholds: { hot: 40, burning: { score: 60, rearm: 50 } } };

/** One point for each event in either group; levels as by default. */
const plain: Scoring = {
  page_classes: {},
  groups: { one: { max: 100 }, two: { max: 100 } },
  rules: ["one", "two"].map((name) => ({ name, group: name, event: name, points: 1 })),
  thresholds: { warm: 40, hot: 60, burning: 80 },
  accounts,
};
const rules = compileRules(plain, "test");

function personWith(personId: number, points: { one?: number; two?: number }, seenMs = AT_MS): IntentScore {
  const sums = Object.fromEntries(
    Object.entries(points).map(([rule, weight]) => [
      rule,
      { weight, atMs: seenMs, count: weight, lastEventMs: seenMs },
    ]),
  );
  return { ...freshScore(personId, seenMs), lastSeenMs: seenMs, accountId: 1, sums };
}

const crowd = (size: number, one: number): IntentScore[] =>
  Array.from({ length: size }, (_, index) => personWith(index + 1, { one }));

describe("an account's score", () => {
  const table: [what: string, people: IntentScore[], score: number][] = [
    ["of nobody", [], 0],
    ["of one person is theirs", crowd(1, 60), 60],
    ["of two hot people beats one: a quarter of the second, and two points for what they share", crowd(2, 60), 77],
    ["of three", crowd(3, 60), 84.5],
    ["of twenty cold ones is the best one's", crowd(20, 39), 39],
    ["is held to a hundred", crowd(5, 100), 100],
    ["counts who is cold for nothing beside who is hot", [...crowd(1, 60), personWith(9, { one: 39 })], 60],
    [
      "tells different interests of different people from shared ones",
      [personWith(1, { one: 60 }), personWith(2, { two: 60 })],
      75,
    ],
    [
      "grows by two with each shared group",
      [personWith(1, { one: 30, two: 30 }), personWith(2, { one: 30, two: 30 })],
      79,
    ],
    [
      "leaves out who was not seen for two weeks",
      [...crowd(1, 40), personWith(9, { one: 90 }, AT_MS - 14 * DAY_MS - 1)],
      40,
    ],
    ["counts who was seen two weeks ago", [...crowd(1, 40), personWith(9, { two: 90 }, AT_MS - 14 * DAY_MS)], 100],
  ];
  test.each(table)("%s", (_, people, score) => {
    const evaluation = evaluateAccount(people, rules, AT_MS);
    expect(evaluation.score).toBeCloseTo(score, CLOSE);
    const points = evaluation.contributions.reduce((sum, one) => sum + one.points, 0);
    expect(evaluation.groups[0]?.raw).toBeCloseTo(points, CLOSE);
    const total = evaluation.groups.reduce((sum, one) => sum + one.points, 0);
    expect(evaluation.score).toBeCloseTo(Math.min(total, 100), CLOSE);
  });

  test("is that of the people seen last, of more than count", () => {
    const late = Array.from({ length: ACCOUNT_PEOPLE_MAX }, (_, index) => personWith(index + 10, { one: 1 }));
    expect(evaluateAccount([personWith(1, { one: 90 }, AT_MS - DAY_MS), ...late], rules, AT_MS).score).toBe(1);
  });

  test("names what moved it most, over all its people by their shares", () => {
    const { reasons } = evaluateAccount(
      [personWith(1, { one: 40 }), personWith(2, { one: 20, two: 40 })],
      rules,
      AT_MS,
    );
    expect(reasons).toMatchObject([
      { rule: "two", points: 40, count: 40 },
      { rule: "one", points: 30, count: 60 },
    ]);
  });
});

describe("accounts in the loop", () => {
  const peopleOf = (world: World, accountId: number): IntentScore[] =>
    livePeople(world)
      .map((personId) => scoreRow(world, personId))
      .filter((score) => score.accountId === accountId);

  /** By the words of the formula, and without a line of the code that is held against it. */
  const byHand = (world: World, accountId: number, atMs: number): number => {
    const lowest = Math.min(
      ...Object.values(everyKindOfRule.thresholds).map((one) => (typeof one === "number" ? one : one.score)),
    );
    const active = peopleOf(world, accountId)
      .map(({ personId }) => ({ personId, events: eventsOf(world.rows, personId) }))
      .filter(({ events }) => events.some(({ bot, occurredMs }) => bot === null && occurredMs >= atMs - 14 * DAY_MS))
      .map(({ personId, events }) => ({
        personId,
        ...evaluate(recomputeSums(events, world.rules, END_MS), world.rules, atMs),
      }))
      .sort((a, b) => (Math.abs(a.score - b.score) < 1e-9 ? a.personId - b.personId : b.score - a.score));
    const shares = active.map(({ score }, place) => (place === 0 ? 1 : score < lowest ? 0 : 0.5 ** (place + 1)));
    const people = active.reduce((sum, { score }, place) => sum + score * (shares[place] ?? 0), 0);
    const holders = (group: string) =>
      active.filter(({ groups }, place) => {
        const points = groups.find((one) => one.group === group)?.points ?? 0;
        return (shares[place] ?? 0) > 0 && points > 0;
      }).length;
    const shared = Object.keys(everyKindOfRule.groups).filter((group) => holders(group) >= 2).length;
    return Math.min(100, Math.min(100, people) + Math.min(10, 2 * shared));
  };

  test("agree with a reckoning by hand from all events after every step, under any interleaving, merges and undos", () => {
    const undos = fc.array(fc.record({ after: fc.nat(39), which: fc.nat(20) }), { maxLength: 6 });
    const property = fc.property(lives(40), undos, fc.nat(20), (commands, parted, later) => {
      const world = createWorld({ ...everyKindOfRule, accounts });
      const expectByHand = (atMs: number) => {
        for (const { accountId } of world.rows.accounts.values()) {
          const known = world.rows.standings.get(accountId)?.personIds ?? [];
          const loop = known.map((personId) => scoreRow(world, personId));
          expect(evaluateAccount(loop, world.rules, atMs).score).toBeCloseTo(byHand(world, accountId, atMs), CLOSE);
          for (const { personId } of peopleOf(world, accountId))
            expect(world.rows.people.get(personId)?.accountId).toBe(accountId);
        }
      };
      for (const [index, command] of commands.entries()) {
        world.submit([command], END_MS);
        for (const { which } of parted.filter(({ after }) => after === index)) {
          const open = world.rows.merges.filter(({ undoneMs }) => undoneMs === null);
          const merge = open[which % Math.max(1, open.length)];
          if (merge !== undefined) world.submit([{ type: "undo", mergeId: merge.mergeId, keyId: "key_test" }], END_MS);
        }
        expectByHand(END_MS);
      }
      expectByHand(END_MS + later * DAY_MS);
    });
    holds(property, 300);
  });

  test("where scores never fall, no level of an account is signalled twice, and each that is reached once", () => {
    const property = fc.property(lives(40), (commands: Command[]) => {
      const world = createWorld({ ...neverFalls, accounts });
      for (const command of commands) world.submit([command], END_MS);
      for (const { accountId } of world.rows.accounts.values()) {
        const told = world.rows.signals.filter(({ account }) => account?.accountId === accountId);
        const names = told.map(({ threshold }) => threshold.name);
        expect(names.length).toBe(new Set(names).size);
        const { score } = evaluateAccount(peopleOf(world, accountId), world.rules, END_MS);
        const reached = world.rules.accountThresholds.filter((threshold) => score >= threshold.score);
        for (const { name } of reached) expect(names).toContain(`account.${name}`);
      }
    });
    holds(property, 200);
  });

  test("tell who took the account over, and tell it again only after it fell below its re-arm level", () => {
    const decaying: Scoring = {
      ...plain,
      rules: [{ name: "one", group: "one", event: "one", points: 30, half_life: "4d" }],
    };
    const world = createWorld(decaying);
    const email = (value: string) => identifier("email", value);
    const did = (value: string, eventId: string, atMs: number) =>
      world.submit([track(email(value), eventOf({ eventId, name: "one", occurredMs: atMs }))], atMs);
    for (const who of ["a@acme.example", "b@acme.example"]) {
      world.submit([identify([email(who)], null, { eventId: `i ${who}`, occurredMs: AT_MS })], AT_MS);
    }
    did("a@acme.example", "1", AT_MS);
    did("b@acme.example", "2", AT_MS);
    expect(world.rows.signals).toEqual([]);
    did("a@acme.example", "3", AT_MS);
    const told = () => world.rows.signals.filter(({ account }) => account !== null);
    expect(told()).toMatchObject([
      { threshold: { name: "account.hot", score: 40 }, epoch: 1, scoreBefore: 30, score: 60 },
      { threshold: { name: "account.burning", score: 60 }, epoch: 1, account: { activePeople: 2 } },
    ]);
    did("a@acme.example", "4", AT_MS + DAY_MS);
    expect(told()).toHaveLength(2);
    did("a@acme.example", "5", AT_MS + 12 * DAY_MS);
    expect(told().map(({ threshold, epoch }) => [threshold.name, epoch])).toEqual([
      ["account.hot", 1],
      ["account.burning", 1],
      ["account.hot", 2],
    ]);
  });
});
