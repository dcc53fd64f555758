import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server as HttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "./load.ts";
import { createVisitors, pageView, visitorAt } from "./traffic.ts";

const SIGNALS_PER_SECOND = 1_000;
const SUSTAINED_SECONDS = 5;
const LATENCY_SIGNALS = 300;
const LATENCY_PAUSE_MS = 10;
const ROUNDS = 5;
const ROUND_REQUESTS = 20_000;
/** At the rates of one core this comes to about a thousand crossings a second. */
const CROSSING_EVERY = 8;

type DeliveryBench<Product> = {
  start: (folder: string, flags: string[]) => Promise<Product>;
  stop: (product: Product) => Promise<void>;
  secretKey: string;
  print: (name: string, text: string) => void;
};

type Listening = { port: number };
type Reported = Pick<DeliveryBench<Listening>, "secretKey" | "print">;
type Receiver = { port: number; arrivedAt: Map<string, number>; server: HttpServer };

/** Reads as much as a receiver must, and no more. */
async function startReceiver(): Promise<Receiver> {
  const arrivedAt = new Map<string, number>();
  const server = createServer((request, response) => {
    const at = performance.now();
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const id = /"signal_id":"(\w+)"/.exec(body)?.[1];
      if (id !== undefined) arrivedAt.set(id, at);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { port: address !== null && typeof address === "object" ? address.port : 0, arrivedAt, server };
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

/** From the answer of /track to the request at the receiver; below zero where the receiver heard first. */
async function measureLatency({ port }: Listening, receiver: Receiver, bench: Reported): Promise<void> {
  const answeredAt = new Map<string, number>();
  for (let index = 0; index < LATENCY_SIGNALS; index += 1) {
    const response = await fetch(`http://127.0.0.1:${port}/track`, {
      method: "POST",
      headers: { authorization: `Bearer ${bench.secretKey}` },
      body: JSON.stringify(crossing()),
    });
    const at = performance.now();
    const id = /"signal_id":"(\w+)"/.exec(await response.text())?.[1];
    if (id !== undefined) answeredAt.set(id, at);
    await Bun.sleep(LATENCY_PAUSE_MS);
  }
  await until(() => receiver.arrivedAt.size >= LATENCY_SIGNALS);
  const waits = [...answeredAt]
    .map(([id, at]) => (receiver.arrivedAt.get(id) ?? Number.NaN) - at)
    .sort((a, b) => a - b);
  const percentile = (share: number) => (waits[Math.floor(waits.length * share)] ?? 0).toFixed(1);
  bench.print("answer of /track to the receiver", `p50 ${percentile(0.5)} ms  p99 ${percentile(0.99)} ms   aim 50 ms`);
}

/** A thousand crossings a second for a while: the receiver must have them all when the last was acknowledged. */
async function measureSustained(product: Listening, receiver: Receiver, bench: Reported): Promise<void> {
  receiver.arrivedAt.clear();
  const total = SIGNALS_PER_SECOND * SUSTAINED_SECONDS;
  const startedAt = performance.now();
  let lagMax = 0;
  const answers: Promise<unknown>[] = [];
  for (let sent = 0; sent < total; ) {
    const dueBy = Math.min(total, Math.floor(((performance.now() - startedAt) / 1_000) * SIGNALS_PER_SECOND));
    for (; sent < dueBy; sent += 1) answers.push(post(product, crossing()));
    lagMax = Math.max(lagMax, sent - receiver.arrivedAt.size);
    await Bun.sleep(2);
  }
  await Promise.all(answers);
  const acknowledgedAt = performance.now();
  await until(() => receiver.arrivedAt.size >= total);
  const behindMs = performance.now() - acknowledgedAt;
  bench.print(
    `${SIGNALS_PER_SECOND} signals/s for ${SUSTAINED_SECONDS} s`,
    `all arrived ${behindMs.toFixed(0)} ms after the last answer, at most ${lagMax} under way`,
  );
}

/** The same traffic, every eighth a crossing, on a server that tells nobody and on one that tells a webhook. */
async function measureSlowdown(silent: Listening, telling: Listening, bench: Reported): Promise<void> {
  const visitors = createVisitors(5_000);
  const run = ({ port }: Listening) =>
    load({
      port,
      path: "/track",
      connections: 64,
      requests: ROUND_REQUESTS,
      bodyOf: (index) =>
        JSON.stringify(index % CROSSING_EVERY === 0 ? crossing() : pageView(visitorAt(visitors, index), index)),
    });
  const ratios: number[] = [];
  let signalsPerSecond = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const without = await run(silent);
    const withWebhook = await run(telling);
    signalsPerSecond = withWebhook.perSecond / CROSSING_EVERY;
    ratios.push(withWebhook.perSecond / without.perSecond);
  }
  const median = ratios.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0;
  bench.print(
    "ingest with a webhook, of ingest without",
    `${(median * 100).toFixed(0)} % at ${Math.round(signalsPerSecond)} signals/s   aim 90 %`,
  );
}

async function post({ port }: Listening, body: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/track`, { method: "POST", body: JSON.stringify(body) });
  await response.arrayBuffer();
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await Bun.sleep(2);
}

export async function measureDelivery<Product extends Listening>(bench: DeliveryBench<Product>): Promise<void> {
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
    await measureSlowdown(silent, telling, bench);
  } finally {
    await Promise.all([bench.stop(silent), bench.stop(telling)]);
    receiver.server.closeAllConnections();
    receiver.server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
