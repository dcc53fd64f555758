import { Database } from "bun:sqlite";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { launch } from "./server.ts";

export type WalFigures = {
  walMb: number;
  events: number;
  fillSeconds: number;
  /** From the launch to the first answer after kill -9, and with an empty log for comparison. */
  startMs: number;
  startEmptyMs: number;
  slowestAnswerMs: number;
  walAfterMb: number;
  wrongs: string[];
};

const MB = 1024 * 1024;
const BATCH_EVENTS = 500;
const CLIENTS = 4;
const UNLIMITED = { per_second: 1_000_000, burst: 1_000_000 };

/** A long reader holds the checkpoint back until the log has a size; then kill -9, and a start that has to read it all. */
export async function growWal(megabytes: number, tell: (line: string) => void): Promise<WalFigures> {
  using folder = temporaryFolder();
  const limits = { network: UNLIMITED, key: UNLIMITED, visitor: UNLIMITED };
  writeFileSync(join(folder.path, "intent.json"), JSON.stringify({ limits }));
  const args = ["--durability", "normal", "--config", "intent.json"];
  const file = join(folder.path, "data", "do-intent.db");
  const walBytes = (): number => statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const first = launch(folder.path, args, {});
  const url = await first.url;
  if (url === null) throw new Error(`the server did not start: ${first.output()}`);
  const reader = new Database(file, { readonly: true, strict: true });
  reader.run("begin");
  reader.query("select count(*) from event").get();

  let sent = 0;
  let acknowledged = 0;
  const filledFrom = performance.now();
  const client = async (): Promise<void> => {
    while (walBytes() < megabytes * MB) {
      const from = sent;
      sent += BATCH_EVENTS;
      if (from % 50_000 === 0 && from > 0) tell(`${from} events, ${Math.round(walBytes() / MB)} MB of log`);
      acknowledged += await track(url, from, BATCH_EVENTS);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const fillSeconds = (performance.now() - filledFrom) / 1_000;
  const walMb = Math.round(walBytes() / MB);
  first.kill("SIGKILL");
  await first.ended;

  // Without a reader beside it, so that the start has to find its way through the log alone.
  reader.close();
  const again = await timedStart(folder.path, args);
  const slowestAnswerMs = await slowestOf(again.url, 40);
  again.server.kill("SIGTERM");
  const code = await again.server.ended;
  const empty = await timedStart(folder.path, args);
  empty.server.kill("SIGTERM");
  await empty.server.ended;

  using database = new Database(file, { readonly: true, strict: true });
  const stored = database.query<{ count: number }, []>("select count(*) as count from event").get()?.count ?? 0;
  const wrongs: string[] = [];
  if (stored < acknowledged) wrongs.push(`${acknowledged} events were acknowledged, ${stored} are stored`);
  if (code !== 0) wrongs.push(`the server after it ended with ${code}`);
  if (!Bun.deepEquals(database.query("pragma quick_check").values(), [["ok"]])) wrongs.push("the file is damaged");
  return {
    walMb,
    events: stored,
    fillSeconds: Math.round(fillSeconds),
    startMs: Math.round(again.startMs),
    startEmptyMs: Math.round(empty.startMs),
    slowestAnswerMs: Math.round(slowestAnswerMs),
    walAfterMb: Math.round(walBytes() / MB),
    wrongs,
  };
}

async function timedStart(folder: string, args: readonly string[]) {
  const startedAt = performance.now();
  const server = launch(folder, args, {});
  const url = await server.url;
  if (url === null) throw new Error(`the server did not start: ${server.output()}`);
  await track(url, -1, 1);
  return { server, url, startMs: performance.now() - startedAt };
}

/** Among the first requests is the one that takes the log into the database. */
async function slowestOf(url: string, requests: number): Promise<number> {
  let slowest = 0;
  for (let request = 0; request < requests; request += 1) {
    const sentAt = performance.now();
    await track(url, -request * BATCH_EVENTS - BATCH_EVENTS, 100);
    slowest = Math.max(slowest, performance.now() - sentAt);
  }
  return slowest;
}

async function track(url: string, from: number, count: number): Promise<number> {
  const events = Array.from({ length: count }, (_, index) => ({
    event: "page_view",
    anonymous_id: `visitor-${(from + index) * 7919}`,
    url: "/pricing",
    metadata: { text: "some words that take some room ".repeat(8) },
  }));
  const response = await fetch(`${url}/track`, { method: "POST", body: JSON.stringify(events) });
  const { accepted } = (await response.json()) as { accepted?: number };
  if (accepted !== count) throw new Error(`of ${count} events ${accepted} were accepted (${response.status})`);
  return accepted;
}
