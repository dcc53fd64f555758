import { expect, test } from "bun:test";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { OutgoingRequest } from "../../src/destinations/interface.ts";
import { send } from "../../src/destinations/send.ts";
import { SELF_SIGNED } from "./certificate.ts";
import { answering, type Behaviour, startReceiver } from "./receiver.ts";

const post = (url: string): OutgoingRequest => ({ url, method: "POST", headers: {}, body: '{"a":1}' });

const HANG_MS = 300;
/** For those that do answer, also on a busy machine. */
const PATIENCE_MS = 10_000;

const endless: Behaviour = (_, response) => {
  response.writeHead(200);
  const pour = (): void => {
    if (response.destroyed) return;
    response.write("x".repeat(65_536), () => setImmediate(pour));
  };
  pour();
};

/** Past the server's own care for what it says. */
const overlong =
  (headers: string): Behaviour =>
  (_, __, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\n`);
    const piece = "x".repeat(4_096);
    const pour = (): void => {
      if (socket.destroyed) return;
      socket.write(/chunked/.test(headers) ? `1000\r\n${piece}\r\n` : piece, () => setImmediate(pour));
    };
    pour();
  };

const behaviours: [string, Behaviour, { status: number | null; body: RegExp }][] = [
  ["answers", answering(200, "ok"), { status: 200, body: /^ok$/ }],
  ["refuses", answering(500, "no"), { status: 500, body: /^no$/ }],
  ["redirects elsewhere", answering(302, "", { location: "http://127.0.0.1:1/" }), { status: 302, body: /^$/ }],
  ["never answers", () => undefined, { status: null, body: /no answer within 300 ms/ }],
  ["closes without a word", (_, __, socket) => socket.destroy(), { status: null, body: /./ }],
  ["says something else than HTTP", (_, __, socket) => socket.end("hello\r\n\r\n"), { status: null, body: /./ }],
  [
    "closes in the middle of its answer",
    (_, response, socket) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half");
      setTimeout(() => socket.destroy(), 20);
    },
    { status: 200, body: /^(half)?$/ },
  ],
  [
    "begins to answer and never ends",
    (_, response) => {
      response.writeHead(200);
      response.write("slow");
    },
    { status: 200, body: /^slow$/ },
  ],
  ["answers without end", endless, { status: 200, body: /^x{4096}$/ }],
  ["names a length and sends more", overlong("content-length: 5"), { status: 200, body: /^x{5}$/ }],
  [
    "names a length and sends pieces without end",
    overlong("content-length: 5\r\ntransfer-encoding: chunked"),
    { status: 200, body: /^x{4096}$/ },
  ],
];

for (const [what, behaviour, expected] of behaviours) {
  test(`a receiver that ${what} gives ${expected.status ?? "no status"}`, async () => {
    await using receiver = await startReceiver(behaviour);
    const timeoutMs = /never/.test(what) ? HANG_MS : PATIENCE_MS;
    const answer = await send(post(receiver.url), { isPrivateAllowed: () => true, timeoutMs });
    expect(answer.status).toBe(expected.status);
    expect(answer.body).toMatch(expected.body);
    expect(receiver.received).toHaveLength(1);
  });
}

test("a connection that nobody takes is an answer without status", async () => {
  const receiver = await startReceiver();
  await receiver[Symbol.asyncDispose]();
  const answer = await send(post(receiver.url), { isPrivateAllowed: () => true });
  expect(answer.status).toBeNull();
});

const guarded: [string, string, string[]][] = [
  ["a loopback address", "http://127.0.0.1:PORT/", []],
  ["a loopback address in another notation", "http://2130706433:PORT/", []],
  ["an IPv6 loopback address", "http://[::1]:PORT/", []],
  ["a loopback address mapped into IPv6", "http://[::ffff:127.0.0.1]:PORT/", []],
  ["a name that points to a private address", "http://crm.example:PORT/", ["127.0.0.1"]],
  ["a name that points to nothing", "http://crm.example:PORT/", []],
];

for (const [what, url, addresses] of guarded) {
  test(`${what} is not connected to`, async () => {
    await using receiver = await startReceiver();
    const port = new URL(receiver.url).port;
    const answer = await send(post(url.replace("PORT", port)), {
      isPrivateAllowed: () => false,
      resolve: async () => addresses,
    });
    expect(answer.status).toBeNull();
    expect(answer.body).toMatch(/is not a public address|could not be resolved/);
    expect(receiver.received).toHaveLength(0);
  });
}

test("a name is resolved once, for checking and connecting alike, so that it cannot change in between", async () => {
  await using receiver = await startReceiver();
  const asked: string[] = [];
  const answer = await send(post(`http://crm.example:${new URL(receiver.url).port}/`), {
    isPrivateAllowed: () => true,
    resolve: async (host) => {
      asked.push(host);
      return ["127.0.0.1"];
    },
  });
  expect(answer.status).toBe(200);
  expect(asked).toEqual(["crm.example"]);
  expect(receiver.received[0]?.headers.host).toStartWith("crm.example:");
});

test("nobody is told anything whose certificate nobody vouches for", async () => {
  let requests = 0;
  const server = createServer(SELF_SIGNED, (_, response) => {
    requests += 1;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const answer = await send(post(`https://crm.example:${port}/`), {
    isPrivateAllowed: () => true,
    resolve: async () => ["127.0.0.1"],
  });
  server.closeAllConnections();
  server.close();
  expect(answer.status).toBeNull();
  expect(answer.body).toMatch(/certificate/i);
  expect(requests).toBe(0);
});

test("the reason why nothing came back does not tell the address, which may hold a secret", async () => {
  const receiver = await startReceiver();
  await receiver[Symbol.asyncDispose]();
  const answer = await send(post(`${receiver.url}/bot123:abc`), { isPrivateAllowed: () => true });
  expect(answer.body).not.toContain("bot123");
});
