import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { DAY_MS } from "../../src/core/duration.ts";
import { createRetainer, type Retain } from "../../src/jobs/retain.ts";
import { compact } from "../../src/store/sqlite/compact.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { createRetainStore } from "../../src/store/sqlite/retain.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { NOON_MS, startInstance, type TestInstance } from "../support/instance.ts";

const NOTHING: Retain = { events: null, rejected: null, deliveries: null, audit: null, machine_clicks: null };
const view = (visitor: string, id: string, session = "s1") => ({
  event: "page_view",
  event_id: id,
  anonymous_id: visitor,
  session_id: session,
  url: "/pricing",
});
const ids = (instance: TestInstance) =>
  instance.rows<{ id: string }>("select event_id as id from event order by event_seq").map(({ id }) => id);

describe("what is older than the config keeps it goes by itself", () => {
  test("events, the sessions they were in, and what was refused; scores stay", async () => {
    await using instance = startInstance({ intent: { ingest: { accept_days: 30 } } });
    await instance.post("/track", [view("one", "e1"), view("one", "e2", "s2")]);
    await instance.post("/track", { event: "" });
    instance.clock.nowMs += 39 * DAY_MS;
    await instance.post("/track", [view("one", "e3", "s3"), view("two", "e4")]);
    await instance.post("/track", { event: "" });
    const scoreOf = async () => (await instance.getSecret<{ score: number }>("/people/one")).body.score;
    const before = await scoreOf();
    instance.clock.nowMs += 2 * DAY_MS;
    const atSweep = await scoreOf();
    expect(atSweep).not.toBe(before);
    instance.configureIntent({ ingest: { accept_days: 30 }, retain: { events: "40d", rejected: "40d" } });
    await eventually(
      () => ids(instance).length === 2 && instance.rows("select 1 from rejected_event").length === 1,
      "the sweep",
    );
    expect(ids(instance)).toEqual(["e3", "e4"]);
    expect(
      instance
        .rows<{ session_id: string }>("select session_id from session")
        .map((row) => row.session_id)
        .sort(),
    ).toEqual(["s1", "s3"]);
    expect(await scoreOf()).toBe(atSweep);
  });

  test("an event id is known as long as its event", async () => {
    await using instance = startInstance({ intent: { ingest: { accept_days: 1 }, retain: { events: "2d" } } });
    await instance.post("/track", view("one", "e1"));
    instance.clock.nowMs += DAY_MS;
    expect((await instance.post("/track", view("one", "e1"))).body as unknown).toMatchObject({ duplicate: 1 });
    instance.clock.nowMs += 2 * DAY_MS;
    instance.configureIntent({ ingest: { accept_days: 1 }, retain: { events: "2d" } });
    await eventually(() => ids(instance).length === 0, "the sweep");
    expect((await instance.post("/track", view("one", "e1"))).body as unknown).toMatchObject({ accepted: 1 });
  });

  test("a look into the past says what is no longer there, or that there is nothing left to look at", async () => {
    const intent = { ingest: { accept_days: 1 }, retain: { events: "10d" } };
    await using instance = startInstance({ intent: { ingest: { accept_days: 1 } } });
    await instance.post("/track", view("one", "e1"));
    instance.clock.nowMs += 8 * DAY_MS;
    await instance.post("/track", [view("one", "e2"), view("new", "n1")]);
    instance.clock.nowMs += 4 * DAY_MS;
    await instance.post("/track", [view("one", "e3"), view("new", "n2")]);
    instance.configureIntent(intent);
    await eventually(() => ids(instance).length === 4, "the sweep");
    const explain = (who: string, days: number) =>
      instance.getSecret<{ events_since?: string; error?: { field: string; message: string } }>(
        `/people/${who}/explain?at=${NOON_MS + days * DAY_MS}`,
      );
    const tooOld = await explain("one", 1);
    expect([tooOld.status, tooOld.body.error?.field]).toEqual([422, "at"]);
    expect(tooOld.body.error?.message).toContain("2026-06-03T12:00:00.000Z");
    expect((await explain("one", 9)).body.events_since).toBe("2026-06-03T12:00:00.000Z");
    expect((await explain("new", 9)).body).not.toHaveProperty("events_since");
    expect((await explain("new", 1)).status).toBe(200);
    expect((await explain("one", 12)).body).not.toHaveProperty("events_since");
  });

  test("retain.events below ingest.accept_days is refused: what may still come must find its event", () => {
    expect(() => startInstance({ intent: { retain: { events: "30d" } } })).toThrow(/retain\.events.*90 days/);
  });
});

/** Rows of a kind at days of age, and what a sweep leaves of them. */
describe("each table by its own measure", () => {
  const tables: [keyof Retain, string, string, string][] = [
    [
      "deliveries",
      "delivery",
      "created_at",
      "insert into delivery (delivery_id, signal_id, person_id, destination, state, body, attempts, created_at) values (?1, 1, 1, 'crm', case when ?1 = 2 then 'pending' else 'dead' end, '{}', 1, ?2)",
    ],
    ["audit", "audit", "occurred_at", "insert into audit values (?1, ?2, 'key', 'read', null, null)"],
    [
      "machine_clicks",
      "campaign_click",
      "clicked_at",
      "insert into campaign_click (click_id, campaign_id, link_id, clicked_at, via, verdict) values (?1, 1, 'x', ?2, 'redirect', case when ?1 = 2 then 'human' else 'machine' end)",
    ],
    [
      "rejected",
      "rejected_event",
      "rejected_at",
      "insert into rejected_event values (?1, ?2, 'invalid', null, '', '')",
    ],
  ];
  test.each(tables)("%s", (swept, table, column, insert) => {
    using folder = temporaryFolder();
    const { database, close } = openDatabase(folder.path, "normal");
    // The fourth was written by a clock that ran ahead.
    for (const [index, ageDays] of [9, 8, 7, -9, 6, 3].entries()) {
      database.query(insert).run(index + 1, NOON_MS - ageDays * DAY_MS);
    }
    const retainer = createRetainer({
      store: createRetainStore(database),
      retain: () => ({ ...NOTHING, [swept]: "5d" }),
      now: () => NOON_MS,
      isIdle: () => true,
      checkpoint: () => Promise.resolve(false),
      onFault: (error) => {
        throw error;
      },
    });
    while (retainer.step());
    const left = database
      .query<{ age: number }, []>(`select (${NOON_MS} - ${column}) / ${DAY_MS} as age from ${table} order by 1`)
      .all();
    const kept = swept === "deliveries" || swept === "machine_clicks" ? [-9, 3, 8] : [-9, 3];
    expect(left.map(({ age }) => age)).toEqual(kept);
    close();
  });
});

test("a step is short and small, whatever there is to do, and space is given back in the end", () => {
  using folder = temporaryFolder();
  const { database, close } = openDatabase(folder.path, "normal");
  const insert = database.query("insert into rejected_event values (null, ?, 'invalid', null, '', ?)");
  database.transaction(() => {
    for (let row = 0; row < 20_000; row += 1) insert.run(NOON_MS - 9 * DAY_MS, "x".repeat(1_000));
  })();
  database.run("pragma wal_checkpoint(truncate)");
  const size = () => statSync(join(folder.path, "do-intent.db")).size;
  const full = size();
  const store = createRetainStore(database);
  const steps: number[] = [];
  let afterId: number | null = 0;
  while (afterId !== null) {
    const step = store.sweep({ swept: "rejected", afterId, beforeMs: NOON_MS, nowMs: NOON_MS, budgetMs: 1 });
    steps.push(step.deleted);
    ({ afterId } = step);
  }
  expect(steps.reduce((sum, deleted) => sum + deleted, 0)).toBe(20_000);
  expect(Math.max(...steps)).toBeLessThanOrEqual(48);
  while (store.shrink(1));
  database.run("pragma wal_checkpoint(truncate)");
  expect(size()).toBeLessThan(full / 10);
  close();
});

test("a file from before gives nothing back by itself until it is compacted", () => {
  using folder = temporaryFolder();
  const { database, close } = openDatabase(folder.path, "normal");
  database.run("pragma auto_vacuum = none");
  database.run("vacuum");
  expect(createRetainStore(database).shrink(1)).toBe(false);
  compact(database);
  expect(database.query("pragma auto_vacuum").get()).toEqual({ auto_vacuum: 2 });
  close();
});

test("while there is always something to write, a step waits, but not for ever", async () => {
  let steps = 0;
  let looks = 0;
  const retainer = createRetainer({
    store: {
      sweep: () => {
        steps += 1;
        return { deleted: 1, afterId: steps < 3 ? 1 : null };
      },
      shrink: () => false,
      changes: () => 0,
    },
    retain: () => ({ ...NOTHING, audit: "1d" }),
    now: () => NOON_MS,
    isIdle: () => {
      looks += 1;
      return false;
    },
    checkpoint: () => Promise.resolve(false),
    onFault: () => undefined,
  });
  retainer.start();
  await eventually(() => steps === 3, "the sweep");
  retainer.stop();
  expect(looks).toBeGreaterThanOrEqual(30);
});

describe("the first write after the log was brought into the file waits for the disk", () => {
  /** Steps that end, and with each a checkpoint; `written` is what an event has written meanwhile. */
  const open = (isWhole: boolean) => {
    const seen = { steps: 0, written: 0, stepped: [] as number[] };
    const retainer = createRetainer({
      store: {
        sweep: () => {
          seen.steps += 1;
          seen.stepped.push(performance.now());
          return { deleted: 1, afterId: seen.steps < 130 ? 1 : null };
        },
        shrink: () => false,
        changes: () => seen.written,
      },
      retain: () => ({ ...NOTHING, audit: "1d" }),
      now: () => NOON_MS,
      isIdle: () => true,
      checkpoint: () => Promise.resolve(isWhole),
      onFault: () => undefined,
    });
    retainer.start();
    return { ...retainer, seen };
  };
  const longestRest = ({ stepped }: { stepped: number[] }) =>
    Math.max(...stepped.slice(1).map((atMs, index) => atMs - (stepped[index] ?? 0)));

  test("a sweep leaves it to the next event", async () => {
    const { seen, stop } = open(true);
    await eventually(() => seen.steps === 64, "the first checkpoint");
    const stepsThen = seen.steps;
    await eventually(() => performance.now() - (seen.stepped.at(-1) ?? 0) > 150, "a rest");
    expect(seen.steps).toBe(stepsThen);
    seen.written += 1;
    await eventually(() => seen.steps > stepsThen, "the sweep to go on");
    expect(performance.now() - (seen.stepped[stepsThen - 1] ?? 0)).toBeLessThan(450);
    stop();
  });

  test("where none comes it does so itself; where part of the log is in use there is nothing to wait for", async () => {
    const idle = open(true);
    const used = open(false);
    await eventually(() => idle.seen.steps === 130 && used.seen.steps === 130, "both sweeps");
    idle.stop();
    used.stop();
    expect(longestRest(idle.seen)).toBeGreaterThan(450);
    expect(longestRest(used.seen)).toBeLessThan(400);
  });
});
