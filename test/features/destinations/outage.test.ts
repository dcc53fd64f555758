import { expect, test } from "bun:test";
import { DAY_MS } from "../../../src/core/duration.ts";
import { type Receiver, startReceiver } from "../../destinations/receiver.ts";
import { SECRET } from "../../destinations/sample.ts";
import { NOON_MS, startInstance, type TestInstance } from "../../support/instance.ts";

const STEP_MS = 30 * 60_000;
const BATCH = 500;
const LEVELS = 10;

/** Each event crosses two levels, five all of them, and nothing decays. */
const intentOf = (url: string) => ({
  destinations: [{ type: "webhook", name: "crm", url, secret: SECRET, allow_private: true, concurrency_max: 16 }],
  groups: { any: { max: 100 } },
  rules: [{ name: "step", group: "any", event: "step", points: 20 }],
  thresholds: Object.fromEntries(Array.from({ length: LEVELS }, (_, index) => [`level_${index}`, 10 * (index + 1)])),
});

/** An address at which nobody listens until it is opened. */
async function closedDoor(): Promise<{ url: string; open: () => Promise<Receiver> }> {
  const receiver = await startReceiver();
  const { url } = receiver;
  await receiver[Symbol.asyncDispose]();
  return { url, open: () => startReceiver(undefined, Number(new URL(url).port)) };
}

async function stepped(instance: TestInstance, visitors: readonly number[]): Promise<void> {
  const events = visitors.map((visitor) => ({ event: "step", anonymous_id: `visitor-${visitor}` }));
  for (let from = 0; from < events.length; from += BATCH) {
    const { status, text } = await instance.postSecret("/track", events.slice(from, from + BATCH));
    if (status !== 200) throw new Error(text);
  }
}

/** Lets everything be tried that is due by the clock; a config that is read again makes the server look. */
async function tryAllDue(instance: TestInstance, intent: object): Promise<void> {
  instance.configureIntent(intent);
  const due = () =>
    instance.rows(
      "select 1 from delivery where state = 'pending' and destination = 'crm' and next_attempt_at <= ? limit 1",
      instance.clock.nowMs,
    ).length > 0 && instance.rows("select 1 from destination where paused_at is not null").length === 0;
  while (due()) await Bun.sleep(5);
}

const waiting = (instance: TestInstance): number =>
  instance.rows<{ count: number }>("select count(*) as count from delivery where state = 'pending'")[0]?.count ?? 0;

test("ten thousand crossings over a receiver that is away for a day all arrive, once each, in order per person", async () => {
  const people = 1_000;
  const door = await closedDoor();
  const intent = intentOf(door.url);
  await using instance = startInstance({ intent });
  const everybody = Array.from({ length: people }, (_, visitor) => visitor);
  for (let time = 0; time < 5; time += 1) {
    await stepped(instance, everybody);
    instance.clock.nowMs += STEP_MS;
  }
  expect(waiting(instance)).toBe(people * LEVELS);
  while (instance.clock.nowMs < NOON_MS + DAY_MS) {
    instance.clock.nowMs += STEP_MS;
    await tryAllDue(instance, intent);
  }
  expect(waiting(instance)).toBe(people * LEVELS);
  await using receiver = await door.open();
  while (waiting(instance) > 0) {
    instance.clock.nowMs += STEP_MS;
    await tryAllDue(instance, intent);
  }
  expect(instance.clock.nowMs).toBeLessThan(NOON_MS + 2 * DAY_MS);
  expect(receiver.received).toHaveLength(people * LEVELS);
  expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(people * LEVELS);
  const levelsOf = Map.groupBy(
    receiver.received.map(({ body }) => JSON.parse(body).data),
    ({ person }) => person.person_id,
  );
  expect(levelsOf.size).toBe(people);
  const inOrder = Array.from({ length: LEVELS }, (_, index) => `level_${index}`);
  for (const signals of levelsOf.values()) expect(signals.map(({ threshold }) => threshold.name)).toEqual(inOrder);
}, 60_000);

test("a receiver that is away for five days is paused, and gets what still waits when somebody resumes it", async () => {
  const door = await closedDoor();
  const intent = intentOf(door.url);
  await using instance = startInstance({ intent });
  const state = async () => {
    const { body } = await instance.getSecret<{ destinations: { paused_at: string | null; pause_reason: string }[] }>(
      "/destinations",
    );
    const [crm] = body.destinations;
    return crm?.paused_at == null ? "sends" : crm.pause_reason;
  };
  for (let day = 0; day < 7; day += 1) {
    await stepped(instance, [day]);
    while (instance.clock.nowMs < NOON_MS + (day + 1) * DAY_MS) {
      instance.clock.nowMs += 2 * STEP_MS;
      await tryAllDue(instance, intent);
    }
    expect([day, await state()]).toEqual([day, day < 5 ? "sends" : "failing"]);
  }
  await using receiver = await door.open();
  expect((await instance.postSecret("/destinations/crm/resume", "")).status).toBe(200);
  while (waiting(instance) > 0) await Bun.sleep(5);
  const dead = instance.rows<{ count: number }>("select count(*) as count from delivery where state = 'dead'");
  expect(receiver.received.length + (dead[0]?.count ?? 0)).toBe(14);
  expect(receiver.received.length).toBeGreaterThan(8);
  expect(await state()).toBe("sends");
}, 30_000);
