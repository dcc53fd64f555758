import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type LoadResult, load, together } from "./load.ts";
import { createVisitors, pageView, type Visitor, visitorAt } from "./traffic.ts";

/** Twenty connections that rest nine milliseconds send some 2,000 events a second. */
const STEADY = { connections: 20, pauseMs: 9 };
const ALONE_REQUESTS = 10_000;
/** Measured in pieces until the long work is through. */
const PIECE_REQUESTS = 2_000;
const PIECES_MAX = 60;
/** One person's, who is exported: nearly as many as an explanation of the past goes through. */
const LONG_PAST_EVENTS = 99_000;
const BATCH_EVENTS = 500;
/** One takes less than a piece. */
const TIMES = 10;

type Tools = {
  port: number;
  folder: string;
  secretKey: string;
  visitors: readonly Visitor[];
  print: (name: string, text: string) => void;
};

/** A steady stream of events alone, and beside what goes through everything that is stored. */
export async function measureBesideLongWork({ port, folder, secretKey, visitors, print }: Tools): Promise<void> {
  const steady = (requests: number): Promise<LoadResult> =>
    load({
      port,
      path: "/track",
      requests,
      ...STEADY,
      bodyOf: (index) => JSON.stringify(pageView(visitorAt(visitors, index), index)),
    });
  const ask = async (path: string, method = "GET"): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${secretKey}` },
    });
    for await (const _ of response.body ?? []);
    if (!response.ok) throw new Error(`${path} answers ${response.status}`);
  };
  const again = async (path: string): Promise<void> => {
    for (let time = 0; time < TIMES; time += 1) await ask(path);
  };
  const { anonymousId, pastMs } = await liveLong(port);
  const alone = await steady(ALONE_REQUESTS);
  print("a steady stream of events, alone", describe(alone));
  const copy = join(tmpdir(), `do-intent-bench-${process.pid}.db`);
  const works: [name: string, work: () => Promise<unknown>][] = [
    ["a report of everybody (GET /attribution)", () => ask("/attribution?by=source")],
    ["a view of all sessions", () => ask("/views/recent-sessions")],
    [`${TIMES} exports of a person with ${LONG_PAST_EVENTS} events`, () => again(`/people/${anonymousId}/export`)],
    [`${TIMES} looks into their past`, () => again(`/people/${anonymousId}/explain?at=${pastMs}`)],
    ["POST /backup", () => ask("/backup", "POST")],
    ["do-intent backup", () => command(["backup", copy, "--data", folder])],
    ["do-intent export events", () => command(["export", "events", "--data", folder])],
  ];
  for (const [name, work] of works) {
    const { seconds, pieces } = await during(work, () => steady(PIECE_REQUESTS));
    const beside = together(pieces);
    const slowestMs = beside.latencies.at(-1) ?? 0;
    print(
      `beside ${name}, ${seconds.toFixed(1)} s`,
      `${describe(beside)} (${(beside.p99 / alone.p99).toFixed(1)} times alone)  slowest ${slowestMs.toFixed(0)} ms`,
    );
  }
  await rm(copy, { force: true });
}

/** Somebody with a long past, and a moment right before its end. */
async function liveLong(port: number): Promise<{ anonymousId: string; pastMs: number }> {
  const [visitor] = createVisitors(1);
  if (visitor === undefined) throw new Error("there is no visitor");
  const send = (requests: number): Promise<LoadResult> =>
    load({
      port,
      path: "/track",
      connections: 1,
      requests,
      bodyOf: () => JSON.stringify(Array.from({ length: BATCH_EVENTS }, (_, index) => pageView(visitor, index))),
    });
  await send(LONG_PAST_EVENTS / BATCH_EVENTS - 1);
  const pastMs = Date.now();
  await send(1);
  return { anonymousId: visitor.anonymousId, pastMs };
}

async function during(
  work: () => Promise<unknown>,
  measure: () => Promise<LoadResult>,
): Promise<{ seconds: number; pieces: LoadResult[] }> {
  const startedMs = performance.now();
  let endedMs: number | null = null;
  const done = work().then(() => (endedMs = performance.now()));
  const pieces: LoadResult[] = [];
  while (endedMs === null && pieces.length < PIECES_MAX) pieces.push(await measure());
  await done;
  return { seconds: ((endedMs ?? performance.now()) - startedMs) / 1_000, pieces };
}

async function command(words: readonly string[]): Promise<void> {
  const executable = join(import.meta.dirname, "../../dist/do-intent");
  const { exited } = Bun.spawn([executable, ...words], { stdout: Bun.file("/dev/null"), stderr: "inherit" });
  if ((await exited) !== 0) throw new Error(`${words[0]} failed`);
}
