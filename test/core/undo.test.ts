import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Attribution, attributionOf, combineAttribution, touchOf } from "../../src/core/attribution.ts";
import { DAY_MS } from "../../src/core/duration.ts";
import { AppError } from "../../src/core/error.ts";
import { sessionKeyOf } from "../../src/core/event.ts";
import { isStrong } from "../../src/core/identifier.ts";
import { recomputeSums } from "../../src/core/recompute.ts";
import { evaluate, type Sums } from "../../src/core/score.ts";
import { END_MS, type EventCommand, lives, START_MS, visitor } from "./histories.ts";
import { holds } from "./property.ts";
import { everyKindOfRule, neverFalls } from "./scoring.ts";
import {
  createWorld,
  eventOf,
  eventsOf,
  identifier,
  identify,
  identitiesOf,
  livePeople,
  personOf,
  scoreAt,
  scoreRow,
  track,
  type World,
} from "./world.ts";

/** After which command some merge is undone, if there is one by then; the number picks which. */
const undoings = fc.array(fc.record({ after: fc.nat(59), which: fc.nat(20) }), { minLength: 1, maxLength: 8 });
const laterMs = fc.nat(60 * DAY_MS).map((after) => END_MS + after);

type Undoing = { after: number; which: number };

function undo(world: World, which: number, nowMs = END_MS) {
  const open = world.rows.merges.filter(({ undoneMs }) => undoneMs === null);
  const merge = open[which % Math.max(1, open.length)];
  if (merge === undefined) return null;
  const [outcome] = world.submit([{ type: "undo", mergeId: merge.mergeId, keyId: "key_test" }], nowMs);
  if (outcome?.status !== "undone") throw new Error("it was not undone");
  return { merge, outcome };
}

function live(commands: readonly EventCommand[], undos: readonly Undoing[], onUndone = (_world: World) => {}): World {
  const world = createWorld(everyKindOfRule);
  commands.forEach((command, index) => {
    world.submit([command], END_MS);
    for (const { after, which } of undos) if (after === index && undo(world, which) !== null) onUndone(world);
  });
  return world;
}

function read(world: World, sums: Sums, atMs: number) {
  const { contributions, score } = evaluate(sums, world.rules, atMs);
  const told = contributions.map(({ rule, sum, raw }) => ({
    exact: [rule.name, sum.count, sum.lastEventMs],
    raw,
  }));
  return { score, told };
}

function expectWhatWasDone(world: World, personId: number, atMs: number): void {
  const events = eventsOf(world.rows, personId);
  const row = scoreRow(world, personId);
  const [actual, wanted] = [read(world, row.sums, atMs), read(world, recomputeSums(events, world.rules, atMs), atMs)];
  expect(actual.told.map(({ exact }) => exact)).toEqual(wanted.told.map(({ exact }) => exact));
  actual.told.forEach(({ raw }, index) => {
    expect(Math.abs(raw - (wanted.told[index]?.raw ?? Number.NaN))).toBeLessThan(1e-9);
  });
  expect(Math.abs(actual.score - wanted.score)).toBeLessThan(1e-9);
  const timesOf = (some: typeof events) => some.map(({ occurredMs }) => occurredMs);
  const seenMs = timesOf(events.filter(({ bot }) => bot === null));
  expect([row.firstSeenMs, row.lastSeenMs]).toEqual([Math.min(...timesOf(events)), Math.max(0, ...seenMs)]);
  const sessions = new Set(events.map((event) => `${event.identityId} ${sessionKeyOf(event)}`));
  expect(row.sessionCount).toBe(sessions.size);
  const touches = events.filter(({ bot }) => bot === null).map(touchOf);
  const attribution = touches.reduce<Attribution | null>(
    (all, touch) => combineAttribution(all, touch === null ? null : attributionOf(touch)),
    null,
  );
  expect(row.attribution).toEqual(attribution);
}

describe("an undone merge", () => {
  test("leaves each side with the score of a visitor who did only what its side did", () => {
    const property = fc.property(lives(60), undoings, laterMs, (commands, undos, atMs) => {
      const world = live(commands, undos, (undone) => {
        for (const personId of livePeople(undone)) expectWhatWasDone(undone, personId, END_MS);
      });
      for (const personId of livePeople(world)) {
        expectWhatWasDone(world, personId, atMs);
        const single = createWorld(everyKindOfRule);
        single.submit(
          eventsOf(world.rows, personId).map((event) => track(visitor(0), event)),
          END_MS,
        );
        const alone = scoreAt(single, personOf(single, visitor(0)), atMs);
        expect(Math.abs(scoreAt(world, personId, atMs) - alone)).toBeLessThan(1e-9);
      }
    });
    holds(property, 400);
  });

  test("gives each side its own identities, and keeps everybody whole", () => {
    const property = fc.property(lives(60), undoings, (commands, undos) => {
      const world = createWorld(everyKindOfRule);
      commands.forEach((command, index) => {
        world.submit([command], END_MS);
        for (const { after, which } of undos) {
          if (after !== index) continue;
          const undone = undo(world, which);
          if (undone === null) continue;
          const { merge, outcome } = undone;
          expect(world.rows.people.get(merge.absorbedId)?.mergedInto).toBeNull();
          const holderOf = (identityId: number) => world.rows.identities.get(identityId)?.personId;
          const parted = world.rows.merges
            .filter(({ undoneMs }) => undoneMs !== null)
            .map(({ absorbedId }) => absorbedId);
          for (const id of merge.absorbed.identityIds) {
            expect([outcome.absorbed.personId, ...parted]).toContain(holderOf(id) as number);
          }
          for (const id of merge.survivor.identityIds) expect(holderOf(id)).not.toBe(outcome.absorbed.personId);
        }
      });
      for (const personId of livePeople(world)) {
        expect(identitiesOf(world.rows, personId).length).toBeGreaterThan(0);
        const own = identitiesOf(world.rows, personId).filter(({ retiredMs }) => retiredMs === null);
        expect(own.filter(({ kind }) => kind === "user_id").length).toBeLessThanOrEqual(1);
      }
      for (const { personId } of world.rows.identities.values()) {
        expect(world.rows.people.get(personId)?.mergedInto).toBeNull();
      }
    });
    holds(property, 300);
  });

  test("signals nothing, and no level again that was told and not fallen from", () => {
    const property = fc.property(lives(60), undoings, (commands, undos) => {
      const world = createWorld(neverFalls);
      const told = new Map<number, Set<string>>();
      const toldTo = (personId: number) => told.get(personId) ?? new Set<string>();
      const forget = (personId: number) => {
        const score = scoreAt(world, personId, END_MS);
        const held = world.rules.thresholds.filter(({ name, rearm }) => toldTo(personId).has(name) && score >= rearm);
        told.set(personId, new Set(held.map(({ name }) => name)));
      };
      commands.forEach((command, index) => {
        const [merges, signals] = [world.rows.merges.length, world.rows.signals.length];
        world.submit([command], END_MS);
        for (const { survivorId, absorbedId } of world.rows.merges.slice(merges)) {
          told.set(survivorId, new Set([...toldTo(survivorId), ...toldTo(absorbedId)]));
        }
        for (const { personId, threshold } of world.rows.signals.slice(signals)) {
          expect(toldTo(personId).has(threshold.name)).toBe(false);
          told.set(personId, toldTo(personId).add(threshold.name));
        }
        for (const { after, which } of undos) {
          if (after !== index) continue;
          const before = world.rows.signals.length;
          const undone = undo(world, which);
          expect(world.rows.signals.length).toBe(before);
          if (undone === null) continue;
          const { survivor, absorbed } = undone.outcome;
          told.set(absorbed.personId, new Set(toldTo(survivor.personId)));
          for (const { personId } of [survivor, absorbed]) forget(personId);
        }
      });
    });
    holds(property, 300);
  });

  test("is not made again by the same word; a person is asked", () => {
    const property = fc.property(lives(60), undoings, (commands, undos) => {
      const world = live(commands, undos);
      const apart = world.rows.apart.map(({ personId, otherId }) => [personId, otherId]);
      const holderOf = (personId: number): number => {
        const mergedInto = world.rows.people.get(personId)?.mergedInto ?? null;
        return mergedInto === null ? personId : holderOf(mergedInto);
      };
      for (const command of commands) {
        world.submit([{ ...command, event: { ...command.event, eventId: `${command.event.eventId} again` } }], END_MS);
      }
      for (const [personId, otherId] of apart) expect(holderOf(personId ?? 0)).not.toBe(holderOf(otherId ?? 0));
    });
    holds(property, 300);
  });

  test("is there no more to undo", () => {
    const world = adaAndTwo();
    const mergeId = world.rows.merges[0]?.mergeId ?? 0;
    const command = { type: "undo", mergeId, keyId: "key_test" } as const;
    world.submit([command], END_MS);
    expect(() => world.submit([command], END_MS)).toThrow(AppError);
    expect(() => world.submit([{ ...command, mergeId: 999_999 }], END_MS)).toThrow("there is no such merge");
    expect(world.rows.audits.map(({ action }) => action)).toEqual(["merge_undo"]);
  });
});

const mail = identifier("email", "ada@acme.example");

/** Two browsers, of whom the second says the address of the first. */
function adaAndTwo(): World {
  const world = createWorld(everyKindOfRule);
  const at = (eventId: string, occurredMs: number) => ({ eventId, occurredMs });
  world.submit(
    [track(visitor(1), eventOf(at("e1", START_MS))), track(visitor(2), eventOf(at("e2", START_MS)))],
    END_MS,
  );
  world.submit([identify([mail], visitor(1), at("e3", START_MS), { traits: { plan: "pro" } })], END_MS);
  world.submit([identify([mail], visitor(2), at("e4", START_MS), { traits: { city: "London" } })], END_MS);
  return world;
}

describe("what came after the merge", () => {
  const say = (world: World, who: number, eventId: string, traits: Record<string, string>, claims = [mail]) =>
    world.submit([identify(claims, visitor(who), { eventId, occurredMs: START_MS }, { traits })], END_MS);

  test("traits go to the side whose browser said them", () => {
    const world = adaAndTwo();
    say(world, 1, "e5", { plan: "free" });
    say(world, 2, "e6", { plan: "gold", role: "buyer" });
    undo(world, 0);
    const traitsOf = (who: number) => world.rows.people.get(personOf(world, visitor(who)))?.traits;
    expect(traitsOf(1)).toEqual({ plan: "free" });
    expect(traitsOf(2)).toEqual({ city: "London", plan: "gold", role: "buyer" });
  });

  test("identifiers go to the side of the one they were said with", () => {
    const world = adaAndTwo();
    const phone = identifier("phone", "+27821111111");
    world.submit([identify([phone], visitor(2), { eventId: "e5", occurredMs: START_MS })], END_MS);
    world.submit([identify([phone], visitor(3), { eventId: "e6", occurredMs: START_MS })], END_MS);
    expect(personOf(world, visitor(3))).toBe(personOf(world, mail));
    undo(world, 0);
    const two = personOf(world, visitor(2));
    expect([phone, visitor(3)].map((one) => personOf(world, one))).toEqual([two, two]);
    expect([mail, visitor(1)].map((one) => personOf(world, one))).toEqual([two, two].map(() => personOf(world, mail)));
    expect(personOf(world, mail)).not.toBe(two);
  });

  test("the company stays with the address", () => {
    const world = createWorld(everyKindOfRule);
    const userId = identifier("user_id", "u1");
    const at = (eventId: string) => ({ eventId, occurredMs: START_MS });
    world.submit([identify([userId], visitor(1), at("e1"))], END_MS);
    world.submit([identify([mail], visitor(2), at("e2"))], END_MS);
    world.submit([identify([userId, mail], null, at("e3"), { isTrusted: true })], END_MS);
    const accountOf = (who: typeof mail) => world.rows.people.get(personOf(world, who))?.accountId ?? null;
    expect(accountOf(userId)).not.toBeNull();
    undo(world, 0);
    expect([accountOf(userId), accountOf(mail)]).toEqual([
      null,
      [...world.rows.accounts.values()][0]?.accountId ?? null,
    ]);
  });

  test("a user_id that gave way when the two became one lives again", () => {
    const world = createWorld(everyKindOfRule);
    const [claimed, real] = [identifier("user_id", "claimed"), identifier("user_id", "real")];
    const at = (eventId: string) => ({ eventId, occurredMs: START_MS });
    world.submit([identify([mail], visitor(1), at("e1"), { isTrusted: true })], END_MS);
    world.submit([identify([claimed], visitor(2), at("e2"))], END_MS);
    const phone = identifier("phone", "+27821111111");
    world.submit([identify([phone], visitor(2), at("e3"))], END_MS);
    world.submit([identify([mail, phone, real], null, at("e4"), { isTrusted: true })], END_MS);
    expect(() => personOf(world, claimed)).toThrow();
    undo(world, 0);
    expect(personOf(world, claimed)).toBe(personOf(world, phone));
    expect(isStrong(claimed.kind)).toBe(true);
  });
});

test("a survivor who did too much to go through gets what is not the other side's", () => {
  const property = fc.property(lives(60), fc.nat(59), fc.nat(20), (commands, after, which) => {
    const world = createWorld(everyKindOfRule);
    world.rows.isSurvivorUntold = true;
    commands.slice(0, after + 1).forEach((command) => {
      world.submit([command], END_MS);
    });
    if (undo(world, which) === null) return;
    for (const personId of livePeople(world)) {
      const recomputed = recomputeSums(eventsOf(world.rows, personId), world.rules, END_MS);
      const [actual, wanted] = [scoreRow(world, personId).sums, recomputed].map(
        (sums) => new Map(evaluate(sums, world.rules, END_MS).contributions.map((one) => [one.rule.name, one])),
      );
      for (const { name, keep, once } of everyKindOfRule.rules) {
        // Which event was kept of the survivor's cannot be told where the other side had the better one.
        if (keep !== undefined || once) continue;
        expect(actual?.get(name)?.sum.count).toBe(wanted?.get(name)?.sum.count as number);
        expect(Math.abs((actual?.get(name)?.raw ?? 0) - (wanted?.get(name)?.raw ?? 0))).toBeLessThan(1e-9);
      }
    }
  });
  holds(property, 300);
});

describe("what is past its retention", () => {
  test("is carried by what was logged with the merge: the sums as they were, sessions as they are kept", () => {
    const world = adaAndTwo();
    const scores = [1, 2].map((who) => personOf(world, visitor(who)));
    expect(scores[0]).toBe(scores[1] as number);
    const [before] = world.rows.merges;
    const gone = [...world.rows.events].filter(([eventId]) => ["e1", "e2", "e3"].includes(eventId));
    for (const [eventId] of gone)
      world.rows.events.set(eventId, { ...world.rows.events.get(eventId), bot: "gone" } as never);
    undo(world, 0);
    const rowOf = (who: number) => scoreRow(world, personOf(world, visitor(who)));
    expect(rowOf(1).sums.views).toEqual(before?.survivor.score.sums.views as never);
    expect(rowOf(2).sums.views).toEqual(before?.absorbed.score.sums.views as never);
    expect(rowOf(1).sums.visits?.count).toBe(1);
  });

  test("is carried for each side also where the sessions are gone, beside those that are kept", () => {
    const world = adaAndTwo();
    const laterMs = END_MS + DAY_MS;
    world.submit([track(visitor(2), eventOf({ eventId: "e5", occurredMs: laterMs }))], laterMs);
    const countOf = (who: number) => scoreRow(world, personOf(world, visitor(who))).sums.visits?.count;
    for (const [key, { startedMs }] of world.rows.sessions) if (startedMs === START_MS) world.rows.sessions.delete(key);
    for (const eventId of ["e1", "e2", "e3", "e4"]) {
      world.rows.events.set(eventId, { ...world.rows.events.get(eventId), bot: "gone" } as never);
    }
    undo(world, 0, laterMs);
    expect([countOf(1), countOf(2)]).toEqual([1, 2]);
  });

  test("is not counted twice where a clock was set back: what a session has counted may be ahead of the merge", () => {
    const world = createWorld(everyKindOfRule);
    const at = (eventId: string, occurredMs: number) => ({ eventId, occurredMs });
    const aheadMs = START_MS + DAY_MS;
    for (const who of [1, 2]) world.submit([track(visitor(who), eventOf(at(`e${who}`, aheadMs)))], aheadMs);
    for (const who of [1, 2]) world.submit([identify([mail], visitor(who), at(`e${who + 2}`, START_MS))], START_MS);
    expect(world.rows.merges[0]?.mergedMs).toBe(START_MS);
    undo(world, 0, aheadMs);
    for (const who of [1, 2]) expectWhatWasDone(world, personOf(world, visitor(who)), aheadMs);
  });

  test("stays with the survivor where it came after the merge and nobody can tell whose it was", () => {
    const world = adaAndTwo();
    const late = ["e5", "e6", "e7"];
    world.submit(
      late.map((eventId) => track(visitor(2), eventOf({ eventId, occurredMs: START_MS + DAY_MS }))),
      END_MS,
    );
    for (const eventId of late.slice(1)) {
      world.rows.events.set(eventId, { ...world.rows.events.get(eventId), bot: "gone" } as never);
    }
    undo(world, 0);
    const countOf = (who: number) => scoreRow(world, personOf(world, visitor(who))).sums.views?.count;
    expect([countOf(1), countOf(2)]).toEqual([3, 2]);
  });
});
