import { describe, expect, test } from "bun:test";
import { DAY_MS } from "../../../src/core/duration.ts";
import { everyKindOfRule } from "../../core/scoring.ts";
import { NOON_MS, startInstance, type TestInstance } from "../../support/instance.ts";
import { identify, pageView, peopleAt, peoplePages, personOf } from "./reads.ts";

const HOUR_MS = DAY_MS / 24;

/** One rule that is soon gone, one that stays. */
const hareAndTortoise = {
  groups: { all: { max: 100 } },
  rules: [
    { name: "hare", group: "all", event: "hare", points: 30, half_life: "1d" },
    { name: "tortoise", group: "all", event: "tortoise", points: 20 },
    { name: "burden", group: "all", event: "burden", points: -15, half_life: "1d" },
  ],
  thresholds: { warm: 20, hot: 40 },
};

async function visitorsBy(instance: TestInstance, path: string): Promise<string[]> {
  const { people } = await peopleAt(instance, path);
  return people.map(({ identities }) => identities.at(-1)?.value ?? "");
}

/** Eighty people, many of them with equal scores, some with none, some with more behind than before them. */
async function crowd(instance: TestInstance): Promise<void> {
  const events = Array.from({ length: 80 }, (_, index) => {
    const anonymous_id = `visitor-${index}`;
    const timestamp = NOON_MS - (index % 9) * DAY_MS;
    const session_id = `session-${index}`;
    return [
      { event: "page_view", url: index % 4 === 0 ? "/pricing" : "/", anonymous_id, timestamp, session_id },
      ...(index % 5 === 0 ? [{ event: "demo", anonymous_id, timestamp, session_id }] : []),
      ...(index % 6 === 0 ? [{ event: "leave", anonymous_id, timestamp, session_id }] : []),
      ...(index % 7 === 0 ? [{ event: "form_submit", anonymous_id, timestamp, session_id }] : []),
    ];
  });
  await instance.post("/track", events.flat());
}

describe("people by score", () => {
  test("change places by the mere passing of time", async () => {
    await using instance = startInstance({ intent: hareAndTortoise });
    const events = ["hare", "tortoise"].map((event) => ({ event, anonymous_id: event }));
    await instance.post("/track", [...events, ...["hare", "burden"].map((event) => ({ event, anonymous_id: "mule" }))]);
    expect(await visitorsBy(instance, "/people")).toEqual(["hare", "tortoise", "mule"]);
    instance.clock.nowMs += DAY_MS;
    expect(await visitorsBy(instance, "/people")).toEqual(["tortoise", "hare", "mule"]);
    const { people } = await peopleAt(instance, "/people");
    expect(people.map(({ score, level }) => [score, level])).toEqual([
      [20, "warm"],
      [15, "cold"],
      [7.5, "cold"],
    ]);
  });

  test("are listed by level from its threshold to the next", async () => {
    await using instance = startInstance({ intent: hareAndTortoise });
    const counts = { zero: 0, one: 1, two: 2, three: 3 };
    const events = Object.entries(counts).flatMap(([anonymous_id, count]) => [
      { event: "other", anonymous_id },
      ...Array.from({ length: count }, () => ({ event: "tortoise", anonymous_id })),
    ]);
    await instance.post("/track", events);
    const byLevel = { cold: ["zero"], warm: ["one"], hot: ["three", "two"] };
    for (const [level, expected] of Object.entries(byLevel)) {
      expect([level, await visitorsBy(instance, `/people?level=${level}`)]).toEqual([level, expected]);
    }
  });

  test("who were merged stand there once, with all they did", async () => {
    await using instance = startInstance({ intent: hareAndTortoise });
    for (const anonymous_id of ["phone", "laptop"]) {
      await instance.post("/track", { event: "tortoise", anonymous_id });
      await identify(instance, anonymous_id, { email: "ada@acme.example" });
    }
    const { people } = await peopleAt(instance, "/people");
    expect(people.map(({ score }) => score)).toEqual([40]);
  });

  test("come page by page, everybody once and in one order, whatever the size of the pages", async () => {
    await using instance = startInstance({ intent: everyKindOfRule });
    await crowd(instance);
    instance.clock.nowMs += 3 * DAY_MS;
    const [all = []] = await peoplePages(instance, "/people?limit=500");
    expect(all).toHaveLength(80);
    expect(all.map(({ score }) => score)).toEqual(all.map(({ score }) => score).sort((a, b) => b - a));
    for (const { person_id, score } of all) expect((await personOf(instance, person_id)).score).toBe(score);
    for (const limit of [1, 7, 79, 80]) {
      const pages = await peoplePages(instance, `/people?limit=${limit}`);
      expect(pages.flat()).toEqual(all);
      expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
    }
    for (const level of ["cold", "warm", "hot", "burning"]) {
      const pages = await peoplePages(instance, `/people?level=${level}&limit=3`);
      expect(pages.flat()).toEqual(all.filter((person) => person.level === level));
    }
  });

  test("keep the order of the first page while the clock goes on, for an hour", async () => {
    await using instance = startInstance({ intent: everyKindOfRule });
    await crowd(instance);
    const [all = []] = await peoplePages(instance, "/people?limit=500");
    const pages = await peoplePages(instance, "/people?limit=10", () => {
      instance.clock.nowMs += 7 * 60_000;
    });
    expect(pages.flat()).toEqual(all);

    const { next_cursor } = await peopleAt(instance, "/people?limit=10");
    instance.clock.nowMs += HOUR_MS + 1;
    const { status, body } = await instance.getSecret(`/people?limit=10&cursor=${next_cursor}`);
    expect([status, body.error.field]).toEqual([422, "cursor"]);
  });

  test("a visitor who comes back changes places at once", async () => {
    await using instance = startInstance();
    await instance.post("/track", [pageView("a", NOON_MS, "/"), pageView("b", NOON_MS)]);
    expect(await visitorsBy(instance, "/people")).toEqual(["b", "a"]);
    await instance.post("/track", [pageView("a", NOON_MS, "/demo"), { event: "form_submit", anonymous_id: "a" }]);
    expect(await visitorsBy(instance, "/people")).toEqual(["a", "b"]);
  });
});
