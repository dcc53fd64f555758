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
import { rowsOf, writeOlderFolder } from "./older-schema.ts";

/** Companies cross nothing here: the oldest versions knew no such signals. */
const INTENT = { destinations: [{ type: "log", name: "stdout" }], accounts: { thresholds: { burning: 100 } } };
const OLDER = MIGRATIONS.slice(1).map(({ tag }, index) => [tag, index + 1] as const);

/** A little of everything that is stored: visitors, merges, a switch, accounts, signals, deliveries, refusals. */
async function tell(house: TestInstance): Promise<void> {
  for (const [visitor, url] of [
    ["visitor-1", "/pricing?utm_source=google&utm_medium=cpc"],
    ["visitor-1", "/demo"],
    ["visitor-2", "/pricing"],
    ["visitor-3", "/blog/one"],
  ] as const) {
    const event = { event: "page_view", anonymous_id: visitor, session_id: "s", url };
    expect((await house.post("/track", event)).status).toBe(200);
  }
  const form = { event: "form_submit", anonymous_id: "visitor-1", url: "/demo", metadata: { form: "contact" } };
  await house.post("/track", form);
  await house.post("/track", { event: "", anonymous_id: "visitor-1" });
  for (const [anonymous_id, email] of [
    ["visitor-1", "ada@acme.com"],
    ["visitor-2", "ada@acme.com"],
    ["visitor-3", "bob@acme.com"],
    ["visitor-3", "eve@gmail.com"],
  ]) {
    const identity = { email, name: "somebody" };
    expect((await house.postSecret("/identify", { anonymous_id, identity })).status).toBe(200);
  }
}

const QUESTIONS = [
  "/people/ada@acme.com/explain",
  "/people/bob@acme.com/explain",
  "/people/visitor-3/explain",
  "/people/visitor-2/events",
  "/accounts/acme.com",
];

/** What is told of people, their points and their companies. */
async function told(house: TestInstance): Promise<unknown[]> {
  const answers = [];
  for (const question of QUESTIONS) {
    const { status, body } = await house.getSecret(question);
    expect({ question, status }).toEqual({ question, status: 200 });
    answers.push(body);
  }
  const { body } = await house.getSecret<{ signals: { signal_id: string; deliveries: unknown }[] }>("/signals");
  expect(body.signals.length).toBeGreaterThan(2);
  // They are sent meanwhile.
  return [...answers, body.signals.map(({ deliveries: _, ...signal }) => signal)];
}

describe("a folder that an older version wrote, with data", () => {
  const today = temporaryFolder();
  let expected: unknown[] = [];
  beforeAll(async () => {
    await using house = startInstance({ dataFolder: today.path, intent: INTENT });
    await tell(house);
    expected = await told(house);
    const merges = house.rows<{ count: number }>("select count(*) as count from merge");
    expect(merges[0]?.count).toBeGreaterThan(0);
  });
  afterAll(() => today[Symbol.dispose]());

  test.each(OLDER)(
    "before %s: every row survives, every score is the same, and the file is kept as it was",
    async (tag, count) => {
      using folder = temporaryFolder();
      const before = writeOlderFolder(folder.path, today.path, count);
      expect(before.event?.length).toBeGreaterThan(5);
      const backup = join(folder.path, `do-intent.before-${tag}.db`);
      {
        await using house = startInstance({ dataFolder: folder.path, intent: INTENT });
        expect(house.logged.join()).toContain(`do-intent.before-${tag}.db`);
        expect(await told(house)).toEqual(expected);
        const event = { event: "something_else", anonymous_id: "visitor-1", session_id: "s" };
        expect((await house.post("/track", event)).status).toBe(200);
      }
      using kept = new Database(backup, { readonly: true, strict: true });
      expect(rowsOf(kept)).toEqual(before);
      expect(kept.query("select count(*) as count from migration").get()).toEqual({ count });
      using migrated = new Database(join(folder.path, "do-intent.db"), { readonly: true, strict: true });
      const after = rowsOf(migrated);
      // Reads are written down in the audit.
      const grown = Object.keys(before).filter((table) => after[table]?.length !== before[table]?.length);
      expect(grown.filter((table) => table !== "audit")).toEqual(["event"]);
      expect(after.signal).toMatchObject(before.signal ?? []);
      expect(after.identity).toMatchObject(before.identity ?? []);
      expect(after.event).toMatchObject([...(before.event ?? []), {}]);
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
