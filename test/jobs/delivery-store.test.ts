import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { createDeliveryStore, type NewDelivery } from "../../src/store/sqlite/delivery.ts";
import { DELIVERY_SQL } from "../../src/store/sqlite/delivery-sql.ts";

function open() {
  const folder = mkdtempSync(join(tmpdir(), "do-intent-"));
  const { database, close } = openDatabase(folder, "normal");
  return {
    database,
    store: createDeliveryStore(database),
    [Symbol.dispose]: () => {
      close();
      rmSync(folder, { recursive: true });
    },
  };
}

const row = (signalId: number, personId: number, destination = "crm"): NewDelivery => ({
  signalId,
  personId,
  destination,
  body: `body ${signalId}`,
  createdMs: signalId,
});

const delivered = (deliveryId: number, attemptedMs: number) => ({
  deliveryId,
  destination: "crm",
  state: "delivered" as const,
  attempts: 1,
  nextAttemptMs: 0,
  attemptedMs,
  status: 200,
  answer: "ok",
});

function merge(database: Database, mergeId: number, survivorId: number, absorbedId: number): void {
  database
    .query(
      "insert into merge (merge_id, survivor_id, absorbed_id, through, merged_at, snapshot, last_event_seq) values (?, ?, ?, '', 0, '', 0)",
    )
    .run(mergeId, survivorId, absorbedId);
}

for (const [name, sql] of Object.entries(DELIVERY_SQL)) {
  test(`the statement ${name} walks no table from end to end`, () => {
    using house = open();
    const plan = house.database.query<{ detail: string }, []>(`explain query plan ${sql}`).all();
    // The indexes of what waits and of what died are short.
    const walks = /^SCAN (delivery|merge)(?! USING (COVERING )?INDEX delivery_(due|dead))/;
    expect(plan.map(({ detail }) => detail).filter((detail) => walks.test(detail))).toEqual([]);
  });
}

test("of a person's line only the first is due, each after the one before it, destinations apart", () => {
  using house = open();
  house.store.insert([row(1, 1), row(2, 1), row(3, 2), row(4, 1, "log")]);
  const [first = 0, , other = 0] = house.store
    .page("pending", 1_000, 10)
    .deliveries.map(({ deliveryId }) => deliveryId)
    .reverse();
  expect(house.store.due("crm", 10, 10)).toEqual([first, other]);
  expect(house.store.due("log", 10, 10)).toHaveLength(1);
  house.store.mark([delivered(first, 20)]);
  expect(house.store.due("crm", 20, 10)).toEqual([other, first + 1]);
  expect(house.store.due("crm", 19, 10)).toEqual([other]);
});

test("what an absorbed person has in line goes before what the survivor gets after the merge", () => {
  using house = open();
  house.store.insert([row(1, 1)]);
  house.store.insert([row(2, 2)]);
  merge(house.database, 1, 2, 1);
  merge(house.database, 2, 3, 2);
  house.store.insert([row(3, 3)]);
  expect(house.store.due("crm", 10, 10)).toEqual([1]);
  house.store.mark([delivered(1, 11)]);
  expect(house.store.due("crm", 11, 10)).toEqual([2]);
  house.store.mark([delivered(2, 12)]);
  expect(house.store.due("crm", 12, 10)).toEqual([3]);
});

test("an earlier one that is replayed goes before what waits", () => {
  using house = open();
  house.store.insert([row(1, 1), row(2, 1)]);
  house.store.mark([delivered(1, 10)]);
  const first = house.store.byId(1);
  if (first === null) throw new Error("not stored");
  expect(house.store.replay(first, 20)).toBe(true);
  expect(house.store.due("crm", 20, 10)).toEqual([1]);
  expect(house.store.replay(first, 20)).toBe(false);
});

test("a replay since a time takes what was delivered or died since, and leaves what waits", async () => {
  using house = open();
  house.store.insert([row(1, 1), row(2, 2), row(3, 3), row(4, 4)]);
  house.store.mark([delivered(1, 10), delivered(2, 10), { ...delivered(3, 10), state: "dead" }]);
  expect(await house.store.replaySince("crm", 2, 30)).toBe(2);
  expect(house.store.page("pending", 1_000, 10).deliveries.map(({ deliveryId }) => deliveryId)).toEqual([4, 3, 2]);
});

test("deliveries are listed newest first by state, and counted by destination", () => {
  using house = open();
  house.store.insert([row(1, 1), row(2, 2), row(3, 3)]);
  house.store.mark([{ ...delivered(2, 10), state: "dead" }]);
  expect(house.store.page("pending", 1_000, 10).deliveries.map(({ signalId }) => signalId)).toEqual([3, 1]);
  expect(house.store.page(null, 3, 10).deliveries.map(({ signalId }) => signalId)).toEqual([2, 1]);
  expect(house.store.counts()).toEqual([
    { destination: "crm", state: "pending", count: 2 },
    { destination: "crm", state: "dead", count: 1 },
  ]);
  expect(house.store.bySignals([1, 9]).get(1)?.[0]).toMatchObject({ destination: "crm", state: "pending" });
});

test("a delivery's id grows with time even where a signal's does not", () => {
  using house = open();
  house.store.insert([row(9, 1), row(9, 1, "log")]);
  house.store.insert([row(9, 2)]);
  expect(house.store.page(null, 1_000, 10).deliveries.map(({ deliveryId }) => deliveryId)).toEqual([11, 10, 9]);
});

/** So many deliveries, each of a person of its own. */
const rows = (count: number): NewDelivery[] => Array.from({ length: count }, (_, index) => row(index + 1, index + 1));

test("a long replay is made of short transactions, others have their turn between them, and what comes meanwhile is left", async () => {
  using house = open();
  const many = 1_100;
  house.store.insert(rows(many));
  house.store.mark(Array.from({ length: many }, (_, index) => delivered(index + 1, 10)));
  const replayed = house.store.replaySince("crm", 0, many + 1);
  const waiting = () => house.store.counts()[0]?.count;
  expect(waiting()).toBe(500);
  // As when the first of them arrives again, and a new one too, while the replay is not through.
  house.store.insert([row(many + 1, many + 1)]);
  house.store.mark([delivered(1, many + 1), delivered(many + 1, many + 1)]);
  expect(await replayed).toBe(many);
  expect(waiting()).toBe(many - 1);
});

test("a replay goes on among many of the same moment, and past those that wait", async () => {
  using house = open();
  const many = 1_700;
  house.store.insert(rows(many).map((each) => ({ ...each, createdMs: 5 })));
  house.store.mark(Array.from({ length: 600 }, (_, index) => delivered(index + 1_101, 10)));
  expect(await house.store.replaySince("crm", 5, 30)).toBe(600);
});

test("what waits is made due so much at a time, the longest wait first", () => {
  using house = open();
  house.store.insert(rows(5));
  house.store.mark(
    [1, 2, 3, 4].map((id) => ({ ...delivered(id, 10), state: "pending" as const, nextAttemptMs: 100 + id })),
  );
  expect(house.store.hurry("crm", 50, 3)).toBe(3);
  expect(house.store.due("crm", 50, 10)).toEqual([5, 2, 3, 4]);
  expect(house.store.hurry("crm", 50, 3)).toBe(1);
  expect(house.store.hurry("crm", 50, 3)).toBe(0);
  expect(house.store.due("crm", 50, 10)).toEqual([5, 1, 2, 3, 4]);
});

test("a page of what was delivered looks at no more than five thousand, and says where to go on", () => {
  using house = open();
  house.store.insert(rows(5_010));
  house.store.mark([1, 2, 3].map((id) => delivered(id, 10)));
  const first = house.store.page("delivered", Number.MAX_SAFE_INTEGER, 2);
  expect(first).toEqual({ deliveries: [], nextBelowId: 11 });
  const second = house.store.page("delivered", 11, 2);
  expect(second).toMatchObject({ deliveries: [{ deliveryId: 3 }, { deliveryId: 2 }], nextBelowId: 2 });
  expect(house.store.page("delivered", 2, 2)).toMatchObject({ deliveries: [{ deliveryId: 1 }], nextBelowId: null });
});
