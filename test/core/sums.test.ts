import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DAY_MS } from "../../src/core/duration.ts";
import { recomputeSums } from "../../src/core/recompute.ts";
import { combineSums, evaluate, type Sums, scoreAndBoundOf, scoreOf } from "../../src/core/score.ts";
import { arrive, batchesOf, doings, END_MS, gathered, lives, START_MS, tracked, visitor } from "./histories.ts";
import { holds } from "./property.ts";
import { everyKindOfRule } from "./scoring.ts";
import {
  asIdentified,
  createWorld,
  eventsOf,
  identifier,
  identify,
  livePeople,
  personOf,
  scoreAt,
  scoreRow,
  track,
  type World,
} from "./world.ts";

const VISITORS = 3;
const doneByThree = doings(VISITORS, 40);
const ranks = fc.array(fc.nat(1_000), { minLength: VISITORS, maxLength: VISITORS });
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 });
const laterMs = fc.nat(60 * DAY_MS).map((after) => END_MS + after);

/** What is to be the same, wherever it came from: rule by rule, read at one time. */
function read(world: World, sums: Sums, atMs: number) {
  const { contributions, groups, score } = evaluate(sums, world.rules, atMs);
  const byRule = contributions.map(({ rule, sum, raw }) => ({
    rule: rule.name,
    count: sum.count,
    lastEventMs: sum.lastEventMs,
    raw,
  }));
  return { byRule, groups, score };
}

type Reading = ReturnType<typeof read>;

function expectSame(actual: Reading, expected: Reading): void {
  const exact = ({ byRule }: Reading) => byRule.map(({ raw: _, ...rest }) => rest);
  expect(exact(actual)).toEqual(exact(expected));
  const decimal = ({ byRule, groups, score }: Reading) => [
    score,
    ...byRule.map(({ raw }) => raw),
    ...groups.map(({ points }) => points),
  ];
  const wanted = decimal(expected);
  decimal(actual).forEach((value, index) => {
    expect(Math.abs(value - (wanted[index] ?? Number.NaN))).toBeLessThan(1e-9);
  });
}

function readPerson(world: World, personId: number, atMs: number): Reading {
  return read(world, scoreRow(world, personId).sums, atMs);
}

function live(batches: Parameters<World["submit"]>[0][]): World {
  const world = createWorld(everyKindOfRule);
  for (const batch of batches) world.submit(batch, END_MS);
  return world;
}

/** What each visitor's sessions say, without ids and without the pages, which events of the same moment may leave open. */
function sessionsByVisitor({ rows }: World): Map<string, object> {
  const said = [...rows.sessions.values()].map((session): [string, object] => {
    const { sessionKey, startedMs, endedMs, eventCount, attribution, counted } = session;
    const who = rows.identities.get(session.identityId)?.value;
    return [`${who} ${sessionKey}`, { startedMs, endedMs, eventCount, attribution, counted }];
  });
  return new Map(said.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const ada = identifier("email", "ada@lovelace.example");

describe("scores are a merge-able sum", () => {
  test("any order of arrival, any batches and any moments of merging give the same", () => {
    const property = fc.property(
      doneByThree,
      ranks,
      fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 }),
      ranks,
      cuts,
      laterMs,
      (done, saidAt, otherRanks, otherSaidAt, sizes, atMs) => {
        const one = live([arrive([...tracked(done), ...gathered(saidAt)])]);
        const again = done.map((each, index) => ({ ...each, rank: otherRanks[index] ?? 0 }));
        const other = live(batchesOf(arrive([...tracked(again), ...gathered(otherSaidAt)]), sizes));
        const [personId, otherId] = [personOf(one, ada), personOf(other, ada)];
        expectSame(readPerson(other, otherId, atMs), readPerson(one, personId, atMs));
        const seen = (world: World, id: number) => {
          const { attribution, firstSeenMs, lastSeenMs } = scoreRow(world, id);
          return { attribution, firstSeenMs, lastSeenMs };
        };
        expect(seen(other, otherId)).toEqual(seen(one, personId));
        expect(sessionsByVisitor(other)).toEqual(sessionsByVisitor(one));
      },
    );
    holds(property, 300);
  });

  test("merged visitors score what one visitor scores who did all of it", () => {
    const property = fc.property(doneByThree, ranks, laterMs, (done, saidAt, atMs) => {
      const many = live([arrive([...tracked(done), ...gathered(saidAt)])]);
      const personId = personOf(many, ada);
      const all = eventsOf(many.rows, personId).map((event) => track(visitor(0), event));
      const single = live([all]);
      expectSame(readPerson(many, personId, atMs), readPerson(single, personOf(single, visitor(0)), atMs));
    });
    holds(property, 300);
  });

  test("whatever happened, everybody's sums are what all their events come to from the definition", () => {
    const property = fc.property(lives(40), cuts, laterMs, (commands, sizes, atMs) => {
      const world = live(batchesOf(commands, sizes));
      for (const personId of livePeople(world)) {
        const events = eventsOf(world.rows, personId);
        expectSame(readPerson(world, personId, atMs), read(world, recomputeSums(events, world.rules, atMs), atMs));
      }
    });
    holds(property, 400);
  });

  test("the past, from the stored events, is what the loop had when nothing later had happened", () => {
    const property = fc.property(doings(1, 40), fc.integer({ min: START_MS, max: END_MS }), (done, atMs) => {
      const events = done.map(({ event }) => event);
      const world = live([
        events.filter(({ occurredMs }) => occurredMs <= atMs).map((event) => track(visitor(0), event)),
      ]);
      fc.pre(world.rows.people.size > 0);
      const then = readPerson(world, personOf(world, visitor(0)), atMs);
      expectSame(read(world, recomputeSums(events, world.rules, atMs), atMs), then);
    });
    holds(property);
  });

  test("a session's visitors each keep the n earliest they had, so that their parts can be told again", () => {
    const property = fc.property(doneByThree, ranks, (done, saidAt) => {
      const together = live([arrive([...tracked(done), ...gathered(saidAt)])]);
      const apart = live([tracked(done).map(({ command }) => command)]);
      const countedOf = (world: World) =>
        [0, 1, 2].flatMap((index) => {
          const own = [...world.rows.identities.values()].find(({ value }) => value === visitor(index).value);
          return [...world.rows.sessions.values()]
            .filter(({ identityId, sessionKey }) => identityId === own?.identityId && !sessionKey.startsWith("~"))
            .map(({ sessionKey, counted }) => ({ index, sessionKey, counted }))
            .sort((a, b) => (a.sessionKey < b.sessionKey ? -1 : 1));
        });
      expect(countedOf(together)).toEqual(countedOf(apart));
    });
    holds(property);
  });

  const sum = fc
    .record({
      weight: fc.double({ min: 0, max: 50, noNaN: true }),
      atMs: fc.integer({ min: START_MS, max: END_MS }),
      count: fc.integer({ min: 1, max: 60 }),
    })
    .map((fields) => ({ ...fields, lastEventMs: fields.atMs }));
  const kinds = [
    { name: "with a half-life", rule: { halfLifeMs: 3 * DAY_MS } },
    { name: "with a half-life far below the gaps", rule: { halfLifeMs: 1_000 } },
    { name: "without half-life", rule: { halfLifeMs: null } },
    { name: "that keeps the latest", rule: { halfLifeMs: DAY_MS, keep: "latest" as const } },
    { name: "that counts once", rule: { halfLifeMs: DAY_MS, once: true as const } },
    { name: "that the config no longer has", rule: undefined },
  ];
  test.each(kinds)("sums of a rule $name combine in any order and grouping", ({ rule }) => {
    const property = fc.property(sum, sum, sum, (a, b, c) => {
      const held = rule?.keep !== undefined || rule?.once !== undefined;
      // Which of two latest (or earliest) at the very same time is kept cannot matter: both are one event.
      fc.pre(!held || new Set([a.atMs, b.atMs, c.atMs]).size === 3);
      expect(combineSums(rule, a, b)).toEqual(combineSums(rule, b, a));
      const left = combineSums(rule, combineSums(rule, a, b), c);
      const right = combineSums(rule, a, combineSums(rule, b, c));
      expect({ ...left, weight: 0 }).toEqual({ ...right, weight: 0 });
      expect(Math.abs(left.weight - right.weight)).toBeLessThan(1e-9);
    });
    holds(property, 500);
  });
});

describe("explained to the last point", () => {
  test("contributions add up to their group, groups held to their max to the score, at any time", () => {
    const property = fc.property(lives(40), laterMs, (commands, atMs) => {
      const world = live([commands]);
      for (const personId of livePeople(world)) {
        const { sums } = scoreRow(world, personId);
        const { contributions, groups, score } = evaluate(sums, world.rules, atMs);
        expect(groups.map(({ group }) => group)).toEqual(Object.keys(everyKindOfRule.groups));
        for (const { group, raw, max, points } of groups) {
          const rows = contributions.filter(({ rule }) => rule.group === group);
          expect(rows.reduce((total, row) => total + row.points, 0)).toBe(raw);
          expect(points).toBe(Math.max(-max, Math.min(max, raw)));
        }
        for (const { rule, raw, points } of contributions) {
          const most = rule.max ?? Number.POSITIVE_INFINITY;
          expect(points).toBe(Math.max(-most, Math.min(most, raw)));
        }
        const total = groups.reduce((sum, { points }) => sum + points, 0);
        expect(score).toBe(Math.max(0, Math.min(100, total)));
        expect(score).toBe(scoreOf(sums, world.rules, atMs));
      }
    });
    holds(property);
  });

  test("an identify answers with the explanation of the score it answers with", () => {
    const property = fc.property(doings(1, 20), (done) => {
      const world = live([tracked(done).map(({ command }) => command)]);
      const said = identify([ada], visitor(0), { eventId: "said", occurredMs: END_MS });
      const outcome = asIdentified(world.submit([said], END_MS)[0]);
      expect(outcome.evaluation.score).toBe(outcome.score);
      expect(outcome.score).toBe(scoreAt(world, outcome.personId, END_MS));
    });
    holds(property, 100);
  });
});

describe("the stored order", () => {
  test("without a further event no later score is above the bound", () => {
    const property = fc.property(lives(40), laterMs, laterMs, (commands, oneMs, otherMs) => {
      const world = live([commands]);
      const [atMs, afterMs] = [Math.min(oneMs, otherMs), Math.max(oneMs, otherMs)];
      for (const personId of livePeople(world)) {
        const { sums, scoreBound } = scoreRow(world, personId);
        const score = scoreOf(sums, world.rules, afterMs);
        expect(score).toBeLessThanOrEqual(scoreAndBoundOf(sums, world.rules, atMs).bound + 1e-9);
        expect(score).toBeLessThanOrEqual(scoreBound + 1e-9);
      }
    });
    holds(property);
  });

  test("a clock that steps back never makes a score grow", () => {
    const property = fc.property(lives(40), fc.nat(300 * DAY_MS), (commands, backMs) => {
      const world = live([commands]);
      for (const personId of livePeople(world)) {
        const { sums } = scoreRow(world, personId);
        const latestMs = Math.max(START_MS, ...Object.values(sums).map(({ atMs }) => atMs));
        const score = scoreOf(sums, world.rules, latestMs - backMs);
        expect(score).toBeLessThanOrEqual(scoreAndBoundOf(sums, world.rules, START_MS).bound + 1e-9);
        for (const { raw, rule, sum } of evaluate(sums, world.rules, latestMs - backMs).contributions) {
          expect(Math.abs(raw)).toBeLessThanOrEqual(Math.abs(rule.points) * sum.count + 1e-9);
        }
      }
    });
    holds(property, 100);
  });
});
