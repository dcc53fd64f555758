import { Database } from "bun:sqlite";
import { beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { buildExecutable, startServer } from "./executable.ts";

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
