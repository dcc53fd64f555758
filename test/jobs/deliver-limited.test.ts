import { expect, test } from "bun:test";
import type { Answer } from "../../src/destinations/interface.ts";
import { destination, NOON_MS, SECRET } from "../destinations/sample.ts";
import { openHouse } from "./house.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const crm = destination({ type: "webhook", name: "crm", url: "http://crm.example/", secret: SECRET });
const answer = (status: number, retryAfter: string | null = null): Answer => ({ status, body: "", retryAfter });
const three = [1, 2, 3].map((id) => ({ signalId: id, personId: id }));

/** A destination that answers by the clock, and the times at which it was asked. */
function housed(answerAt: (elapsedMs: number) => Answer) {
  const askedMs: number[] = [];
  const house = openHouse([crm], {
    random: () => 0,
    post: {
      send: async () => {
        askedMs.push(house.clock.nowMs - NOON_MS);
        return answerAt(house.clock.nowMs - NOON_MS);
      },
    },
  });
  return { house, askedMs, restart: () => house.restart() };
}

for (const status of [429, 503]) {
  test(`after ${status} with a Retry-After of an hour nothing is sent for an hour, also over restarts`, async () => {
    const { house, askedMs, restart } = housed((ms) => (ms < HOUR_MS ? answer(status, "3600") : answer(204)));
    await using _ = house;
    house.configs = [{ ...crm, concurrency_max: 1 } as never];
    house.signal(...three);
    await house.deliverer.settled();
    for (const minutes of [1, 20, 59]) {
      house.clock.nowMs = NOON_MS + minutes * MINUTE_MS;
      restart();
      await house.deliverer.settled();
    }
    expect(askedMs).toEqual([0]);
    while (await house.advance());
    expect(askedMs.slice(1)).toEqual([HOUR_MS, HOUR_MS, HOUR_MS]);
    expect(house.deliveries().map(({ state }) => state)).toEqual(["delivered", "delivered", "delivered"]);
    expect(house.store.health("crm")).toMatchObject({ failingSinceMs: null, quietUntilMs: null });
  });
}

test("resuming a destination forgets what it asked for, and so does a clock that was months ahead", async () => {
  const { house, askedMs, restart } = housed((ms) => (ms === 0 ? answer(429, "3600") : answer(204)));
  await using _ = house;
  house.signal({ signalId: 1, personId: 1 });
  await house.deliverer.settled();
  house.clock.nowMs += SECOND_MS;
  await house.deliverer.resume("crm");
  await house.deliverer.settled();
  expect(askedMs).toEqual([0, SECOND_MS]);
  house.store.setHealth("crm", { ...house.store.health("crm"), quietUntilMs: NOON_MS + 90 * DAY_MS });
  restart();
  house.signal({ signalId: 2, personId: 2 });
  await house.deliverer.settled();
  expect(askedMs).toHaveLength(3);
});

for (const retryAfter of ["0", "1"]) {
  test(`whoever says nothing but "too many, come back in ${retryAfter} s" is asked ever more rarely, and paused after 5 days`, async () => {
    const { house, askedMs } = housed(() => answer(429, retryAfter));
    await using _ = house;
    house.signal(...three);
    while (await house.advance(NOON_MS + MINUTE_MS));
    expect(askedMs.length).toBeLessThan(20);
    expect(house.store.health("crm").failingSinceMs).toBe(NOON_MS);
    while (await house.advance(NOON_MS + HOUR_MS));
    const waits = askedMs.slice(1).map((at, index) => at - (askedMs[index] ?? 0));
    expect(Math.max(...waits)).toBe(5 * MINUTE_MS);
    expect(askedMs.length).toBeLessThan(40);
    // Five days of it are fifteen hundred requests; here the machine is off for most of each.
    for (let day = 1; day < 6; day += 1) {
      house.clock.nowMs = Math.max(house.clock.nowMs, NOON_MS + day * DAY_MS - HOUR_MS / 2);
      while (await house.advance(NOON_MS + day * DAY_MS));
      expect(house.store.health("crm").pausedMs === null).toBe(day < 5);
    }
    expect(house.store.health("crm")).toMatchObject({ pauseReason: "failing" });
    expect(house.store.health("crm").pausedMs).toBeGreaterThanOrEqual(NOON_MS + 5 * DAY_MS);
    expect(house.deliveries().map(({ state, attempts }) => [state, attempts])).toEqual(three.map(() => ["pending", 0]));
    expect(house.logged).toEqual(["destination_failing", "destination_paused"]);
  });
}

test("whoever takes some and turns others away is not failing, however long that goes on", async () => {
  let asked = 0;
  const { house } = housed(() => {
    asked += 1;
    return asked % 2 === 0 ? answer(429, "2") : answer(204);
  });
  await using _ = house;
  for (let day = 0; day < 7; day += 1) {
    house.signal(...three.map(({ signalId }) => ({ signalId: day * 10 + signalId, personId: signalId })));
    while (await house.advance());
    house.clock.nowMs = NOON_MS + (day + 1) * DAY_MS;
  }
  expect(house.store.health("crm").pausedMs).toBeNull();
  expect(house.deliveries().every(({ state }) => state === "delivered")).toBe(true);
});

for (const hours of [1, 23]) {
  test(`what was asked for while the clock was ${hours} h ahead is forgotten once it is right, also over a restart`, async () => {
    const { house, askedMs, restart } = housed((ms) => (ms > 0 ? answer(429, "60") : answer(204)));
    await using _ = house;
    house.clock.nowMs = NOON_MS + hours * HOUR_MS;
    house.signal({ signalId: 1, personId: 1 });
    await house.deliverer.settled();
    house.clock.nowMs = NOON_MS;
    restart();
    house.signal({ signalId: 2, personId: 2 });
    await house.deliverer.settled();
    expect(askedMs).toEqual([hours * HOUR_MS, 0, 0]);
    expect(house.store.health("crm")).toMatchObject({ failingSinceMs: null, quietUntilMs: null });
  });
}

test("who refuses a signal has answered: a day on which it was too many, and another a week later, pause nothing", async () => {
  const { house, askedMs } = housed((ms) => answer(ms % (6 * DAY_MS) === 0 ? 429 : 400, "1"));
  await using _ = house;
  // A plain webhook has no answer that refuses for good.
  house.configs = [destination({ type: "slack", name: "crm", url: "http://crm.example/", allow_private: true })];
  for (const day of [0, 6]) {
    house.clock.nowMs = NOON_MS + day * DAY_MS;
    house.signal({ signalId: day + 1, personId: 1 });
    while (await house.advance());
    expect(house.store.health("crm")).toMatchObject({ failingSinceMs: null, pausedMs: null });
  }
  expect(askedMs).toHaveLength(4);
  expect(house.deliveries().map(({ state }) => state)).toEqual(["dead", "dead"]);
});

test("what failed and was erased since is no failure that lasts", async () => {
  const { house, askedMs } = housed(() => answer(429, "1"));
  await using _ = house;
  house.signal({ signalId: 1, personId: 1 });
  await house.deliverer.settled();
  house.erase(1);
  house.clock.nowMs = NOON_MS + 6 * DAY_MS;
  house.signal({ signalId: 2, personId: 2 });
  await house.deliverer.settled();
  expect(askedMs).toEqual([0, 6 * DAY_MS]);
  expect(house.store.health("crm")).toMatchObject({ failingSinceMs: NOON_MS + 6 * DAY_MS, pausedMs: null });
});
