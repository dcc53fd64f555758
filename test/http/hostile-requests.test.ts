import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { listen } from "../../src/commands/serve.ts";
import { eventually } from "../support/eventually.ts";
import { startInstance, type TestInstance } from "../support/instance.ts";
import { MARKER } from "../support/secrecy.ts";
import { speak } from "../support/socket.ts";

setDefaultTimeout(90_000);

let house: TestInstance;
let port: number;

beforeAll(() => {
  house = startInstance();
  listen(house, { host: "127.0.0.1", port: 0 });
  port = house.app.server?.port ?? 0;
});

afterAll(async () => {
  await house.app.server?.stop(true);
  await house[Symbol.asyncDispose]();
});

const HOST = "Host: intent.example.com\r\n";
const get = (path: string, ...lines: string[]) =>
  `GET ${path} HTTP/1.1\r\n${[HOST, ...lines.map((line) => `${line}\r\n`)].join("")}\r\n`;
const post = (path: string, lines: string[], body = "") =>
  `POST ${path} HTTP/1.1\r\n${[HOST, ...lines.map((line) => `${line}\r\n`)].join("")}\r\n${body}`;
const many = (count: number) => Array.from({ length: count }, (_, index) => `x-${index}: ${MARKER}`);
const EVENT = '{"event":"page_view","anonymous_id":"visitor-1"}';

/** null: the connection is closed without a word, as for what is no HTTP at all. */
const TABLE: [string, string, number | null, string?][] = [
  ["TRACE, which would echo", `TRACE /track HTTP/1.1\r\n${HOST}X-Secret: ${MARKER}\r\n\r\n`, 405, "method_not_allowed"],
  ["TRACE where there is nothing", `TRACE /${MARKER} HTTP/1.1\r\n${HOST}\r\n`, 404, "not_found"],
  ["CONNECT, as to a proxy", `CONNECT ${MARKER}.example:443 HTTP/1.1\r\n${HOST}\r\n`, 404, "not_found"],
  ["a method that there is none of", `BREW /health HTTP/1.1\r\n${HOST}\r\n`, null],
  ["a method in small letters", `get /health HTTP/1.1\r\n${HOST}\r\n`, null],
  ["an absolute address, as proxies get them", `GET http://${MARKER}.example/ready HTTP/1.1\r\n${HOST}\r\n`, 200],
  ["an absolute address without a host", `GET http://${MARKER}.example/ready HTTP/1.1\r\n\r\n`, 400],
  ["an address without a slash", `GET ready HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["an address of another host in disguise", get(`//${MARKER}.example/ready`), 404, "not_found"],
  ["a star", `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["no host", "GET /ready HTTP/1.1\r\n\r\n", 400],
  ["a host that is none", `GET /ready HTTP/1.1\r\nHost: ${MARKER}@[::/../?\r\n\r\n`, 200],
  ["HTTP of the future", `GET /ready HTTP/3.7\r\n${HOST}\r\n`, 505],
  ["HTTP of the past", "GET /ready\r\n", 505],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["TLS where there is none", `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${"a".repeat(200)}`, 400],
  ["lines that end by halves", "GET /ready HTTP/1.1\nHost: a\n\n", 505],
  ["a folded header", get("/ready", `x-a: ${MARKER}\r\n ${MARKER}`), 400],
  ["NUL in a header", get("/ready", `x-a: b\0${MARKER}`), 400],
  ["NUL in the address", get(`/ready\0${MARKER}`), 505],
  ["a blank in a header's name", get("/ready", `x a: ${MARKER}`), 400],
  ["a blank before the colon", get("/ready", `x-a : ${MARKER}`), 400],
  ["a header without a colon", get("/ready", MARKER), 400],
  ["a header line that is injected by escapes", get(`/ready%0d%0ax-evil:%20${MARKER}`), 404, "not_found"],
  ["a flood of headers", get("/ready", ...many(1_000)), 431],
  ["three hundred headers", get("/ready", ...many(300)), 431],
  ["as many headers as proxies may add", get("/ready", ...many(60)), 200],
  ["a huge header", get("/ready", `x-a: ${"a".repeat(64 * 1024)}`), 431],
  ["a huge address", get(`/${"a".repeat(64 * 1024)}`), 431],
  ["a huge query", get(`/ready?${"a".repeat(64 * 1024)}`), 431],
  ["a query of thousands of parameters", get(`/ready?${"a=1&".repeat(2_000)}`), 200],
  ["a query that names the prototype", get("/ready?__proto__[a]=1&constructor.prototype.a=1"), 200],
  ["escapes that are broken", get("/people/%E0%A4%A"), 401, "unauthorized"],
  ["bytes that are no text in the address", get("/\xff\xfe"), 404, "not_found"],
  ["a key that is no text", get("/people", "Authorization: Bearer \xff\xfe"), 401, "unauthorized"],
  [
    "a key of eight thousand characters",
    get("/people", `Authorization: Bearer ${"a".repeat(8_000)}`),
    401,
    "unauthorized",
  ],
  ["a length below nothing", post("/track", ["Content-Length: -1"]), 400],
  ["a length with a sign", post("/track", ["Content-Length: +5"], "abcde"), 400],
  ["a length in hexadecimal", post("/track", ["Content-Length: 0x5"], "abcde"), 400],
  ["a length that no number holds", post("/track", ["Content-Length: 99999999999999999999999"]), 400],
  ["two lengths", post("/track", ["Content-Length: 5", "Content-Length: 6"], "abcdef"), 400],
  [
    "a length and chunks, to smuggle",
    post("/track", ["Content-Length: 5", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
    400,
  ],
  ["chunks twice", post("/track", ["Transfer-Encoding: chunked, chunked"], "0\r\n\r\n"), 400],
  ["another transfer encoding", post("/track", ["Transfer-Encoding: gzip"], "0\r\n\r\n"), 400],
  ["a chunk of no length", post("/track", ["Transfer-Encoding: chunked"], "zz\r\nabc\r\n"), 400],
  ["a chunk below nothing", post("/track", ["Transfer-Encoding: chunked"], "-1\r\nabc\r\n"), 400],
  [
    "a chunk that no number holds",
    post("/track", ["Transfer-Encoding: chunked"], "ffffffffffffffffff\r\nabc\r\n"),
    400,
  ],
  [
    "a chunk with a huge extension",
    post("/track", ["Transfer-Encoding: chunked"], `1;${"a".repeat(20_000)}\r\na\r\n0\r\n\r\n`),
    413,
  ],
  ["ten gigabytes, by its own word", post("/track", ["Content-Length: 10737418240"], "["), 413, "too_large"],
  ["ten gigabytes to say who it is", post("/identify", ["Content-Length: 10737418240"], "{"), 413, "too_large"],
  [
    "ten gigabytes where nothing is taken",
    post("/health", ["Content-Length: 10737418240"], "{"),
    405,
    "method_not_allowed",
  ],
  ["ten gigabytes where there is nothing", post(`/${MARKER}`, ["Content-Length: 10737418240"], "{"), 404, "not_found"],
  [
    "a megabyte in chunks",
    post("/track", ["Transfer-Encoding: chunked"], `100000\r\n${" ".repeat(0x100000)}\r\n0\r\n\r\n`),
    413,
    "too_large",
  ],
  ["no body", post("/track", []), 400, "invalid_json"],
  [
    "a body that waits to be asked for",
    post("/track", [`Content-Length: ${EVENT.length}`, "Expect: 100-continue"], EVENT),
    200,
  ],
  ["another expectation", post("/track", [`Content-Length: ${EVENT.length}`, "Expect: tea"], EVENT), 200],
  ["a body where none is looked at", get("/ready", "Content-Length: 5").concat("abcde"), 200],
  [
    "a wish for a WebSocket where there is none",
    get("/ready", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    200,
  ],
];

describe("hostile requests, byte by byte", () => {
  const table = TABLE.map(([name, bytes, status, code = null]) => ({ name, bytes, status, code }));
  test.each(table)("$name", async ({ bytes, status, code }) => {
    const answer = await speak(port, bytes);
    expect(answer.status).toBe(status);
    if (code !== null) expect(JSON.parse(answer.body).error.code).toBe(code);
    expect(answer.text.toLowerCase()).not.toContain(MARKER);
    expect(answer.headers.get("x-powered-by")).toBeNull();
    expect(answer.headers.get("server")).toBeNull();
    expect(house.logged.filter((line) => line.includes('"error"'))).toEqual([]);
  });

  test("and the server still serves", async () => {
    const taken = await speak(port, post("/track", [`Content-Length: ${EVENT.length}`], EVENT));
    expect(taken.status).toBe(200);
  });
});

const isServing = async (): Promise<boolean> => (await speak(port, get("/ready"))).status === 200;

describe("who takes their time", () => {
  test("does not keep a connection: neither with the request line, nor headers, nor a body", async () => {
    const slow = { byte: "a", everyMs: 500 };
    const connections = await Promise.all([
      speak(port, "", { ...slow, byte: "G" }),
      speak(port, `GET /ready HTTP/1.1\r\n${HOST}X-A: `, slow),
      speak(port, post("/track", ["Content-Length: 5000"], "["), { ...slow, byte: " " }),
      speak(port, post("/track", ["Transfer-Encoding: chunked"]), { ...slow, byte: "1\r\n \r\n" }),
      speak(port, ""),
    ]);
    for (const { status, afterMs } of connections) {
      expect(status).not.toBe(200);
      expect(afterMs).toBeLessThan(45_000);
    }
    expect(await isServing()).toBe(true);
  });

  test("by the thousands does not keep others from being served", async () => {
    const COUNT = 2_000;
    const sockets: Socket[] = [];
    let open = 0;
    for (let index = 0; index < COUNT; index += 1) {
      const socket = connect(port, "127.0.0.1", () => {
        open += 1;
        if (index % 2 === 0) socket.write("POST /track HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n[");
      });
      socket.on("error", () => undefined);
      sockets.push(socket);
    }
    try {
      await eventually(() => open === COUNT, `${COUNT} open connections`);
      const beganMs = performance.now();
      for (let served = 0; served < 50; served += 1) expect(await isServing()).toBe(true);
      expect((performance.now() - beganMs) / 50).toBeLessThan(100);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

describe("bodies that stop short of their end", () => {
  /** Opens as many, and counts those that are turned away before they are read. */
  async function withHalfBodies(
    count: number,
    roomFor: number,
    network: (index: number) => string,
    work: () => Promise<void>,
  ) {
    const HALF = Buffer.alloc(490 * 1024, " ");
    const sockets: Socket[] = [];
    const statuses: number[] = [];
    let written = 0;
    for (let index = 0; index < count; index += 1) {
      const lines = [`Content-Length: ${500 * 1024}`, `X-Forwarded-For: ${network(index)}`];
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(post("/track", lines));
        socket.write(HALF, () => (written += 1));
      });
      socket.on("data", (bytes) => statuses.push(Number(bytes.toString("latin1").slice(9, 12))));
      socket.on("error", () => (written += 1));
      sockets.push(socket);
    }
    try {
      await eventually(() => written === count, `${count} half bodies`);
      await eventually(() => statuses.length >= count - roomFor, "the refusals");
      await work();
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    return statuses;
  }
  const sendFrom = (network: string) =>
    speak(port, post("/track", [`Content-Length: ${EVENT.length}`, `X-Forwarded-For: ${network}`], EVENT));

  test("take one network's share of memory, and others are served", async () => {
    Bun.gc(true);
    const before = process.memoryUsage().rss;
    const statuses = await withHalfBodies(
      200,
      16,
      () => "203.0.113.50",
      async () => {
        expect((await sendFrom("203.0.113.51")).status).toBe(200);
        expect((await sendFrom("203.0.113.50")).status).toBe(200);
        Bun.gc(true);
        expect((process.memoryUsage().rss - before) / 1024 / 1024).toBeLessThan(64);
      },
    );
    expect(statuses).toEqual(Array(184).fill(429));
  });

  test("take no more memory than there is for all networks together", async () => {
    const statuses = await withHalfBodies(
      160,
      131,
      (index) => `198.51.100.${index}`,
      async () => {
        expect(await isServing()).toBe(true);
        expect((await sendFrom("203.0.113.51")).status).toBe(200);
      },
    );
    expect(statuses).toEqual(Array(29).fill(429));
    const size = Buffer.byteLength(EVENT);
    const large = post("/track", [`Content-Length: ${490 * 1024}`, "X-Forwarded-For: 203.0.113.50"], EVENT);
    expect(size).toBeLessThan(large.length);
    await eventually(
      async () => (await speak(port, large.padEnd(large.length - size + 490 * 1024))).status === 200,
      "room again",
    );
  });
});

test("what is sent on after the refusal is not kept in memory", async () => {
  const MEGABYTE = Buffer.alloc(1024 * 1024, " ");
  const sent = async (path: string): Promise<void> => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    socket.write(post(path, ["Content-Length: 10737418240"]));
    for (let megabytes = 0; megabytes < 300 && !socket.destroyed; megabytes += 1) {
      if (socket.write(MEGABYTE)) continue;
      await Promise.race([
        new Promise((resolve) => socket.once("drain", resolve)),
        new Promise((resolve) => socket.once("close", resolve)),
        Bun.sleep(1_000),
      ]);
    }
    socket.destroy();
  };
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  await Promise.all(["/track", "/health", "/nothing"].map(sent));
  Bun.gc(true);
  expect((process.memoryUsage().rss - before) / 1024 / 1024).toBeLessThan(200);
  expect(await isServing()).toBe(true);
});
