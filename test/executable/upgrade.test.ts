import { Database } from "bun:sqlite";
import { beforeAll, expect, test } from "bun:test";
import { copyFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { MIGRATIONS } from "../../src/store/sqlite/migrations.ts";
import { writeOlderFolder } from "../store/older-schema.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { buildExecutable, EXECUTABLE, startServer } from "./executable.ts";

const SENDERS = 8;
const STEP_EVENTS = 300;
const BUILD_MAX_MS = 180_000;
const TEST_MAX_MS = 60_000;

/** Senders that keep an event until it is taken, as the tracker does. */
function startSenders(url: string) {
  const acknowledged = new Set<string>();
  const refusals: string[] = [];
  let isStopped = false;
  const send = async (sender: number): Promise<void> => {
    for (let count = 0; !isStopped; count += 1) {
      const event_id = `${sender}-${count}`;
      const body = JSON.stringify({ event: "page_view", event_id, anonymous_id: `visitor-${sender}`, url: "/" });
      while (!(await isTaken(body))) await Bun.sleep(1);
      acknowledged.add(event_id);
    }
  };
  const isTaken = async (body: string): Promise<boolean> => {
    const response = await fetch(`${url}/track`, { method: "POST", body }).catch(() => null);
    if (response !== null && !response.ok) refusals.push(`${response.status} ${await response.text()}`);
    else await response?.arrayBuffer();
    return response?.ok === true;
  };
  const done = Promise.all(Array.from({ length: SENDERS }, (_, sender) => send(sender)));
  return {
    acknowledged,
    refusals,
    stop: async (): Promise<void> => {
      isStopped = true;
      await done;
    },
  };
}

beforeAll(buildExecutable, BUILD_MAX_MS);

/** Puts the folder into the form in which a version before left it, with all that is stored. */
function makeOlder(data: string, count: number): void {
  const today = `${data}.today`;
  renameSync(data, today);
  writeOlderFolder(data, today, count);
  rmSync(today, { recursive: true });
}

const migrations = MIGRATIONS.map(({ tag }) => tag);
const forms: [of: string, from: number][] = [
  ["of the same schema", migrations.length],
  ["of the schema before", migrations.length - 1],
  ["of the oldest schema", 1],
];

test.each(forms)(
  "replacing the file and restarting, on a folder %s, loses nothing and counts nothing twice, under load",
  async (_, from) => {
    using folder = temporaryFolder();
    const data = join(folder.path, "data");
    const program = join(folder.path, "do-intent");
    copyFileSync(EXECUTABLE, program);
    const before = await startServer(folder.path, [], {}, program);
    const senders = startSenders(before.url);
    await eventually(() => senders.acknowledged.size >= STEP_EVENTS, "events before");
    // What `install` does: the running program keeps the file it was started from.
    copyFileSync(EXECUTABLE, `${program}.new`);
    renameSync(`${program}.new`, program);
    const taken = senders.acknowledged.size;
    expect(await before.end("SIGTERM")).toBe(0);
    const left = storedIds(join(data, "do-intent.db"));
    // What goes before is this version as well; so its folder is made an older one's while nobody serves it.
    if (from < migrations.length) makeOlder(data, from);
    await using after = await startServer(folder.path, ["--port", new URL(before.url).port], {}, program);
    await eventually(() => senders.acknowledged.size >= taken + STEP_EVENTS, "events after");
    await senders.stop();
    expect(senders.refusals).toEqual([]);
    expect(await after.end("SIGTERM")).toBe(0);
    const stored = storedIds(join(data, "do-intent.db"));
    expect(stored).toEqual([...senders.acknowledged].sort());
    expect(countedIn(join(data, "do-intent.db"))).toBe(stored.length);
    const backups = readdirSync(data).filter((name) => name.startsWith("do-intent.before-"));
    expect(backups).toEqual(from < migrations.length ? [`do-intent.before-${migrations[from]}.db`] : []);
    for (const name of backups) {
      expect(after.output()).toContain(name);
      expect(storedIds(join(data, name))).toEqual(left);
    }
  },
  TEST_MAX_MS,
);

function storedIds(file: string): string[] {
  using database = new Database(file, { readonly: true, strict: true });
  const rows = database.query<{ event_id: string }, []>("select event_id from event").all();
  return rows.map(({ event_id }) => event_id).sort();
}

/** How many events the visits say that they count. */
function countedIn(file: string): number | undefined {
  using database = new Database(file, { readonly: true, strict: true });
  return database.query<{ count: number }, []>("select sum(event_count) as count from session").get()?.count;
}
