import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { measureBesideLongWork } from "./beside.ts";
import { measureDelivery } from "./delivery.ts";
import { describe, type LoadResult, load, median } from "./load.ts";
import { measurePersonalize } from "./personalize.ts";
import { createVisitors, pageView, type Visitor, visitorAt } from "./traffic.ts";

/** Usage: bun run bench [EVENTS_STORED]. Prints ratios of one run; absolute figures depend on the machine of the day. */
const EVENTS_STORED = Number(process.argv[2] ?? 5_000_000);
const SECRET_KEY = "sk_bench_0123456789abcdef";
const VISITORS = 10_000;
const ROUNDS = 5;
const SINGLE_REQUESTS = 40_000;
const BATCH_EVENTS = 100;
const BATCH_REQUESTS = 600;
const BATCH_CONNECTIONS = 8;
const FILL_BATCH_EVENTS = 500;
const MERGES = 50;
const MERGE_EVENTS = 10_000;

type Server = { process: Subprocess<"ignore", "pipe", "inherit">; port: number };

async function start(command: string[]): Promise<Server> {
  const server = Bun.spawn(command, {
    stdout: "pipe",
    stderr: "inherit",
    stdin: "ignore",
    env: { ...process.env, DO_INTENT_SECRET_KEY: SECRET_KEY },
  });
  const reader = server.stdout.getReader();
  let text = "";
  while (!/listens on \S*?\d+\s/.test(text)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`it ended before it listened: ${text}`);
    text += new TextDecoder().decode(value);
  }
  // Whoever does not read the rest stops the server at its next line.
  void (async () => {
    while (!(await reader.read()).done);
  })();
  return { process: server, port: Number(/listens on (?:http:\/\/[^:\s]+:)?(\d+)/.exec(text)?.[1]) };
}

function startProduct(folder: string, flags: readonly string[] = []): Promise<Server> {
  const executable = join(import.meta.dirname, "../../dist/do-intent");
  const fixed = ["--data", folder, "--port", "0", "--host", "127.0.0.1", "--log", "json"];
  return start([executable, "serve", ...fixed, ...flags]);
}

async function stop({ process }: Server): Promise<void> {
  process.kill("SIGTERM");
  await process.exited;
}

function singles(
  port: number,
  visitors: readonly Visitor[],
  connections: number,
  requests: number,
): Promise<LoadResult> {
  const bodyOf = (index: number) => JSON.stringify(pageView(visitorAt(visitors, index), index));
  return load({ port, path: "/track", connections, requests, bodyOf });
}

/** A batch is what one visitor's tracker sends. */
function batches(
  port: number,
  visitors: readonly Visitor[],
  size: number,
  requests: number,
  connections: number,
): Promise<LoadResult> {
  const bodyOf = (request: number) => {
    const visitor = visitorAt(visitors, request);
    const events = Array.from({ length: size }, (_, index) => pageView(visitor, index));
    return JSON.stringify({ events, sent_at: Date.now() });
  };
  return load({ port, path: "/track", connections, requests, bodyOf });
}

function print(name: string, text: string): void {
  console.log(`${name.padEnd(44)} ${text}`);
}

/** Pairs, one after the other, so that a machine that slows down slows both. */
async function compareWithEmptyRoute(
  product: Server,
  empty: Server,
  visitors: readonly Visitor[],
): Promise<LoadResult> {
  const pairs: { ours: LoadResult; theirs: LoadResult }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const theirs = await singles(empty.port, visitors, 64, SINGLE_REQUESTS);
    const ours = await singles(product.port, visitors, 64, SINGLE_REQUESTS);
    pairs.push({ ours, theirs });
  }
  const best = (side: "ours" | "theirs") =>
    pairs.map((pair) => pair[side]).sort((a, b) => b.perSecond - a.perSecond)[ROUNDS >> 1];
  const ours = best("ours");
  const theirs = best("theirs");
  if (ours === undefined || theirs === undefined) throw new Error("no round was run");
  print("empty route, 64 connections", describe(theirs));
  print("POST /track, 64 connections", describe(ours));
  const ratio = median(pairs.map((pair) => pair.ours.perSecond / pair.theirs.perSecond));
  print("  of the empty route (median of pairs)", `${(ratio * 100).toFixed(0)} %   aim 50 %`);
  return ours;
}

async function fill(product: Server, visitors: readonly Visitor[], events: number): Promise<void> {
  const requests = Math.ceil(events / FILL_BATCH_EVENTS);
  const slice = 500;
  for (let done = 0; done < requests; done += slice) {
    await batches(
      product.port,
      visitors.slice(done % visitors.length),
      FILL_BATCH_EVENTS,
      Math.min(slice, requests - done),
      4,
    );
  }
}

/** A visitor with a long past says who they are, and somebody known by that address is already there. */
async function measureMerges({ port }: Server): Promise<void> {
  const headers = { authorization: `Bearer ${SECRET_KEY}` };
  const identify = async (body: object) => {
    const sentAt = performance.now();
    const response = await fetch(`http://127.0.0.1:${port}/identify`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { merged?: boolean };
    return { elapsedMs: performance.now() - sentAt, merged: answer.merged };
  };
  const elapsed = { long: [] as number[], short: [] as number[] };
  for (const [kind, events] of [
    ["short", 1],
    ["long", MERGE_EVENTS],
  ] as const) {
    const visitors = createVisitors(MERGES);
    for (const visitor of visitors)
      await batches(port, [visitor], Math.min(events, FILL_BATCH_EVENTS), Math.ceil(events / FILL_BATCH_EVENTS), 1);
    for (const [index, visitor] of visitors.entries()) {
      const email = `${kind}${index}@example.com`;
      await identify({ identity: { email } });
      const { elapsedMs, merged } = await identify({ anonymous_id: visitor.anonymousId, identity: { email } });
      if (merged !== true) throw new Error("this was to be a merge");
      elapsed[kind].push(elapsedMs);
    }
  }
  print("merge of a visitor with 1 event", `p50 ${median(elapsed.short).toFixed(2)} ms, request to answer`);
  print(`merge of a visitor with ${MERGE_EVENTS} events`, `p50 ${median(elapsed.long).toFixed(2)} ms   aim 2 ms`);
  print("  ratio", (median(elapsed.long) / median(elapsed.short)).toFixed(2));
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "do-intent-bench-"));
  const visitors = createVisitors(VISITORS);
  const empty = await start(["bun", join(import.meta.dirname, "empty-route.ts")]);
  const product = await startProduct(folder);
  try {
    const first = await compareWithEmptyRoute(product, empty, visitors);
    print("POST /track, 1 connection", describe(await singles(product.port, visitors, 1, 5_000)));
    const batch = await batches(product.port, visitors, BATCH_EVENTS, BATCH_REQUESTS, BATCH_CONNECTIONS);
    print(
      `batches of ${BATCH_EVENTS}`,
      `${Math.round(batch.perSecond * BATCH_EVENTS)} events/s  ${describe(batch)}   aim 60000 events/s`,
    );
    await measureMerges(product);
    await measurePersonalize({ start: startProduct, stop, print });
    await measureDelivery({ start: startProduct, stop, secretKey: SECRET_KEY, print });
    if (EVENTS_STORED > 0) {
      await fill(product, visitors, EVENTS_STORED);
      const megabytes = (await stat(join(folder, "do-intent.db"))).size / 1024 / 1024;
      print("stored now", `${EVENTS_STORED} events more, ${megabytes.toFixed(0)} MB`);
      await measureBesideLongWork({ port: product.port, folder, secretKey: SECRET_KEY, visitors, print });
      const later = await compareWithEmptyRoute(product, empty, visitors);
      print(
        "  of its own rate on the empty database",
        `${((later.perSecond / first.perSecond) * 100).toFixed(0)} %   aim 90 %`,
      );
    }
  } finally {
    await Promise.all([stop(product), stop(empty)]);
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
