import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { listen } from "../../src/commands/serve.ts";
import { createLog } from "../../src/http/log.ts";
import { createRequestLog } from "../../src/http/request-log.ts";
import { openBeside } from "../../src/store/sqlite/database.ts";
import { eventually } from "../support/eventually.ts";
import { type SentHeaders, startInstance, type TestInstance, withSecret } from "../support/instance.ts";
import { openLive } from "../support/live.ts";
import { MARKER } from "../support/secrecy.ts";
import { speak } from "../support/socket.ts";

setDefaultTimeout(60_000);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const event = { event: "page_view", anonymous_id: "visitor-1", url: "/pricing" };
const hot = { thresholds: { warm: 1, hot: 2 } };

type Line = { event: string; request_id?: string; route?: string; status?: number; [field: string]: unknown };

const linesOf = ({ logged }: TestInstance, name: string): Line[] =>
  logged.map((line) => JSON.parse(line) as Line).filter((line) => line.event === name);

const ask = (house: TestInstance, method: string, path: string, headers: SentHeaders = {}, body?: string) =>
  house.app.handle(
    new Request(`http://localhost${path}`, { method, headers, ...(body === undefined ? {} : { body }) }),
  );

/** Over a connection, as from a client with an address. */
function served(house: TestInstance): number {
  listen(house, { host: "127.0.0.1", port: 0 });
  return house.app.server?.port ?? 0;
}

describe("each request has one line, with its route and nothing of its address", () => {
  const table: [
    method: string,
    path: string,
    headers: SentHeaders,
    body: string | undefined,
    route: string,
    status: number,
  ][] = [
    ["POST", "/track", {}, JSON.stringify(event), "/track", 200],
    ["POST", "/v1/e", {}, JSON.stringify(event), "/v1/e", 200],
    ["POST", "/track", {}, "{", "/track", 400],
    ["POST", "/track", { origin: `https://${MARKER}.example` }, "{}", "/track", 403],
    ["GET", "/track", {}, undefined, "/track", 405],
    ["GET", `/people?level=${MARKER}`, withSecret, undefined, "/people", 422],
    ["GET", `/people/${MARKER}@acme.example`, withSecret, undefined, "/people/:id", 404],
    ["GET", "/people", { authorization: `Bearer ${MARKER}` }, undefined, "/people", 401],
    ["GET", `/${MARKER}?${MARKER}=${MARKER}`, {}, undefined, "none", 404],
    ["GET", `/c/${MARKER}/${MARKER}`, {}, undefined, "/c/:slug/:link", 404],
    ["GET", "/health", {}, undefined, "/health", 200],
    ["HEAD", "/health", {}, undefined, "/health", 200],
    ["GET", "/live", {}, undefined, "/live", 426],
    ["OPTIONS", "/track", { origin: "https://acme.example" }, undefined, "/track", 204],
  ];
  test.each(table)("%s %s %j", async (method, path, headers, body, route, status) => {
    await using house = startInstance({ logRequests: true, origins: ["https://acme.example"] });
    const answer = await ask(house, method, path, headers, body);
    await answer.text();
    const [line, ...others] = linesOf(house, "request");
    expect([answer.status, others]).toEqual([status, []]);
    expect(line).toMatchObject({ level: "info", method, route, status });
    expect(line?.request_id).toMatch(UUID);
    expect(answer.headers.get("x-request-id")).toBe(line?.request_id ?? "");
    expect(line?.duration_ms).toBeGreaterThanOrEqual(0);
    expect(Number.isNaN(Date.parse(String(line?.at)))).toBe(false);
    expect(house.logged.join("\n")).not.toContain(MARKER);
  });

  test("the secret key is named by its id, and a wrong one not at all", async () => {
    await using house = startInstance({ logRequests: true });
    house.keys.persist();
    const { keys } = (await house.getSecret<{ keys: { key_id: string; kind: string }[] }>("/keys")).body;
    await house.postSecret("/track", event);
    await house.post("/track", event, { authorization: "Bearer sk_wrong_0123456789abcdef" });
    const secret = keys.find(({ kind }) => kind === "secret")?.key_id;
    expect(linesOf(house, "request").map(({ key_id }) => key_id)).toEqual([secret, secret, undefined]);
  });

  test("the size of a body is told as far as the request says it", async () => {
    await using house = startInstance({ logRequests: true });
    const port = served(house);
    const body = JSON.stringify(event);
    await speak(port, `POST /track HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    expect(linesOf(house, "request")).toMatchObject([{ body_bytes: body.length }]);
  });

  test("a socket's handshake is a request like any other", async () => {
    await using house = startInstance({ logRequests: true });
    const socket = await openLive(`http://127.0.0.1:${served(house)}`);
    socket.close();
    const [line] = linesOf(house, "request");
    expect(line).toMatchObject({ method: "GET", route: "/live", status: 101 });
    expect(line?.request_id).toMatch(UUID);
  });

  test("a redirect and a page of ours are written down as what they were", async () => {
    await using house = startInstance({ logRequests: true, intent: { public_url: "https://intent.example" } });
    const list = { name: "spring", base_url: "https://acme.example", leads: [{ email: "ada@acme.example" }] };
    await house.postSecret("/campaigns", list);
    const csv = (await house.getSecret("/campaigns/spring/export.csv")).text;
    const path = /\/c\/spring\/\w+/.exec(csv)?.[0] ?? "";
    await ask(house, "GET", path);
    expect(linesOf(house, "request").at(-1)).toMatchObject({ route: "/c/:slug/:link", status: 302 });
    expect((await house.getSecret("/metrics")).text).toContain('route="/c/:slug/:link",status="302"');
  });
});

describe("what a request causes names it", () => {
  test("a signal, the one that its event fired", async () => {
    await using house = startInstance({ logRequests: true, intent: hot });
    const [one, two] = await Promise.all([
      house.post("/track", event),
      house.post("/track", [
        { ...event, anonymous_id: "visitor-2" },
        { ...event, anonymous_id: "visitor-3" },
      ]),
    ]);
    const signals = linesOf(house, "signal");
    expect(signals.length).toBe(6);
    expect(signals.filter(({ request_id }) => request_id === one.headers.get("x-request-id")).length).toBe(2);
    expect(signals.filter(({ request_id }) => request_id === two.headers.get("x-request-id")).length).toBe(4);
  });

  test("a fault of ours, in its answer too, whether requests are logged or not", async () => {
    for (const logRequests of [true, false]) {
      await using house = startInstance({ logRequests });
      await house.post("/track", { ...event, url: "/pricing" });
      using beside = openBeside(house.dataFolder);
      beside.run("drop table audit");
      const answer = await ask(house, "DELETE", "/people/visitor-1", withSecret);
      const [line] = linesOf(house, "request_failed");
      expect([answer.status, line?.request_id]).toEqual([500, answer.headers.get("x-request-id") ?? ""]);
    }
  });

  test("a fault on a thread", async () => {
    await using house = startInstance({ logRequests: true });
    using beside = openBeside(house.dataFolder);
    beside.run("drop table intent_score");
    const answer = await ask(house, "GET", "/attribution?by=source", withSecret);
    const [line] = linesOf(house, "request_failed");
    expect([answer.status, line?.request_id]).toEqual([500, answer.headers.get("x-request-id") ?? ""]);
    expect(String(line?.fault)).toContain("Error");
  });

  test("a transaction that failed", async () => {
    await using house = startInstance({ logRequests: true });
    using beside = openBeside(house.dataFolder);
    beside.run("drop table session");
    const answer = await ask(house, "POST", "/track", {}, JSON.stringify(event));
    expect(answer.status).toBe(500);
    const [line] = linesOf(house, "engine_fault");
    expect(line?.request_id).toBe(answer.headers.get("x-request-id") ?? "");
  });
});

describe("whose word a request's id is", () => {
  const given = "proxy-made-0123";
  const idOf = async (headers: string, trusted_proxies?: string[]) => {
    await using house = startInstance({
      logRequests: true,
      intent: trusted_proxies === undefined ? {} : { limits: { trusted_proxies } },
    });
    const said = await speak(served(house), `GET /health HTTP/1.1\r\nhost: a\r\n${headers}\r\n`);
    const id = said.headers.get("x-request-id");
    expect(linesOf(house, "request").map(({ request_id }) => request_id)).toEqual([id ?? ""]);
    return id;
  };

  test("a believed proxy's, and nobody else's", async () => {
    expect(await idOf(`x-request-id: ${given}\r\n`)).toBe(given);
    expect(await idOf(`x-request-id: ${given}\r\n`, [])).toMatch(UUID);
    expect(await idOf(`x-request-id: ${given}\r\n`, ["10.0.0.0/8"])).toMatch(UUID);
    expect(await idOf("")).toMatch(UUID);
  });

  test.each([
    ["short", "1234567"],
    ["long", "x".repeat(65)],
    ["blank", ""],
    ["with a space", "12345678 90"],
    ["an address", "ada@acme.example"],
    ["with a line's end in it", "12345678\u000b90"],
    ["with what a terminal obeys", "12345678\u001b[2J"],
    ["with quotes", '"12345678"'],
    ["said twice", `${given}\r\nx-request-id: ${given}`],
  ])("nor one that is %s", async (_, said) => {
    const id = await idOf(`x-request-id: ${said}\r\n`).catch(() => "refused before us");
    expect(id === "refused before us" || UUID.test(id ?? "")).toBe(true);
  });
});

test("without being asked for there is no line, no id and no time", async () => {
  await using house = startInstance();
  const answer = await house.post("/track", event);
  expect([answer.headers.get("x-request-id"), answer.headers.get("server-timing")]).toEqual([null, null]);
  expect(house.logged.filter((line) => line.includes('"request"') || line.includes("request_id"))).toEqual([]);
});

test("what nobody reads is left out and counted, and does not fill the memory", async () => {
  let isBehind = false;
  await using house = startInstance({ logRequests: true, isLogBehind: () => isBehind });
  await house.get("/health");
  isBehind = true;
  for (let again = 0; again < 3; again += 1) await house.get("/health");
  isBehind = false;
  await house.get("/health");
  expect(
    house.logged.map((line) => JSON.parse(line) as Line).map(({ event: name, requests }) => [name, requests]),
  ).toEqual([
    ["request", undefined],
    ["requests_not_logged", 3],
    ["request", undefined],
  ]);
  await eventually(() => house.logged.length === 3, "the lines");
});

test("for people a line is short", () => {
  const lines: string[] = [];
  const log = createLog("pretty", (line) => lines.push(line));
  const write = createRequestLog({
    log,
    keys: { find: () => ({ keyId: "key_1", scopes: [] }) },
    isBehind: () => false,
  });
  const headers = { authorization: "Bearer x", "content-length": "12" };
  const request = new Request("http://localhost/people/ada@acme.example", { headers });
  write({ request, route: "/people/:id", status: 200, durationMs: 1.23456 });
  expect(lines.length).toBe(1);
  expect(lines[0]).toMatch(
    /^\d\d:\d\d:\d\d info {2}request request_id=[\w-]+ method=GET route=\/people\/:id status=200 duration_ms=1\.23 body_bytes=12 key_id=key_1$/,
  );
});
