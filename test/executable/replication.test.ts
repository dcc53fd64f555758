import { Database } from "bun:sqlite";
import { beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { buildExecutable, startServer } from "./executable.ts";
import { startLoad, storedIds } from "./load.ts";

const BATCHES = 20;
const BATCH_EVENTS = 200;
const BUILD_MAX_MS = 180_000;
const TEST_MAX_MS = 60_000;

beforeAll(buildExecutable, BUILD_MAX_MS);

/**
 * What Litestream does, by its own description: it holds a read transaction so that no checkpoint starts the log anew
 * before it was copied, and it copies the database once and the log's frames as they come.
 * https://litestream.io/how-it-works/
 */
test(
  "a replicator that holds the log gets all that was acknowledged, stops nothing, and is not stopped by the end",
  async () => {
    using folder = temporaryFolder();
    await using server = await startServer(folder.path);
    const data = join(folder.path, "data");
    const replicator = new Database(join(data, "do-intent.db"), { readwrite: true, strict: true });
    expect(replicator.query<{ journal_mode: string }, []>("pragma journal_mode").get()).toEqual({
      journal_mode: "wal",
    });
    replicator.run("begin");
    replicator.query("select count(*) from event").get();
    const replica = join(folder.path, "replica", "data");
    mkdirSync(replica, { recursive: true });
    copyFileSync(join(data, "do-intent.db"), join(replica, "do-intent.db"));
    for (let batch = 0; batch < BATCHES; batch += 1) {
      const events = Array.from({ length: BATCH_EVENTS }, (_, index) => ({
        event: "page_view",
        event_id: `${batch}-${index}`,
        anonymous_id: `visitor-${index}`,
        url: "/pricing",
      }));
      const response = await fetch(`${server.url}/track`, { method: "POST", body: JSON.stringify(events) });
      expect(response.status).toBe(200);
    }
    expect(statSync(join(data, "do-intent.db-wal")).size).toBeGreaterThan(1_000_000);
    copyFileSync(join(data, "do-intent.db-wal"), join(replica, "do-intent.db-wal"));
    expect(await server.end("SIGTERM")).toBe(0);
    replicator.close();
    await using restored = await startServer(join(folder.path, "replica"));
    expect(await restored.end("SIGTERM")).toBe(0);
    const database = new Database(join(replica, "do-intent.db"), { readonly: true });
    const { count } = database.query<{ count: number }, []>("select count(*) as count from event").get() ?? {
      count: 0,
    };
    database.close();
    expect(count).toBe(BATCHES * BATCH_EVENTS);
  },
  TEST_MAX_MS,
);

/** What it does in our file, statement by statement (db.go of Litestream), in all modes that one of its versions had. */
const MODES = ["passive", "restart", "truncate"];
const ROUNDS = 30;

test(
  "a replicator's checkpoints, tables and locks under load refuse nobody, and nothing is lost by them",
  async () => {
    using folder = temporaryFolder();
    await using server = await startServer(folder.path);
    const path = join(folder.path, "data", "do-intent.db");
    const replicator = new Database(path, { readwrite: true, strict: true });
    const reader = new Database(path, { readwrite: true, strict: true });
    replicator.run("pragma busy_timeout = 1000");
    replicator.run("pragma wal_autocheckpoint = 0");
    replicator.run("create table if not exists _litestream_seq (id integer primary key, seq integer)");
    replicator.run("create table if not exists _litestream_lock (id integer)");
    const holdLog = (): void => {
      reader.run("begin");
      reader.query("select count(1) from _litestream_seq").get();
    };
    holdLog();
    const load = startLoad(server.url, "first", { workers: 4, isKeptAlive: true, isIdentifying: true });
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = load.acknowledged();
      await eventually(() => load.acknowledged() > before + 20, "events between two checkpoints");
      reader.run("rollback");
      replicator.run(`pragma wal_checkpoint(${MODES[round % MODES.length]})`);
      holdLog();
      replicator.run("insert into _litestream_seq values (1, 1) on conflict (id) do update set seq = seq + 1");
      replicator.run("begin");
      replicator.run("insert into _litestream_lock values (1)");
      // What it copies meanwhile; whoever writes waits.
      copyFileSync(`${path}-wal`, join(folder.path, "copied-wal"));
      replicator.run("rollback");
    }
    server.signal("SIGKILL");
    await load.done;
    expect(load.refusals).toEqual([]);
    reader.close();
    replicator.close();
    await using again = await startServer(folder.path);
    expect(await again.end("SIGTERM")).toBe(0);
    using database = new Database(path, { readonly: true, strict: true });
    expect(database.query("pragma integrity_check").values()).toEqual([["ok"]]);
    const stored = storedIds(database);
    const lost = [...load.fates].filter(([id, fate]) => fate !== "unknown" && !stored.has(id));
    expect(lost).toEqual([]);
    expect(database.query("select seq from _litestream_seq").values()).toEqual([[ROUNDS]]);
  },
  TEST_MAX_MS,
);
