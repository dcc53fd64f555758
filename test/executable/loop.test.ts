import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { answering, type Receiver, startReceiver } from "../destinations/receiver.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { buildExecutable, run, type Server, startServer } from "./executable.ts";

setDefaultTimeout(60_000);
beforeAll(buildExecutable, 120_000);

const WEBHOOK_SECRET = `whsec_${Buffer.from("a secret of thirty-two bytes !!!").toString("base64")}`;

function writeIntent(folder: string, intent: object): string {
  const path = join(folder, "intent.json");
  writeFileSync(path, JSON.stringify(intent));
  return path;
}

function webhookTo({ url }: Receiver): object {
  return { type: "webhook", name: "crm", url, secret: WEBHOOK_SECRET, allow_private: true };
}

/** The two ways people try a server: a program's fetch, and curl as they type it. */
type Send = (server: Server, method: string, path: string, body?: object) => Promise<unknown>;

const byFetch: Send = async ({ url, secretKey }, method, path, body) => {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${secretKey}`, "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return response.json();
};

const byCurl: Send = async ({ url, secretKey }, method, path, body) => {
  const data = body === undefined ? [] : ["-d", JSON.stringify(body)];
  const args = ["-s", "-X", method, "-H", `Authorization: Bearer ${secretKey}`, ...data, url + path];
  return JSON.parse(await new Response(Bun.spawn(["curl", ...args]).stdout).text());
};

describe("the loop, from an empty folder", () => {
  test.each([
    ["fetch", byFetch],
    ["curl", byCurl],
  ] as const)("track, identify, signal, explain: by %s", async (_, send) => {
    using folder = temporaryFolder();
    await using receiver = await startReceiver(answering(204));
    const intent = writeIntent(folder.path, { destinations: [webhookTo(receiver)] });
    await using server = await startServer(folder.path, ["--config", intent]);
    const page = { event: "page_view", anonymous_id: "visitor-1", url: "/pricing?utm_source=news", event_id: "e-1" };
    expect(await send(server, "POST", "/track", page)).toMatchObject({
      events: [{ score: expect.closeTo(33, 3), level: "cold" }],
    });
    expect(await send(server, "POST", "/track", page)).toMatchObject({ duplicate: 1 });
    const identity = { email: "ada@acme.example", name: "Ada" };
    const told = await send(server, "POST", "/identify", { anonymous_id: "visitor-1", identity });
    expect(told).toMatchObject({ merged: false, changed: true, level: "warm", signals: [{ threshold: "warm" }] });
    const { person_id } = told as { person_id: string };

    const delivered = await eventually(() => receiver.received[0], "the webhook");
    const body = new Webhook(WEBHOOK_SECRET).verify(delivered.body, delivered.headers);
    expect(body).toMatchObject({
      type: "intent.threshold_crossed",
      data: {
        person: { person_id, email: "ada@acme.example", traits: { name: "Ada" } },
        account: { domain: "acme.example" },
        threshold: { name: "warm", score: 40 },
        attribution: { first: { source: "news" } },
      },
    });

    const explained = (await send(server, "GET", `/people/${person_id}/explain`)) as {
      score: number;
      groups: { group: string; raw: number; points: number }[];
      contributions: { group: string; points: number }[];
    };
    const total = explained.groups.reduce((sum, { points }) => sum + points, 0);
    expect(Math.abs(total - explained.score)).toBeLessThan(1e-9);
    for (const { group, raw } of explained.groups) {
      const rows = explained.contributions.filter((row) => row.group === group);
      expect(Math.abs(rows.reduce((sum, { points }) => sum + points, 0) - raw)).toBeLessThan(1e-9);
    }
    expect(await send(server, "GET", "/people?email=ada@acme.example")).toMatchObject({ people: [{ person_id }] });
    expect(await send(server, "GET", "/signals")).toMatchObject({ signals: [{ person: { person_id } }] });
    expect(receiver.received).toHaveLength(1);
    expect(server.output()).not.toContain("ada@acme.example");
    expect(server.output()).not.toContain("error");
    expect(await server.end("SIGTERM")).toBe(0);

    const table = await run(folder.path, ["explain", "ada@acme.example"]);
    expect({ code: table.code, err: table.err }).toEqual({ code: 0, err: "" });
    expect(table.out).toContain("pricing_view");
  });

  test("the script is served, and sends where the server listens", async () => {
    using folder = temporaryFolder();
    await using server = await startServer(folder.path);
    for (const path of ["/s.js", "/t.js"]) {
      const response = await fetch(server.url + path);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toContain("javascript");
      expect((await response.text()).length).toBeGreaterThan(500);
      const etag = response.headers.get("etag") ?? "";
      expect((await fetch(server.url + path, { headers: { "if-none-match": etag } })).status).toBe(304);
    }
    expect(server.output()).toContain(`<script async src="${server.url}/s.js" data-key="${server.writeKey}"></script>`);
  });
});

describe("the secret key", () => {
  const isAccepted = async ({ url }: Server, key: string | null): Promise<boolean> =>
    (await fetch(`${url}/people`, { headers: { authorization: `Bearer ${key}` } })).status === 200;

  test("is made and printed on the first run, and only then", async () => {
    using folder = temporaryFolder();
    await using first = await startServer(folder.path);
    const { secretKey, writeKey } = first;
    expect(secretKey).toMatch(/^sk_[\w-]{32}$/);
    expect(await isAccepted(first, secretKey)).toBe(true);
    expect(await isAccepted(first, writeKey)).toBe(false);
    await first.end("SIGINT");
    await using second = await startServer(folder.path);
    expect(second.secretKey).toBeNull();
    expect(second.output()).not.toContain(secretKey);
    expect(second.writeKey).toBe(writeKey);
    expect(await isAccepted(second, secretKey)).toBe(true);
  });

  test("may be given for the first run; later, another one is told to have no effect", async () => {
    using folder = temporaryFolder();
    const env = { DO_INTENT_SECRET_KEY: "sk_chosen_by_its_operator", DO_INTENT_DATA: "elsewhere" };
    await using first = await startServer(folder.path, [], env);
    expect(await isAccepted(first, env.DO_INTENT_SECRET_KEY)).toBe(true);
    await first.end("SIGTERM");
    await using second = await startServer(folder.path, [], { ...env, DO_INTENT_SECRET_KEY: "sk_another_one_later" });
    expect(second.output()).toContain("what DO_INTENT_SECRET_KEY holds is none of this data folder's keys");
    expect(await isAccepted(second, env.DO_INTENT_SECRET_KEY)).toBe(true);
    expect(await isAccepted(second, "sk_another_one_later")).toBe(false);
  });
});

test("a body beyond every limit is refused in our words", async () => {
  using folder = temporaryFolder();
  await using server = await startServer(folder.path);
  const response = await fetch(`${server.url}/track`, { method: "POST", body: " ".repeat(4 * 1024 * 1024) });
  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({ error: { code: "too_large" } });
});

describe("the config while it runs", () => {
  type Health = { config_hash: string; config_problem?: string };
  const health = async ({ url }: Server): Promise<Health> => (await fetch(`${url}/health`)).json() as Promise<Health>;
  const view = (server: Server, anonymous_id: string): Promise<unknown> =>
    byFetch(server, "POST", "/track", { event: "page_view", anonymous_id });
  const scoring = (points: number): object => ({
    groups: { all: { max: 100 } },
    rules: [{ name: "views", group: "all", event: "page_view", points }],
  });

  test("a change holds at once, a broken file leaves the last good one in force, a mended one is taken", async () => {
    using folder = temporaryFolder();
    const intent = writeIntent(folder.path, scoring(10));
    await using server = await startServer(folder.path, ["--config", "intent.json"]);
    expect(await view(server, "v-1")).toMatchObject({ events: [{ score: 10 }] });
    const { config_hash: first } = await health(server);

    writeFileSync(intent, '{"rules":[{"name":"views"');
    await server.printed("config_broken");
    expect(await health(server)).toMatchObject({ config_hash: first, config_problem: expect.any(String) });
    expect(await view(server, "v-2")).toMatchObject({ events: [{ score: 10 }] });
    server.signal("SIGHUP");
    await server.printed("config_broken", 2);

    writeIntent(folder.path, scoring(30));
    await server.printed("config_changed");
    const { config_hash: second, config_problem } = await health(server);
    expect(config_problem).toBeUndefined();
    expect(second).not.toBe(first);
    expect(await view(server, "v-2")).toMatchObject({ events: [{ score: 60, level: "hot" }] });
    const signals = await byFetch(server, "GET", "/signals");
    expect(signals).toMatchObject({ signals: [{ config_hash: second }, { config_hash: second }] });

    const restarted = await server.end("SIGTERM");
    expect(restarted).toBe(0);
    const printed = await run(folder.path, ["config", "print", "--config", "intent.json"]);
    expect(JSON.parse(printed.out).hash).toBe(second);
  });

  test("a destination that was added while it runs gets the next signal", async () => {
    using folder = temporaryFolder();
    await using receiver = await startReceiver(answering(204));
    writeIntent(folder.path, scoring(50));
    await using server = await startServer(folder.path, ["--config", "intent.json"]);
    await view(server, "v-1");
    writeIntent(folder.path, { ...scoring(50), destinations: [webhookTo(receiver)] });
    await server.printed("config_changed");
    await view(server, "v-2");
    const delivered = await eventually(() => receiver.received[0], "the webhook");
    new Webhook(WEBHOOK_SECRET).verify(delivered.body, delivered.headers);
    expect(receiver.received).toHaveLength(1);
  });

  test("SIGHUP without a config file is no reason to end", async () => {
    using folder = temporaryFolder();
    await using server = await startServer(folder.path);
    server.signal("SIGHUP");
    const page = { event: "page_view", anonymous_id: "v-1" };
    expect(await byFetch(server, "POST", "/track", page)).toMatchObject({ accepted: 1 });
    expect(await server.end("SIGTERM")).toBe(0);
  });
});
