import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FRAME_BYTES_MAX } from "../../src/features/live/limits.ts";
import type { TrackAnswer } from "../../src/features/track/track.ts";
import { type Server, startServer } from "../e2e/support/server.ts";
import { blocksOf } from "../readme/markdown.ts";
import { type Caddy, hasCaddy, startCaddy } from "../support/caddy.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type LiveClient, openLive } from "../support/live.ts";
import { ownAddress } from "../support/own-address.ts";
import { openRelay } from "../support/relay.ts";

setDefaultTimeout(180_000);

const readme = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");
const caddyfile = blocksOf(readme).find(({ words }) => words.includes("Caddyfile"))?.text ?? "";
/** Nothing comes back within a test. */
const ONCE = { per_second: 0.01, burst: 4 };
const event = { event: "page_view", anonymous_id: "visitor-1", url: "/pricing" };

type House = { server: Server; caddy: Caddy; base: string; [Symbol.asyncDispose](): Promise<void> };

/** The executable, and Caddy before it as the page says. */
async function startBehindCaddy(intent: object, flags: string[] = [], host = "127.0.0.1"): Promise<House> {
  const folder = temporaryFolder();
  const config = join(folder.path, "intent.json");
  writeFileSync(config, JSON.stringify(intent));
  const server = await startServer(["--config", config, ...flags]);
  const caddy = await startCaddy(caddyfile, `${host}:${server.port}`);
  return {
    server,
    caddy,
    base: `https://localhost:${caddy.port}`,
    [Symbol.asyncDispose]: async () => {
      await caddy[Symbol.asyncDispose]();
      await server.close();
      folder[Symbol.dispose]();
    },
  };
}

/** Somebody with an address of their own, as Caddy sees them. */
async function visitorAt(address: string, { caddy }: House) {
  const relay = await openRelay(address, caddy.port);
  const base = `https://localhost:${relay.port}`;
  const tls = { ca: caddy.ca };
  return {
    track: (headers: { [name: string]: string } = {}): Promise<Response> =>
      fetch(`${base}/track`, { method: "POST", body: JSON.stringify(event), headers, tls, keepalive: false }),
    open: (headers: { [name: string]: string } = {}): Promise<LiveClient> => openLive(base, { headers, ca: caddy.ca }),
    [Symbol.asyncDispose]: relay[Symbol.asyncDispose],
  };
}

async function statusesOf(count: number, track: () => Promise<Response>): Promise<number[]> {
  const statuses: number[] = [];
  for (let sent = 0; sent < count; sent += 1) statuses.push((await track()).status);
  return statuses;
}

describe.skipIf(!hasCaddy)("behind Caddy, as the page sets it up", () => {
  let house: House;
  beforeAll(async () => {
    house = await startBehindCaddy({});
  });
  afterAll(() => house?.[Symbol.asyncDispose]());

  test("a page, the script and an event come through, over TLS", async () => {
    const { base, caddy, server } = house;
    const tls = { tls: { ca: caddy.ca } };
    const page = await fetch(`${base}/docs`, tls);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(await page.text()).toContain("/live");
    const script = await fetch(`${base}/s.js`, tls);
    expect(script.headers.get("content-type")).toContain("javascript");
    expect(await script.text()).toContain("doIntent");
    const sent = await fetch(`${base}/v1/e`, {
      ...tls,
      method: "POST",
      headers: { origin: base },
      body: JSON.stringify({ ...event, event_id: "over-https" }),
    });
    expect(sent.status).toBe(200);
    // Only with the host that the browser asked for can the server tell its own site.
    expect(sent.headers.get("set-cookie")).toMatch(/^_di=visitor-1;.*; Secure$/);
    expect(server.events().map(({ event_id }) => event_id)).toEqual(["over-https"]);
  });

  test("a WebSocket comes through, and its answers in order", async () => {
    const { base, caddy, server } = house;
    const client = await openLive(base, { ca: caddy.ca, headers: { origin: base } });
    const ids = Array.from({ length: 60 }, (_, index) => `over-wss-${index}`);
    const answers = await Promise.all(ids.map((event_id) => client.ask<TrackAnswer>({ ...event, event_id })));
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200));
    expect(answers.map(({ body }) => body.events[0])).toEqual(
      ids.map((event_id) => ({ event_id, status: "accepted" })) as TrackAnswer["events"],
    );
    expect(server.events().filter(({ event_id }) => event_id.startsWith("over-wss-"))).toHaveLength(60);
    const large = await client.ask([...Array(40)].map(() => ({ ...event, metadata: { text: "x".repeat(1_000) } })));
    expect(large).toMatchObject({ status: 200, body: { accepted: 40 } });
    client.send("x".repeat(FRAME_BYTES_MAX + 1));
    expect(await client.closed).toMatchObject({ code: 1009, reason: expect.stringContaining("a frame may have") });
  });
});

describe.skipIf(!hasCaddy)("who came to Caddy", () => {
  test("from a site that may not send gets no socket, from one that may gets it", async () => {
    await using house = await startBehindCaddy({}, ["--origin", "https://www.acme.example"]);
    const openFrom = (origin: string) => openLive(house.base, { ca: house.caddy.ca, headers: { origin } });
    const refused = openFrom("https://evil.example");
    expect(await refused.catch((error: Error) => error.message)).toContain("not opened");
    const client = await openFrom("https://www.acme.example");
    expect(await client.ask(event)).toMatchObject({ status: 200 });
  });

  test("are told apart: by requests", async () => {
    await using house = await startBehindCaddy({ limits: { network: ONCE, trusted_proxies: ["127.0.0.1"] } });
    await using one = await visitorAt("127.0.0.2", house);
    await using other = await visitorAt("127.0.0.3", house);
    expect(await statusesOf(5, one.track)).toEqual([200, 200, 200, 200, 429]);
    const refused = await one.track();
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(60);
    expect(await statusesOf(4, other.track)).toEqual([200, 200, 200, 200]);
    // Whatever somebody writes there, Caddy says where they are.
    for (const forged of ["198.51.100.1", "127.0.0.1", "127.0.0.3", "198.51.100.1, 127.0.0.1", "::1"])
      expect((await one.track({ "x-forwarded-for": forged })).status).toBe(429);
    expect((await one.track({ forwarded: "for=198.51.100.1", "x-real-ip": "198.51.100.1" })).status).toBe(429);
  });

  test("are told apart: by sockets", async () => {
    await using house = await startBehindCaddy({ limits: { network: ONCE, trusted_proxies: ["127.0.0.1"] } });
    await using one = await visitorAt("127.0.0.2", house);
    await using other = await visitorAt("127.0.0.3", house);
    const socket = await one.open();
    for (let sent = 0; sent < 3; sent += 1) expect(await socket.ask(event)).toMatchObject({ status: 200 });
    expect(await socket.ask(event)).toMatchObject({ status: 429, body: { error: { code: "overloaded" } } });
    expect((await one.track()).status).toBe(429);
    const forged = one.open({ "x-forwarded-for": "198.51.100.1" });
    expect(await forged.catch((error: Error) => error.message)).toContain("not opened");
    const elsewhere = await other.open({ "x-forwarded-for": "127.0.0.2" });
    expect(await elsewhere.ask(event)).toMatchObject({ status: 200 });
  });

  test.skipIf(ownAddress === undefined)(
    "are told apart with nothing configured, when they come from elsewhere",
    async () => {
      await using house = await startBehindCaddy({ limits: { network: ONCE } });
      await using visitor = await visitorAt(ownAddress ?? "", house);
      expect(await statusesOf(5, visitor.track)).toEqual([200, 200, 200, 200, 429]);
      expect((await visitor.track({ "x-forwarded-for": "198.51.100.1" })).status).toBe(429);
      // A program on the machine itself has no limit.
      await using local = await visitorAt("127.0.0.1", house);
      expect(await statusesOf(6, local.track)).toEqual(Array(6).fill(200));
    },
  );

  test.skipIf(ownAddress === undefined)("are all one where Caddy is not believed", async () => {
    const intent = { limits: { network: ONCE, trusted_proxies: [] } };
    await using house = await startBehindCaddy(intent, [], ownAddress);
    await using one = await visitorAt("127.0.0.2", house);
    await using other = await visitorAt("127.0.0.3", house);
    const statuses = [...(await statusesOf(3, one.track)), ...(await statusesOf(3, other.track))];
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(4);
    expect(statuses.at(-1)).toBe(429);
    expect((await one.track({ "x-forwarded-for": "198.51.100.1" })).status).toBe(429);
    const opening = other.open({ "x-forwarded-for": "198.51.100.2" });
    expect(await opening.catch((error: Error) => error.message)).toContain("not opened");
  });
});
