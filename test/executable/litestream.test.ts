import { Database } from "bun:sqlite";
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { blocksOf } from "../readme/markdown.ts";
import { eventually } from "../support/eventually.ts";
import { filesWith } from "../support/everything.ts";
import { temporaryFolder } from "../support/folder.ts";
import { hasLitestream, type Litestream, startLitestream } from "../support/litestream.ts";
import { buildExecutable, run, type Server, startServer } from "./executable.ts";
import { storedIds } from "./load.ts";

setDefaultTimeout(120_000);
beforeAll(buildExecutable, 180_000);

const readme = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");
const yaml = blocksOf(readme).find(({ words }) => words.includes("litestream.yml"))?.text ?? "";
const SECRET_KEY = "sk_0123456789abcdef0123456789abcdef";
const BATCH_EVENTS = 200;
/** So many in the log are what Litestream checkpoints. */
const CHECKPOINTED_PAGES = 1_000;
const ADA = "ada.lovelace@acme.example";

async function startBoth(folder: string): Promise<{ server: Server; litestream: Litestream }> {
  const server = await startServer(folder, [], { DO_INTENT_SECRET_KEY: SECRET_KEY });
  const copy = join(folder, "copy", "replica");
  mkdirSync(copy, { recursive: true });
  return { server, litestream: await startLitestream(yaml, join(folder, "data", "do-intent.db"), copy) };
}

/** The copy, once it has what is looked for: it is some tenths of a second behind. */
async function restoredWhen(
  folder: string,
  litestream: Litestream,
  isThere: (copy: Database) => boolean,
): Promise<string> {
  const restored = join(folder, "restored");
  const place = join(restored, "data", "do-intent.db");
  const look = (): boolean => {
    rmSync(restored, { recursive: true, force: true });
    mkdirSync(join(restored, "data"), { recursive: true });
    litestream.restore(place);
    using copy = new Database(place, { readonly: true, strict: true });
    return isThere(copy);
  };
  await eventually(look, "the copy to have it");
  return restored;
}

/** It writes into a table of its own, in our file, after each checkpoint. */
function checkpointsOf(folder: string): number {
  using database = new Database(join(folder, "data", "do-intent.db"), { readonly: true, strict: true });
  return database.query<{ seq: number }, []>("select max(seq) as seq from _litestream_seq").get()?.seq ?? 0;
}

/** How many pages stand in the log, as its index says: the file itself stays as long as it ever was. */
function logPages(folder: string): number {
  return readFileSync(join(folder, "data", "do-intent.db-shm")).readUInt32LE(16);
}

function post({ url }: Server, path: string, body: object): Promise<Response> {
  const headers = { authorization: `Bearer ${SECRET_KEY}` };
  return fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
}

const knows = (copy: Database, email: string): boolean =>
  copy.query("select 1 from identity where value = ?").get(email) !== null;

describe.skipIf(!hasLitestream)("beside Litestream itself", () => {
  test("through its checkpoints and after kill -9 its copy has all that was acknowledged", async () => {
    using folder = temporaryFolder();
    const { server, litestream } = await startBoth(folder.path);
    await using _ = litestream;
    const acknowledged: string[] = [];
    const sendBatch = async (): Promise<void> => {
      const from = acknowledged.length;
      const events = Array.from({ length: BATCH_EVENTS }, (__, index) => ({
        event: "page_view",
        event_id: `event-${from + index}`,
        anonymous_id: `visitor-${(from + index) % 5_000}`,
        url: "/pricing",
      }));
      const response = await post(server, "/track", events);
      expect([response.status, await response.json()]).toMatchObject([200, { accepted: BATCH_EVENTS }]);
      acknowledged.push(...events.map(({ event_id }) => event_id));
    };
    for (let checkpoints = 0; checkpoints < 3; checkpoints += 1) {
      const before = checkpointsOf(folder.path);
      // While it checkpoints nothing is sent: under a load that leaves no rest it loses pages now and then by itself.
      while (checkpointsOf(folder.path) === before) {
        if (logPages(folder.path) < CHECKPOINTED_PAGES) await sendBatch();
        else await eventually(() => checkpointsOf(folder.path) > before, "its checkpoint");
      }
    }
    await sendBatch();
    expect(await server.end("SIGKILL")).toBeNull();
    const restored = await restoredWhen(folder.path, litestream, (copy) => {
      const stored = storedIds(copy);
      return acknowledged.every((id) => stored.has(id));
    });
    await litestream.stop();
    // With tables in it that are not ours it is a database of ours all the same.
    await using again = await startServer(restored);
    expect((await post(again, "/track", { event: "page_view", anonymous_id: "late" })).status).toBe(200);
    expect(await again.end("SIGTERM")).toBe(0);
    using copy = new Database(join(restored, "data", "do-intent.db"), { readonly: true, strict: true });
    expect(copy.query("pragma integrity_check").values()).toEqual([["ok"]]);
  });

  test("all else goes on: doctor, backup, restore, an erasure, a stop and a start", async () => {
    using folder = temporaryFolder();
    const first = await startBoth(folder.path);
    const { litestream } = first;
    await using _ = litestream;
    let { server } = first;
    const person = { anonymous_id: "laptop", identity: { email: ADA, name: "Ada" } };
    expect((await post(server, "/identify", person)).status).toBe(200);
    for (let index = 0; index < 200; index += 1)
      expect((await post(server, "/track", { event: "page_view", anonymous_id: `v-${index}`, url: "/" })).status).toBe(
        200,
      );
    await restoredWhen(folder.path, litestream, (copy) => knows(copy, ADA));

    const examined = await run(folder.path, ["doctor", "--data", "data", "--full"]);
    expect([examined.code, examined.out.match(/^fail.*$/m)]).toEqual([0, null]);
    const backup = await run(folder.path, ["backup", "monday.db.gz", "--data", "data"]);
    expect([backup.code, backup.err]).toEqual([0, ""]);
    const taken = await run(folder.path, ["restore", "monday.db.gz", "--data", "elsewhere"]);
    expect([taken.code, taken.err]).toEqual([0, ""]);

    const headers = { authorization: `Bearer ${SECRET_KEY}` };
    const erased = await fetch(`${server.url}/people?email=${ADA}`, { method: "DELETE", headers });
    expect(erased.status).toBe(200);
    const restored = await restoredWhen(folder.path, litestream, (copy) => !knows(copy, ADA));
    expect(filesWith(restored, ADA)).toEqual([]);

    expect(await server.end("SIGTERM")).toBe(0);
    server = await startServer(folder.path, [], { DO_INTENT_SECRET_KEY: SECRET_KEY });
    expect((await post(server, "/track", { event: "page_view", event_id: "after", anonymous_id: "v-1" })).status).toBe(
      200,
    );
    await restoredWhen(folder.path, litestream, (copy) => storedIds(copy).has("after"));
    await litestream.stop();
    expect(await server.end("SIGTERM")).toBe(0);
    // With both of them stopped nothing of hers is left in our files; what Litestream keeps is its own.
    const traces = filesWith(join(folder.path, "data"), ADA).filter((path) => !path.includes("-litestream/"));
    expect(traces).toEqual([]);
  });
});
