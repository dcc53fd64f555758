import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type LoadResult, load } from "./load.ts";
import { createVisitors, pageView, type Visitor, visitorAt } from "./traffic.ts";

const VISITORS = 2_000;
const ASKED = 20_000;
const ASKING_CONNECTIONS = 4;
/** Twenty connections that rest nine milliseconds send some 2,000 events a second. */
const STEADY = { connections: 20, pauseMs: 9, requests: 16_000 };
const FLOOD = { connections: 64, requests: 40_000 };

type Server = { port: number };
type Tools<Started extends Server> = {
  start: (folder: string, flags: readonly string[]) => Promise<Started>;
  stop: (server: Started) => Promise<void>;
  print: (name: string, text: string) => void;
};

/** GET /p of known visitors: alone, beside a steady stream of events, and beside as many as go in. */
export async function measurePersonalize<Started extends Server>({
  start,
  stop,
  print,
}: Tools<Started>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "do-intent-bench-"));
  const config = join(folder, "intent.json");
  await writeFile(
    config,
    JSON.stringify({ personalize: ["first_name", "company", "level", "account_level", "channel"] }),
  );
  const server = await start(folder, ["--config", config]);
  try {
    const visitors = createVisitors(VISITORS);
    await makeKnown(server, visitors);
    const ask = () =>
      load({
        port: server.port,
        path: "/p",
        connections: ASKING_CONNECTIONS,
        requests: ASKED,
        bodyOf: () => "",
        pathOf: (index) => `/p?anonymous_id=${visitorAt(visitors, index).anonymousId}`,
      });
    print("GET /p alone, 4 connections", describe(await ask()));
    for (const [name, events] of [
      ["a steady stream of events", STEADY],
      ["all the events that go in", FLOOD],
    ] as const) {
      const [asked, taken] = await Promise.all([ask(), track(server, visitors, events)]);
      print(`GET /p beside ${name}`, `${describe(asked)}   aim p99 10 ms`);
      print("  the events meanwhile", describe(taken));
    }
  } finally {
    await stop(server);
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeKnown({ port }: Server, visitors: readonly Visitor[]): Promise<void> {
  const bodyOf = (index: number) => JSON.stringify(pageView(visitors[index] as Visitor, index));
  await load({ port, path: "/track", connections: 8, requests: visitors.length, bodyOf });
  const identity = (index: number) => ({ email: `person${index}@company${index % 400}.example`, name: "Ada Lovelace" });
  await load({
    port,
    path: "/identify",
    connections: 8,
    requests: visitors.length,
    bodyOf: (index) => JSON.stringify({ anonymous_id: visitors[index]?.anonymousId, identity: identity(index) }),
  });
}

function track(
  { port }: Server,
  visitors: readonly Visitor[],
  options: { connections: number; requests: number; pauseMs?: number },
): Promise<LoadResult> {
  const bodyOf = (index: number) => JSON.stringify(pageView(visitorAt(visitors, index), index));
  return load({ port, path: "/track", bodyOf, ...options });
}
