import { expect, test } from "bun:test";
import type { OutgoingRequest } from "../../src/destinations/interface.ts";
import { send } from "../../src/destinations/send.ts";
import { answering, type Behaviour, startReceiver } from "./receiver.ts";

const post = (url: string): OutgoingRequest => ({ url, method: "POST", headers: {}, body: '{"a":1}' });

const endless: Behaviour = (_, response) => {
  response.writeHead(200);
  const pour = (): void => {
    if (response.destroyed) return;
    response.write("x".repeat(65_536), () => setImmediate(pour));
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
];

for (const [what, behaviour, expected] of behaviours) {
  test(`a receiver that ${what} gives ${expected.status ?? "no status"}`, async () => {
    await using receiver = await startReceiver(behaviour);
    const answer = await send(post(receiver.url), { isPrivateAllowed: true, timeoutMs: 300 });
    expect(answer.status).toBe(expected.status);
    expect(answer.body).toMatch(expected.body);
    expect(receiver.received).toHaveLength(1);
  });
}

test("a connection that nobody takes is an answer without status", async () => {
  const receiver = await startReceiver();
  await receiver[Symbol.asyncDispose]();
  const answer = await send(post(receiver.url), { isPrivateAllowed: true });
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
      isPrivateAllowed: false,
      resolve: async () => addresses.map((address) => ({ address, family: 4 })),
    });
    expect(answer.status).toBeNull();
    expect(answer.body).toContain("is not a public address");
    expect(receiver.received).toHaveLength(0);
  });
}

test("a name is resolved once, for checking and connecting alike, so that it cannot change in between", async () => {
  await using receiver = await startReceiver();
  const asked: string[] = [];
  const answer = await send(post(`http://crm.example:${new URL(receiver.url).port}/`), {
    isPrivateAllowed: true,
    resolve: async (host) => {
      asked.push(host);
      return [{ address: "127.0.0.1", family: 4 }];
    },
  });
  expect(answer.status).toBe(200);
  expect(asked).toEqual(["crm.example"]);
});
