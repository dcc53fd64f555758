import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DAY_MS } from "../../src/core/duration.ts";
import { combineThresholds, cross, levelOf, rearm, type ThresholdStates } from "../../src/core/threshold.ts";
import { batchesOf, END_MS, type EventCommand, lives } from "./histories.ts";
import { holds } from "./property.ts";
import { everyKindOfRule, neverFalls } from "./scoring.ts";
import { createWorld, livePeople, scoreAt, type World } from "./world.ts";

const levels = [
  { name: "warm", score: 40, rearm: 32 },
  { name: "hot", score: 60, rearm: 48 },
  { name: "burning", score: 80, rearm: 64 },
];

/** All of it a second time: the events as duplicates, the identifies as new calls. */
function twice(commands: readonly EventCommand[]): EventCommand[] {
  const again = commands.map((command): EventCommand => {
    if (command.type === "track") return command;
    return { ...command, event: { ...command.event, eventId: `${command.event.eventId} again` } };
  });
  return [...commands, ...again];
}

/** Everybody who by now is in this person, with the person. */
function lineageOf({ rows }: World, personId: number): Set<number> {
  const lineage = new Set([personId]);
  for (const { survivorId, absorbedId } of [...rows.merges].reverse())
    if (lineage.has(survivorId)) lineage.add(absorbedId);
  return lineage;
}

describe("a threshold fires once", () => {
  test("where scores never fall, no level is signalled twice for anyone, under any interleaving, batches and merges", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 });
    const property = fc.property(lives(40), cuts, (commands, sizes) => {
      const world = createWorld(neverFalls);
      for (const batch of batchesOf(twice(commands), sizes)) {
        for (const command of batch) {
          const known = world.rows.signals.length;
          world.submit([command], END_MS);
          for (const [index, signal] of world.rows.signals.entries()) {
            if (index < known) continue;
            const lineage = lineageOf(world, signal.personId);
            const before = world.rows.signals
              .slice(0, index)
              .filter(({ personId, threshold }) => lineage.has(personId) && threshold.name === signal.threshold.name);
            expect(before).toEqual([]);
          }
        }
      }
      for (const personId of livePeople(world)) {
        const lineage = lineageOf(world, personId);
        const signalled = world.rows.signals.filter((signal) => lineage.has(signal.personId));
        const reached = world.rules.thresholds.filter(({ score }) => scoreAt(world, personId, END_MS) >= score);
        expect(new Set(signalled.map(({ threshold }) => threshold.name))).toEqual(
          new Set(reached.map(({ name }) => name)),
        );
      }
    });
    holds(property, 200);
  });

  test("where scores fall, a level is signalled again exactly when it was fallen from, by each side that had it", () => {
    const waits = fc.array(fc.nat(6 * DAY_MS), { minLength: 60, maxLength: 60 });
    const property = fc.property(lives(60), waits, (commands, pauses) => {
      const world = createWorld(everyKindOfRule);
      /** Who was signalled for which level and has not been seen below its re-arm level since. */
      const held = new Map<number, Set<string>>();
      const heldBy = (personId: number) => held.get(personId) ?? new Set<string>();
      const see = (personId: number, score: number) => {
        const stillHeld = world.rules.thresholds.filter(({ rearm: below }) => score >= below).map(({ name }) => name);
        held.set(personId, new Set(stillHeld.filter((name) => heldBy(personId).has(name))));
      };
      let nowMs = END_MS;
      for (const [index, command] of commands.entries()) {
        nowMs += pauses[index] ?? 0;
        for (const personId of livePeople(world)) see(personId, scoreAt(world, personId, nowMs));
        const [merges, signals] = [world.rows.merges.length, world.rows.signals.length];
        // Mostly fresh events, so that levels are reached again and again; every third comes a day late.
        const occurredMs = index % 3 === 2 ? nowMs - DAY_MS : nowMs;
        world.submit([{ ...command, event: { ...command.event, occurredMs } }], nowMs);
        for (const { survivorId, absorbedId } of world.rows.merges.slice(merges)) {
          held.set(survivorId, new Set([...heldBy(survivorId), ...heldBy(absorbedId)]));
        }
        const fresh = world.rows.signals.slice(signals);
        for (const { personId, threshold } of fresh) expect(heldBy(personId).has(threshold.name)).toBe(false);
        for (const { personId, threshold } of fresh) held.set(personId, heldBy(personId).add(threshold.name));
        for (const personId of livePeople(world)) {
          const score = scoreAt(world, personId, nowMs);
          see(personId, score);
          const reached = world.rules.thresholds.filter((threshold) => score >= threshold.score);
          if (command.event.bot === null) for (const { name } of reached) expect(heldBy(personId).has(name)).toBe(true);
        }
      }
    });
    holds(property, 200);
  });

  test("a signal tells the score on both sides of the crossing, and the reasons that stand in the explanation", () => {
    const property = fc.property(lives(40), (commands) => {
      const world = createWorld(neverFalls);
      for (const command of commands) {
        const known = world.rows.signals.length;
        const outcome = world.submit([command], END_MS)[0];
        const score = outcome !== undefined && "score" in outcome ? outcome.score : Number.NaN;
        for (const signal of world.rows.signals.slice(known)) {
          expect(signal.score).toBe(score);
          expect(signal.score).toBeGreaterThanOrEqual(signal.threshold.score);
          expect(signal.configHash).toBe("test");
          const named = signal.reasons.map(({ points }) => points);
          expect(named).toEqual([...named].sort((a, b) => b - a));
          expect(named.reduce((total, points) => total + points, 0)).toBeCloseTo(signal.groups[0]?.raw ?? 0, 9);
        }
      }
    });
    holds(property, 100);
  });

  const crossings: { what: string; states: ThresholdStates; score: number; fires: string[] }[] = [
    { what: "below all", states: {}, score: 39.9, fires: [] },
    { what: "exactly at one", states: {}, score: 40, fires: ["warm 1"] },
    { what: "past all at once, lowest first", states: {}, score: 100, fires: ["warm 1", "hot 1", "burning 1"] },
    { what: "at one that has fired", states: { warm: { epoch: 1, isArmed: false } }, score: 45, fires: [] },
    { what: "past one that has fired", states: { warm: { epoch: 1, isArmed: false } }, score: 60, fires: ["hot 1"] },
    { what: "at one that is armed again", states: { warm: { epoch: 3, isArmed: true } }, score: 40, fires: ["warm 4"] },
  ];
  test.each(crossings)("$what", ({ states, score, fires }) => {
    expect(cross(states, score, levels).crossed.map(({ threshold, epoch }) => `${threshold.name} ${epoch}`)).toEqual(
      fires,
    );
  });

  test.each([
    { score: 48, isArmed: false },
    { score: 47.9, isArmed: true },
    { score: 0, isArmed: true },
    { score: 100, isArmed: false },
  ])("at $score a fired level that re-arms below 48 may fire again: $isArmed", ({ score, isArmed }) => {
    expect(rearm({ hot: { epoch: 2, isArmed: false } }, score, levels)).toEqual({ hot: { epoch: 2, isArmed } });
  });

  test("an event that makes the score fall re-arms at once, even if the score comes back before the next event", () => {
    const fallen = cross({ warm: { epoch: 1, isArmed: false } }, 31, levels).states;
    expect(cross(fallen, 45, levels).crossed.map(({ epoch }) => epoch)).toEqual([2]);
  });

  test("both sides of a merge come to the same whichever is first and however they are grouped", () => {
    const state = fc.record({ epoch: fc.nat(5), isArmed: fc.boolean() });
    const states = fc.dictionary(fc.constantFrom("warm", "hot", "burning"), state, { noNullPrototype: true });
    const property = fc.property(states, states, states, (a, b, c) => {
      expect(combineThresholds(a, b)).toEqual(combineThresholds(b, a));
      expect(combineThresholds(combineThresholds(a, b), c)).toEqual(combineThresholds(a, combineThresholds(b, c)));
    });
    holds(property);
  });

  test.each([
    { score: 0, level: "cold" },
    { score: 39.999, level: "cold" },
    { score: 40, level: "warm" },
    { score: 79, level: "hot" },
    { score: 100, level: "burning" },
  ])("a score of $score is $level", ({ score, level }) => {
    expect(levelOf(score, levels)).toBe(level);
  });
});
