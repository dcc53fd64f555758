import { Database } from "bun:sqlite";
import { beforeAll, expect, test } from "bun:test";
import { copyFileSync, renameSync } from "node:fs";
import { join } from "node:path";
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

test(
  "replacing the file and restarting loses nothing and counts nothing twice, under load",
  async () => {
    using folder = temporaryFolder();
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
    await using after = await startServer(folder.path, ["--port", new URL(before.url).port], {}, program);
    await eventually(() => senders.acknowledged.size >= taken + STEP_EVENTS, "events after");
    await senders.stop();
    expect(senders.refusals).toEqual([]);
    expect(await after.end("SIGTERM")).toBe(0);
    const database = new Database(join(folder.path, "data", "do-intent.db"), { readonly: true });
    const stored = database.query<{ event_id: string }, []>("select event_id from event").all();
    database.close();
    expect(stored.map(({ event_id }) => event_id).sort()).toEqual([...senders.acknowledged].sort());
  },
  TEST_MAX_MS,
);
