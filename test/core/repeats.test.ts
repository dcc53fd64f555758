import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Command } from "../../src/core/decide.ts";
import { batchesOf, END_MS, lives } from "./histories.ts";
import { holds } from "./property.ts";
import { everyKindOfRule } from "./scoring.ts";
import { asIdentified, createWorld, visitorId, type World } from "./world.ts";

const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 });

/** Rows as of now; the world itself goes on. */
function rowsOf({ rows }: World) {
  return structuredClone(rows);
}

function live(batches: readonly Command[][]) {
  const world = createWorld(everyKindOfRule);
  const outcomes = batches.flatMap((batch) => world.submit(batch, END_MS));
  // As on the wire: what functions the rules hold is no part of an answer.
  return { outcomes: JSON.stringify(outcomes), statuses: outcomes.map(({ status }) => status), rows: rowsOf(world) };
}

describe("the same again", () => {
  test("same commands, same clock, same config: same rows, same answers, same signals", () => {
    const property = fc.property(lives(40), cuts, (commands, sizes) => {
      const batches = batchesOf(commands, sizes);
      const [one, other] = [live(batches), live(structuredClone(batches))];
      expect(other.rows).toEqual(one.rows);
      expect(other.outcomes).toEqual(one.outcomes);
    });
    holds(property, 100);
  });

  test("a batch equals its commands one by one, to the last row and signal", () => {
    const property = fc.property(lives(40), cuts, (commands, sizes) => {
      const [batched, single] = [live(batchesOf(commands, sizes)), live(commands.map((command) => [command]))];
      expect(batched.rows).toEqual(single.rows);
      expect(batched.outcomes).toEqual(single.outcomes);
    });
    holds(property, 200);
  });

  test("an event counts once, however often, in whatever batch and by whomever it is brought again", () => {
    const repeats = fc.array(fc.record({ which: fc.nat(1_000), where: fc.nat(1_000) }), { maxLength: 30 });
    const property = fc.property(lives(30), repeats, cuts, (commands, again, sizes) => {
      const arrival = [...commands];
      for (const { which, where } of again) {
        const index = which % arrival.length;
        const command = arrival[index];
        if (command?.type !== "track") continue;
        const repeated = where % 2 === 0 ? command : { ...command, actor: visitorId("stranger") };
        arrival.splice(index + 1 + (where % (arrival.length - index)), 0, repeated);
      }
      const [once, often] = [live([commands]), live(batchesOf(arrival, sizes))];
      expect(often.rows).toEqual(once.rows);
      expect(often.statuses.filter((status) => status === "duplicate")).toHaveLength(arrival.length - commands.length);
    });
    holds(property, 200);
  });

  test("an identify said again changes nothing, whatever it came to the first time", () => {
    const property = fc.property(lives(30), (commands) => {
      const world = createWorld(everyKindOfRule);
      for (const command of commands) {
        const first = world.submit([command], END_MS)[0];
        if (command.type !== "identify") continue;
        const before = rowsOf(world);
        const repeated = { ...command, event: { ...command.event, eventId: `${command.event.eventId} again` } };
        const second = asIdentified(world.submit([repeated], END_MS)[0]);
        expect({ ...rowsOf(world), reviews: [] }).toEqual({ ...before, reviews: [] });
        expect(second).toMatchObject({ isChanged: false, isMerged: false, signals: [] });
        expect(second.personId).toBe(asIdentified(first).personId);
        expect(second.score).toBe(asIdentified(first).score);
      }
    });
    holds(property, 300);
  });
});
