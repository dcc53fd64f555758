import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, median } from "./load.ts";
import { createVisitors, pageView, visitorAt } from "./traffic.ts";

const SIGNALS_PER_SECOND = 1_000;
const SUSTAINED_SECONDS = 5;
const LATENCY_SIGNALS = 300;
const LATENCY_PER_SECOND = 100;
const PAIRS = 7;
const PAIR_SECONDS = 3;
const FLOOD_CONNECTIONS = 64;
const STREAM_CONNECTIONS = 64;
/** More than go in while the signals do. */
const FLOOD_REQUESTS = 30_000 * PAIR_SECONDS;
const TICK_MS = 10;

type Running = { port: number; process: { pid: number } };
type DeliveryBench<Product> = {
  start: (folder: string, flags: string[]) => Promise<Product>;
  stop: (product: Product) => Promise<void>;
  secretKey: string;
  print: (name: string, text: string) => void;
};
type Reported = Pick<DeliveryBench<Running>, "secretKey" | "print">;

type Told = { port?: number; count?: number; arrivedAt?: [signalId: string, at: number][] };
type Receiver = { port: number; ask: (word: "count" | "arrivals" | "clear") => Promise<Told>; stop: () => void };

async function startReceiver(): Promise<Receiver> {
  let tell: (told: Told) => void = () => undefined;
  const next = () => new Promise<Told>((resolve) => (tell = resolve));
  const ready = next();
  const child = Bun.spawn(["bun", join(import.meta.dirname, "receiver.ts")], {
    stdout: "inherit",
    stderr: "inherit",
    ipc: (told: Told) => tell(told),
  });
  const { port = 0 } = await ready;
  const ask: Receiver["ask"] = (word) => {
    const answer = next();
    child.send(word);
    return answer;
  };
  return { port, ask, stop: () => child.kill() };
}

function intentOf(destinations: object[]): string {
  return JSON.stringify({
    destinations,
    groups: { any: { max: 100 } },
    rules: [
      { name: "asked", group: "any", event: "asked", points: 60 },
      { name: "seen", group: "any", event: "page_view", points: 1, half_life: "7d", max: 20 },
    ],
    thresholds: { hot: 60 },
  });
}

const crossing = () => ({ event: "asked", event_id: Bun.randomUUIDv7(), anonymous_id: Bun.randomUUIDv7() });

/** Crossings at a rate; tells when each of them was answered. */
async function stream({ port }: Running, secretKey: string, perSecond: number, requests: number) {
  const answeredAt = new Map<string, number>();
  const { seconds } = await load({
    port,
    path: "/track",
    connections: STREAM_CONNECTIONS,
    requests,
    perSecond,
    headers: `authorization: Bearer ${secretKey}\r\n`,
    bodyOf: () => JSON.stringify(crossing()),
    onAnswer: (answer) => {
      const id = /"signal_id":"(\w+)"/.exec(answer)?.[1];
      if (id !== undefined) answeredAt.set(id, performance.timeOrigin + performance.now());
    },
  });
  if (answeredAt.size < requests) throw new Error(`${requests - answeredAt.size} crossings gave no signal`);
  return { answeredAt, perSecond: requests / seconds };
}

async function allArrived(receiver: Receiver, count: number): Promise<void> {
  while (((await receiver.ask("count")).count ?? 0) < count) await Bun.sleep(TICK_MS);
}

/** From the answer of /track to the request at the receiver; below zero where the receiver heard first. */
async function waitsOf(receiver: Receiver, answeredAt: ReadonlyMap<string, number>): Promise<number[]> {
  const arrivedAt = new Map((await receiver.ask("arrivals")).arrivedAt);
  return [...answeredAt].map(([id, at]) => (arrivedAt.get(id) ?? Number.NaN) - at);
}

function percentilesOf(waits: readonly number[]): string {
  const sorted = waits.toSorted((a, b) => a - b);
  const percentile = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
  return `p50 ${percentile(0.5)} ms  p99 ${percentile(0.99)} ms`;
}

async function measureLatency(product: Running, receiver: Receiver, { secretKey, print }: Reported): Promise<void> {
  const { answeredAt } = await stream(product, secretKey, LATENCY_PER_SECOND, LATENCY_SIGNALS);
  await allArrived(receiver, LATENCY_SIGNALS);
  print("answer of /track to the receiver", `${percentilesOf(await waitsOf(receiver, answeredAt))}   aim 50 ms`);
}

/** A thousand crossings a second for a while: the receiver must have them all when the last was acknowledged. */
async function measureSustained(product: Running, receiver: Receiver, { secretKey, print }: Reported): Promise<void> {
  await receiver.ask("clear");
  const total = SIGNALS_PER_SECOND * SUSTAINED_SECONDS;
  const { answeredAt } = await stream(product, secretKey, SIGNALS_PER_SECOND, total);
  const acknowledgedAt = performance.now();
  await allArrived(receiver, total);
  const behindMs = performance.now() - acknowledgedAt;
  print(
    `${SIGNALS_PER_SECOND} signals/s for ${SUSTAINED_SECONDS} s`,
    `all arrived ${behindMs.toFixed(0)} ms after the last answer, ${percentilesOf(await waitsOf(receiver, answeredAt))}`,
  );
}

type Run = {
  eventsPerSecond: number;
  signalsPerSecond: number;
  cpuPerEventUs: number;
  answeredAt: ReadonlyMap<string, number>;
};

/** Page views, as many as go in, beside a thousand crossings a second. */
async function runBeside(product: Running, secretKey: string): Promise<Run> {
  const visitors = createVisitors(5_000);
  const ended = new AbortController();
  const cpuBefore = await cpuSecondsOf(product);
  const flood = load({
    port: product.port,
    path: "/track",
    connections: FLOOD_CONNECTIONS,
    requests: FLOOD_REQUESTS,
    bodyOf: (index) => JSON.stringify(pageView(visitorAt(visitors, index), index)),
    stop: ended.signal,
  });
  const crossings = await stream(product, secretKey, SIGNALS_PER_SECOND, SIGNALS_PER_SECOND * PAIR_SECONDS);
  ended.abort();
  const { perSecond, latencies } = await flood;
  const cpuSeconds = (await cpuSecondsOf(product)) - cpuBefore;
  const events = latencies.length + crossings.answeredAt.size;
  return {
    eventsPerSecond: perSecond,
    signalsPerSecond: crossings.perSecond,
    cpuPerEventUs: (cpuSeconds / events) * 1_000_000,
    answeredAt: crossings.answeredAt,
  };
}

/** The same traffic on a server that tells nobody and on one that tells a webhook, each of them first in turn. */
async function measureSlowdown(silent: Running, telling: Running, receiver: Receiver, bench: Reported): Promise<void> {
  const pairs: { without: Run; within: Run }[] = [];
  const waits: number[] = [];
  const tell = async (): Promise<Run> => {
    await receiver.ask("clear");
    const run = await runBeside(telling, bench.secretKey);
    await allArrived(receiver, run.answeredAt.size);
    waits.push(...(await waitsOf(receiver, run.answeredAt)));
    return run;
  };
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const within = pair % 2 === 0 ? await tell() : null;
    const without = await runBeside(silent, bench.secretKey);
    pairs.push({ without, within: within ?? (await tell()) });
  }
  const ratios = (of: (run: Run) => number) => pairs.map(({ without, within }) => of(within) / of(without));
  const percent = (values: readonly number[]) => {
    const [least = 0, ...more] = values.toSorted((a, b) => a - b);
    return `${(median(values) * 100).toFixed(0)} % (${(least * 100).toFixed(0)}-${((more.at(-1) ?? least) * 100).toFixed(0)})`;
  };
  const rate = (of: (run: Run) => number, side: "without" | "within") =>
    median(pairs.map((pair) => of(pair[side]))).toFixed(0);
  bench.print(
    `ingest beside ${rate((run) => run.signalsPerSecond, "within")} signals/s, of ingest without webhook`,
    `${percent(ratios((run) => run.eventsPerSecond))} of ${rate((run) => run.eventsPerSecond, "without")} events/s   aim 90 %`,
  );
  bench.print(
    "  the server's processor time per event",
    `${percent(ratios((run) => run.cpuPerEventUs))} of ${rate((run) => run.cpuPerEventUs, "without")} µs`,
  );
  bench.print("  answer of /track to the receiver meanwhile", `${percentilesOf(waits)}   aim 50 ms`);
}

/** All threads of it, in the clock ticks that Linux counts; not a number elsewhere. */
async function cpuSecondsOf({ process: { pid } }: Running): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return ((user ?? Number.NaN) + (system ?? Number.NaN)) / 100;
}

export async function measureDelivery<Product extends Running>(bench: DeliveryBench<Product>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "do-intent-bench-"));
  const receiver = await startReceiver();
  const url = `http://127.0.0.1:${receiver.port}/`;
  const secret = `whsec_${Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64")}`;
  const webhook = { type: "webhook", name: "bench", url, secret, allow_private: true, concurrency_max: 16 };
  const startWith = async (name: string, destinations: object[]): Promise<Product> => {
    const config = join(folder, `${name}.json`);
    await writeFile(config, intentOf(destinations));
    return bench.start(join(folder, name), ["--config", config]);
  };
  const silent = await startWith("silent", []);
  const telling = await startWith("telling", [webhook]);
  try {
    await measureLatency(telling, receiver, bench);
    await measureSustained(telling, receiver, bench);
    await measureSlowdown(silent, telling, receiver, bench);
  } finally {
    await Promise.all([bench.stop(silent), bench.stop(telling)]);
    receiver.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
