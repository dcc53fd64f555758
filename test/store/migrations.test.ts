import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../src/core/error.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { MIGRATIONS } from "../../src/store/sqlite/migrations.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startInstance, type TestInstance } from "../support/instance.ts";
import { canMount, mountSmallDisk } from "../support/mount.ts";
import { changedSince, type Rows, rowsOf, writeOlderFolder } from "./older-schema.ts";
import { ERASED, INTENT, liveThroughAll } from "./whole-life.ts";

const OLDER = MIGRATIONS.slice(1).map(({ tag }, index) => [tag, index + 1] as const);

/** By the first migration without which they cannot be answered as today. */
const QUESTIONS: readonly [question: string, since: string][] = [
  ["/people/ada@acme.com/explain", "0000_foundation"],
  ["/people/bob@acme.com/explain", "0000_foundation"],
  ["/people/visitor-3/explain", "0000_foundation"],
  ["/people/visitor-2/events", "0000_foundation"],
  ["/people/visitor-5/events", "0000_foundation"],
  ["/accounts/acme.com", "0000_foundation"],
  ["/merges", "0000_foundation"],
  // What was answered, and for whose words.
  ["/reviews", "0006_campaigns_and_trust"],
  ["/campaigns/spring", "0011_lead_positions"],
  ["/campaigns/spring/leads", "0011_lead_positions"],
  ["/campaigns/spring/export.csv", "0011_lead_positions"],
];

/** What is told of people, their points, their companies and campaigns, by the question. */
async function told(house: TestInstance, count: number): Promise<{ [question: string]: unknown }> {
  const answers: { [question: string]: unknown } = {};
  const known = MIGRATIONS.slice(0, count).map(({ tag }) => tag);
  for (const [question, since] of QUESTIONS.filter(([, tag]) => known.includes(tag))) {
    const { status, body, text } = await house.getSecret(question);
    expect({ question, status }).toEqual({ question, status: 200 });
    answers[question] = body ?? text;
    expect({ since, text: text.length > 20 }).toEqual({ since, text: true });
  }
  const { body } = await house.getSecret<{ signals: { signal_id: string; deliveries: unknown }[] }>("/signals");
  expect(body.signals.length).toBeGreaterThan(2);
  return { ...answers, "/signals": body.signals.map(({ deliveries: _, ...signal }) => signal) };
}

/** Without what the server writes by itself, and without what a migration gave another form. */
function comparable(rows: Rows, like: Rows, count: number): Rows {
  const changed = changedSince(count);
  // Before destinations could be paused, what waits is sent meanwhile.
  const written = "destination" in like ? ["audit"] : ["audit", "delivery"];
  return Object.fromEntries(
    Object.entries(like)
      .filter(([table]) => !written.includes(table))
      .map(([table, [first]]) => {
        const isKept = (column: string): boolean => column in (first ?? {}) && !(`${table}.${column}` in changed);
        const keep = (row: Rows[string][number]) =>
          Object.fromEntries(Object.entries(row).filter(([key]) => isKept(key)));
        return [table, (rows[table] ?? []).map(keep)];
      }),
  );
}

describe("a folder that an older version wrote, with data", () => {
  const today = temporaryFolder();
  let expected: { [question: string]: unknown } = {};
  beforeAll(async () => {
    await using house = startInstance({ dataFolder: today.path, intent: INTENT });
    await liveThroughAll(house);
    expected = await told(house, MIGRATIONS.length);
  });
  afterAll(() => today[Symbol.dispose]());

  test("has rows in every table of today's", () => {
    using database = new Database(join(today.path, "do-intent.db"), { readonly: true, strict: true });
    const tables = database
      .query<{ name: string }, []>("select name from sqlite_schema where type = 'table' and name not like 'sqlite%'")
      .all();
    const empty = tables.filter(({ name }) => database.query(`select 1 from ${name} limit 1`).get() === null);
    expect(empty).toEqual([]);
    expect(tables.length).toBeGreaterThan(20);
  });

  test.each(OLDER)(
    "before %s: every row survives, every score is the same, and the file is kept as it was",
    async (tag, count) => {
      using folder = temporaryFolder();
      const before = writeOlderFolder(folder.path, today.path, count);
      expect(before.event?.length).toBeGreaterThan(5);
      const file = join(folder.path, "do-intent.db");
      const backup = join(folder.path, `do-intent.before-${tag}.db`);
      {
        await using house = startInstance({ dataFolder: folder.path, intent: INTENT });
        expect(house.logged.join()).toContain(`do-intent.before-${tag}.db`);
        const answers = await told(house, count);
        expect(answers).toEqual(Object.fromEntries(Object.keys(answers).map((key) => [key, expected[key]])));
        using migrated = new Database(file, { readonly: true, strict: true });
        expect(comparable(rowsOf(migrated), before, count)).toEqual(comparable(before, before, count));
        const event = { event: "something_else", anonymous_id: "visitor-1", session_id: "s" };
        expect((await house.post("/track", event)).status).toBe(200);
        const again = await house.postSecret("/identify", { identity: { email: ERASED } });
        expect("suppressed" in again.body).toBe("suppression" in before);
      }
      using kept = new Database(backup, { readonly: true, strict: true });
      expect(rowsOf(kept)).toEqual(before);
      expect(kept.query("select count(*) as count from migration").get()).toEqual({ count });
    },
  );
});

describe("the copy from before a migration", () => {
  const [oldest = "", second = "", third = ""] = MIGRATIONS.map(({ tag }) => tag).slice(-3);
  const count = MIGRATIONS.length - 1;

  function olderFolder(path: string): void {
    const database = new Database(join(path, "do-intent.db"), { create: true, readwrite: true, strict: true });
    database.run("create table migration (tag text primary key, applied_at integer not null) strict");
    for (const { tag, statements } of MIGRATIONS.slice(0, count)) {
      for (const statement of statements) database.run(statement);
      database.query("insert into migration (tag, applied_at) values (?, 1)").run(tag);
    }
    database.close();
  }

  test("is none for a new folder, and none where there is nothing to change", () => {
    using folder = temporaryFolder();
    for (const _ of ["new", "known"]) {
      const { backup, close } = openDatabase(folder.path, "normal");
      expect(backup).toBeNull();
      close();
    }
    expect(readdirSync(folder.path).filter((name) => name.includes("before"))).toEqual([]);
  });

  test("the latest two are kept; what an attempt left that was cut off is replaced", () => {
    using folder = temporaryFolder();
    olderFolder(folder.path);
    for (const [tag, days] of [
      [oldest, 20],
      [second, 10],
    ] as const) {
      const path = join(folder.path, `do-intent.before-${tag}.db`);
      writeFileSync(path, "a copy");
      utimesSync(path, Date.now() / 1_000 - days * 86_400, Date.now() / 1_000 - days * 86_400);
    }
    writeFileSync(join(folder.path, "do-intent.before.unfinished"), "half a copy");
    openDatabase(folder.path, "normal").close();
    const kept = readdirSync(folder.path).filter((name) => name.includes("before"));
    expect(kept.sort()).toEqual([second, third].map((tag) => `do-intent.before-${tag}.db`).sort());
  });

  test("goes back: put in the file's place, it is what the version before left", () => {
    using folder = temporaryFolder();
    olderFolder(folder.path);
    openDatabase(folder.path, "normal").close();
    const file = join(folder.path, "do-intent.db");
    copyFileSync(join(folder.path, `do-intent.before-${third}.db`), file);
    using restored = new Database(file, { readonly: true, strict: true });
    expect(restored.query("select count(*) as count from migration").get()).toEqual({ count });
    expect(restored.query("pragma integrity_check").values()).toEqual([["ok"]]);
  });

  test("waits for whoever reads the file, and says so rather than leave something out", () => {
    using folder = temporaryFolder();
    olderFolder(folder.path);
    const file = join(folder.path, "do-intent.db");
    const writer = new Database(file, { readwrite: true, strict: true });
    writer.run("pragma journal_mode = wal");
    const reader = new Database(file, { readonly: true, strict: true });
    reader.run("begin");
    reader.query("select count(*) from event").get();
    writer.run("insert into heartbeat (heartbeat_id, beaten_at) values (1, 5)");
    writer.close();
    expect(() => openDatabase(folder.path, "normal")).toThrow(/another program reads the database/);
    reader.close();
    const { backup, close } = openDatabase(folder.path, "normal");
    close();
    using kept = new Database(backup ?? "", { readonly: true, strict: true });
    expect(kept.query("select beaten_at from heartbeat").all()).toEqual([{ beaten_at: 5 }]);
  }, 30_000);

  test.if(canMount)("without room for it the start is refused with what it takes, and nothing is changed", () => {
    using disk = mountSmallDisk(8);
    if (disk === null) throw new Error("it could be mounted a moment ago");
    olderFolder(disk.path);
    const before = readFileSync(join(disk.path, "do-intent.db"));
    let refusal: unknown = null;
    try {
      openDatabase(disk.path, "normal").close();
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(AppError);
    expect(refusal).toMatchObject({
      code: "disk_full",
      message: expect.stringMatching(/takes \d+ MB in the data folder/),
    });
    using after = new Database(join(disk.path, "do-intent.db"), { readonly: true, strict: true });
    expect(after.query("select count(*) as count from migration").get()).toEqual({ count });
    expect(existsSync(join(disk.path, "do-intent.before.unfinished"))).toBe(false);
    expect(before.length).toBeGreaterThan(0);
  });
});
