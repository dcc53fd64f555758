import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { TrackCommand } from "../../../src/core/decide-track.ts";
import { FRAMES_WAITING_MAX, SOCKETS_PER_NETWORK_MAX, socketOptions } from "../../../src/features/live/limits.ts";
import type { TrackAnswer } from "../../../src/features/track/track.ts";
import { eventually } from "../../support/eventually.ts";
import { frameOf, OPCODES, openBare } from "../../support/frames.ts";
import { NOON_MS, type SentHeaders, startInstance, withSecret } from "../../support/instance.ts";
import { type LiveAnswer, openLive, startLive } from "../../support/live.ts";
import { ownAddress } from "../../support/own-address.ts";

setDefaultTimeout(60_000);

const event = { event: "page_view", anonymous_id: "visitor-1", url: "/pricing" };
const accepted = (eventId: string) => ({ event_id: eventId, status: "accepted" });
const deep = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

describe("a frame is answered as a request with the same body", () => {
  type Row = [name: string, body: unknown, status: number, headers?: SentHeaders];
  const rows: Row[] = [
    ["one event", { ...event, event_id: "a" }, 200],
    ["the same again", { ...event, event_id: "a" }, 200],
    ["a batch with a bad one in it", [{ ...event, event_id: "b" }, { event: "page_view" }], 200],
    ["an envelope", { events: [{ ...event, event_id: "c" }], sent_at: NOON_MS / 1_000 }, 200],
    ["an empty batch", [], 200],
    [
      "a click",
      { ...event, event: "campaign_click", event_id: "d", metadata: { link: "nobody", evidence: "pointer" } },
      200,
    ],
    ["nothing", "", 400],
    ["half an object", '{"event":', 400],
    ["a word that is no object", "true", 422],
    ["a number", "12", 422],
    ["no visitor", { event: "page_view" }, 422],
    ["a field that is not known", { ...event, surprise: 1 }, 422],
    ["what /identify writes", { ...event, event: "identify" }, 422],
    ["a name with NUL in it", { ...event, anonymous_id: "a\0b" }, 422],
    ["broken Unicode", `{"event":"page_view","anonymous_id":"v","session_id":"\\ud800"}`, 422],
    ["a number beyond numbers", `{"event":"page_view","anonymous_id":"v","timestamp":1e400}`, 422],
    ["metadata that is too deep", `{"event":"page_view","anonymous_id":"v","metadata":${deep(7)}}`, 422],
    ["what is nested more than ten thousand deep", deep(10_400), 422],
    ["an event that is too old", { ...event, timestamp: NOON_MS - 91 * 86_400_000 }, 422],
    ["an event that is too large", { ...event, metadata: { text: "x".repeat(33_000) } }, 413],
    ["too many events", Array(501).fill(event), 413],
    ["somebody's address without the key", { event: "page_view", email: "ada@acme.example" }, 403],
    ["a write key that is none", { events: [event], write_key: "wk_guessed" }, 401],
    ["the secret key, which is told the score", { ...event, event_id: "e", anonymous_id: "v-2" }, 200, withSecret],
    [
      "an address with the secret key",
      { event: "form_submit", event_id: "f", email: "ada@acme.example" },
      200,
      withSecret,
    ],
    ["a browser that asks not to be known", { ...event, event_id: "g" }, 200, { "sec-gpc": "1" }],
    ["one that says it otherwise", { ...event, event_id: "h" }, 200, { dnt: "1" }],
    ["a crawler", { ...event, event_id: "i" }, 200, { "user-agent": "Googlebot/2.1" }],
    ["what is fetched ahead", { ...event, event_id: "j" }, 200, { "sec-purpose": "prefetch" }],
  ];

  test("row by row, in the answer and in what is stored", async () => {
    await using overHttp = startInstance();
    await using overSocket = startLive();
    for (const [name, body, status, headers = {}] of rows) {
      const sent = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/137.0.0.0", ...headers };
      const asked = await overHttp.post("/track", body, sent);
      const client = await openLive(overSocket.url, { headers: sent });
      const answered = await client.ask(body);
      client.close();
      expect([name, answered.status]).toEqual([name, status]);
      expect([name, { status: answered.status, body: answered.body }]).toEqual([
        name,
        { status: asked.status, body: asked.body },
      ]);
      expect(answered.retry_after).toBeUndefined();
    }
    const stored = "select event_id, name, bot, occurred_at from event order by event_id";
    const rejected = "select code, field, message from rejected_event order by rejected_at, code, field";
    expect(overSocket.rows(stored)).toEqual(overHttp.rows(stored));
    expect(overSocket.rows(stored).length).toBe(8);
    expect(overSocket.rows(rejected)).toEqual(overHttp.rows(rejected));
    expect(overSocket.logged.filter((line) => line.includes('"error"'))).toEqual([]);
  });

  test("where intent.json asks for the write key, without it nothing is taken, with it all is", async () => {
    await using house = startLive({ intent: { ingest: { require_write_key: true } } });
    const client = await openLive(house.url);
    expect(await client.ask(event)).toMatchObject({ status: 401, body: { error: { field: "write_key" } } });
    expect(await client.ask({ events: [event], write_key: house.keys.writeKey })).toMatchObject({ status: 200 });
    const backend = await openLive(house.url, { headers: withSecret });
    expect(await backend.ask(event)).toMatchObject({ status: 200 });
    expect(house.rows("select 1 from event")).toHaveLength(2);
  });

  test("what a visitor did over the socket scores as over HTTP, and crosses", async () => {
    await using house = startLive();
    const client = await openLive(house.url, { headers: withSecret });
    await client.ask(event);
    const { body } = await client.ask<TrackAnswer>(event);
    expect(body.events).toMatchObject([{ score: 41, level: "warm", signals: [{ threshold: "warm" }] }]);
    expect(house.rows("select 1 from signal")).toHaveLength(1);
  });
});

describe("answers", () => {
  test("come in the order of the frames, whatever is ready first", async () => {
    await using house = startLive();
    const client = await openLive(house.url);
    const batch = Array.from({ length: 150 }, (_, index) => ({ ...event, event_id: `b-${index}` }));
    for (let round = 0; round < 10; round += 1) {
      client.send(batch.map((one) => ({ ...one, event_id: `${one.event_id}-${round}` })));
      client.send("{");
      client.send({ ...event, event_id: `single-${round}` });
      client.send({ event: "page_view" });
    }
    await eventually(() => client.answers.length === 40, "all answers");
    expect(client.answers.map(({ status }) => status)).toEqual(Array(10).fill([200, 400, 200, 422]).flat());
    const singles = client.answers.filter((_, index) => index % 4 === 2) as LiveAnswer<TrackAnswer>[];
    expect(singles.map(({ body }) => body.events[0])).toEqual(
      Array.from({ length: 10 }, (_, round) => accepted(`single-${round}`)) as TrackAnswer["events"],
    );
  });

  test("an event that comes over both counts once, and both are told", async () => {
    await using house = startLive();
    const clients = await Promise.all([openLive(house.url), openLive(house.url)]);
    for (let index = 0; index < 20; index += 1) {
      const same = { ...event, event_id: `same-${index}` };
      const [first, second, third] = await Promise.all([
        house.post<TrackAnswer>("/track", same),
        ...clients.map((client) => client.ask<TrackAnswer>(same)),
      ]);
      const totals = [first, second, third].map((answer) => answer?.body.accepted ?? 0);
      expect(totals.toSorted()).toEqual([0, 0, 1]);
    }
    expect(house.rows("select 1 from event")).toHaveLength(20);
  });

  test("two hundred sockets at once, each with its own", async () => {
    await using house = startLive();
    const clients = await Promise.all(Array.from({ length: 200 }, () => openLive(house.url)));
    const answers = await Promise.all(
      clients.flatMap((client, socket) =>
        [0, 1, 2, 3, 4].map((frame) =>
          client.ask<TrackAnswer>({ ...event, anonymous_id: `visitor-${socket}`, event_id: `${socket}-${frame}` }),
        ),
      ),
    );
    answers.forEach(({ body }, index) => {
      expect(body.events).toEqual([accepted(`${Math.floor(index / 5)}-${index % 5}`)] as TrackAnswer["events"]);
    });
    expect(house.rows("select 1 from event")).toHaveLength(1_000);
    expect((await house.getSecret("/metrics")).text).toContain("\ndo_intent_live_sockets 200\n");
    for (const client of clients) client.close();
    await eventually(() => house.app.server?.pendingWebSockets === 0, "all to be closed");
    const { text } = await house.getSecret("/metrics");
    expect(text).toContain("\ndo_intent_live_sockets 0\n");
    expect(text).toContain('\ndo_intent_live_frames_total{status="200"} 1000\n');
    expect(text).toContain('\ndo_intent_events_total{outcome="accepted"} 1000\n');
    expect(text).toContain('\ndo_intent_requests_total{method="GET",route="/live",status="101"} 200\n');
  });
});

describe("who may open one", () => {
  const origins = ["https://www.acme.example", "https://*.shop.example"];
  const table: [string, SentHeaders, boolean][] = [
    ["a page that may send", { origin: "https://www.acme.example" }, true],
    ["a sub-domain that may", { origin: "https://de.shop.example" }, true],
    ["a page that may not", { origin: "https://evil.example" }, false],
    ["one that looks like it", { origin: "https://www.acme.example.evil.example" }, false],
    ["one that hides where it is from", { origin: "null" }, false],
    ["the same in a lead magnet's clothes", { origin: "http://127.0.0.1" }, false],
    ["a program, which has no origin", {}, true],
    ["who has a secret key", { origin: "https://evil.example", ...withSecret }, true],
    [
      "who has a wrong one",
      { origin: "https://www.acme.example", authorization: "Bearer sk_guessed_0123456789" },
      false,
    ],
  ];
  test.each(table)("%s", async (_, headers, isOpened) => {
    await using house = startLive({ origins });
    const opened = await openLive(house.url, { headers }).then(
      (client) => client,
      () => null,
    );
    expect(opened !== null).toBe(isOpened);
    if (opened !== null) expect(await opened.ask(event)).toMatchObject({ status: 200 });
    expect(house.rows("select 1 from event")).toHaveLength(isOpened ? 1 : 0);
  });

  test("with none configured any page may", async () => {
    await using house = startLive();
    const client = await openLive(house.url, { headers: { origin: "https://any.example" } });
    expect(await client.ask(event)).toMatchObject({ status: 200 });
  });

  test("a key that may only read opens none", async () => {
    await using house = startLive();
    const { body } = await house.postSecret<{ key: string }>("/keys", { name: "reports", scopes: ["read"] });
    const opening = openLive(house.url, { headers: { authorization: `Bearer ${body.key}` } });
    expect(opening.catch((error: Error) => error.message)).resolves.toContain("not opened");
  });

  test("a key that is revoked ends with the next frame; what was sent before is answered", async () => {
    await using house = startLive();
    const made = await house.postSecret<{ key: string; key_id: string }>("/keys", { name: "shop", scopes: ["ingest"] });
    const client = await openLive(house.url, { headers: { authorization: `Bearer ${made.body.key}` } });
    expect(await client.ask({ ...event, email: "ada@acme.example", anonymous_id: undefined })).toMatchObject({
      status: 200,
      body: { accepted: 1 },
    });
    const revoked = await house.app.handle(
      new Request(`${house.url}/keys/${made.body.key_id}`, { method: "DELETE", headers: withSecret }),
    );
    expect(revoked.status).toBe(200);
    client.send(event);
    client.send(event);
    const { code, reason } = await client.closed;
    expect(code).toBe(1008);
    expect(reason).toContain("secret key");
    expect(client.answers.slice(1).map(({ status }) => status)).toEqual([401, 401].slice(0, client.answers.length - 1));
    expect(client.answers.length).toBeGreaterThan(1);
    expect(house.rows("select 1 from event")).toHaveLength(1);
  });
});

describe("how much may come in", () => {
  const ONCE = { per_second: 0.01, burst: 3 };
  const OFFICE = { "x-forwarded-for": "203.0.113.9" };
  const ELSEWHERE = { "x-forwarded-for": "203.0.113.10" };

  function expectTooMuch(answer: LiveAnswer, limit: string): void {
    expect(answer).toMatchObject({ status: 429, body: { error: { code: "overloaded" } } });
    expect(answer.body.error.message).toContain(`limits.${limit}`);
    expect(answer.retry_after).toBeGreaterThanOrEqual(90);
    expect(answer.retry_after).toBeLessThanOrEqual(100);
  }

  test("a frame is a request of its network, as opening is, and the socket outlives its refusal", async () => {
    await using house = startLive({ intent: { limits: { network: ONCE } } });
    const client = await openLive(house.url, { headers: OFFICE });
    for (let sent = 0; sent < 2; sent += 1) expect(await client.ask(event)).toMatchObject({ status: 200 });
    expectTooMuch(await client.ask(event), "network");
    expect((await house.post("/track", event, OFFICE)).status).toBe(429);
    const other = await openLive(house.url, { headers: ELSEWHERE });
    expect(await other.ask(event)).toMatchObject({ status: 200 });
    house.configureIntent({});
    expect(await client.ask(event)).toMatchObject({ status: 200 });
    expect(openLive(house.url, { headers: { "x-forwarded-for": "198.51.100.7, 203.0.113.9" } })).resolves.toBeDefined();
  });

  test.skipIf(ownAddress === undefined)("of who comes without a proxy the connection says where from", async () => {
    await using house = startLive({ intent: { limits: { network: ONCE } } }, ownAddress);
    const client = await openLive(house.url, { headers: ELSEWHERE });
    for (let sent = 0; sent < 2; sent += 1) expect(await client.ask(event)).toMatchObject({ status: 200 });
    expectTooMuch(await client.ask(event), "network");
    expect(house.rows("select 1 from event")).toHaveLength(2);
  });

  test("what somebody writes into the header makes no other network of them", async () => {
    await using house = startLive({ intent: { limits: { network: ONCE } } });
    const headers = (forged: string) => ({ "x-forwarded-for": `${forged}, 203.0.113.9` });
    for (const forged of ["198.51.100.1", "198.51.100.2", "127.0.0.1"])
      await openLive(house.url, { headers: headers(forged) });
    const fourth = openLive(house.url, { headers: headers("198.51.100.4") });
    expect(fourth.catch((error: Error) => error.message)).resolves.toContain("not opened");
  });

  test("a secret key has its own, a write key too, and a visitor", async () => {
    const limits = { network: { per_second: 1_000, burst: 1_000 }, key: ONCE, visitor: ONCE };
    await using house = startLive({ intent: { limits } });
    const backend = await openLive(house.url, { headers: { ...OFFICE, ...withSecret } });
    for (let sent = 0; sent < 2; sent += 1) expect(await backend.ask(event)).toMatchObject({ status: 200 });
    expectTooMuch(await backend.ask(event), "key");
    const page = await openLive(house.url, { headers: OFFICE });
    const withKey = (visitor: number) => ({
      events: [{ ...event, anonymous_id: `visitor-${visitor}` }],
      write_key: house.keys.writeKey,
    });
    for (let sent = 1; sent < 4; sent += 1) expect(await page.ask(withKey(sent))).toMatchObject({ status: 200 });
    expectTooMuch(await page.ask(withKey(4)), "key");
    const visitor = await openLive(house.url, { headers: ELSEWHERE });
    const another = { ...event, anonymous_id: "visitor-9" };
    expect(await visitor.ask([another, another, another])).toMatchObject({ status: 200 });
    expectTooMuch(await visitor.ask(another), "visitor");
  });

  test("a writer with too much before it takes nothing more, and loses nothing it took", async () => {
    await using house = startLive();
    const client = await openLive(house.url);
    const command = (index: number): TrackCommand => ({
      type: "track",
      actor: { kind: "anonymous_id", value: `visitor-${index % 100}` },
      isTrusted: false,
      event: {
        eventId: `event-${index}`,
        name: "page_view",
        occurredMs: NOON_MS,
        receivedMs: NOON_MS,
        sessionId: null,
        url: "/pricing",
        referrer: null,
        properties: {},
        bot: null,
      },
    });
    await client.ask(event);
    const asked = client.ask(event);
    const batches = Array.from({ length: 30 }, (_, batch) =>
      house.engine.submit(Array.from({ length: 1_000 }, (__, index) => command(batch * 1_000 + index))),
    );
    expect(await asked).toMatchObject({ status: 429, retry_after: 1, body: { error: { code: "overloaded" } } });
    await Promise.all(batches);
    expect(await client.ask(event)).toMatchObject({ status: 200 });
    expect(house.rows<{ count: number }>("select count(*) as count from event")).toEqual([{ count: 30_002 }]);
  });

  test("of one network so many sockets, of others more", async () => {
    await using house = startLive();
    const clients = await Promise.all(
      Array.from({ length: SOCKETS_PER_NETWORK_MAX }, () => openLive(house.url, { headers: OFFICE })),
    );
    const extra = await openLive(house.url, { headers: OFFICE });
    expect(await extra.closed).toEqual({
      code: 1013,
      reason: `${SOCKETS_PER_NETWORK_MAX} sockets are open from this network; close some, or send to /track`,
    });
    const other = await openLive(house.url, { headers: ELSEWHERE });
    expect(await other.ask(event)).toMatchObject({ status: 200 });
    clients[0]?.close();
    await clients[0]?.closed;
    await eventually(() => house.app.server?.pendingWebSockets === SOCKETS_PER_NETWORK_MAX, "one to be gone");
    const next = await openLive(house.url, { headers: OFFICE });
    expect(await next.ask(event)).toMatchObject({ status: 200 });
    expect(await clients[1]?.ask(event)).toMatchObject({ status: 200 });
  });

  test("so many frames at once; those that were taken are answered before it is closed", async () => {
    await using house = startLive();
    const socket = await openBare(house.port);
    const frames = Array.from({ length: FRAMES_WAITING_MAX + 1 }, (_, index) =>
      frameOf(OPCODES.text, JSON.stringify({ ...event, event_id: `at-once-${index}` })),
    );
    socket.write(Buffer.concat(frames));
    const { code, reason } = await eventually(() => socket.closing(), "the end");
    expect(code).toBe(1008);
    expect(reason).toContain(`more than ${FRAMES_WAITING_MAX} frames`);
    const told = socket.texts().map((text) => (JSON.parse(text) as LiveAnswer<TrackAnswer>).body.events[0]);
    expect(told).toEqual(
      Array.from({ length: FRAMES_WAITING_MAX }, (_, index) => accepted(`at-once-${index}`)) as TrackAnswer["events"],
    );
    expect(house.rows("select 1 from event")).toHaveLength(FRAMES_WAITING_MAX);
  });

  test("who does not read the answers is closed, and holds up nobody", async () => {
    await using house = startLive({ intent: { limits: { network: { per_second: 1e6, burst: 1e6 } } } });
    const deaf = await openBare(house.port, `Authorization: ${withSecret.authorization}`);
    deaf.turnDeaf();
    const other = await openLive(house.url);
    const batch = Array.from({ length: 500 }, (_, index) => ({ event: "seen", anonymous_id: `visitor-${index % 5}` }));
    const frame = frameOf(OPCODES.text, JSON.stringify(batch));
    let sent = 0;
    while (house.app.server?.pendingWebSockets === 2 && sent < 500) {
      deaf.write(frame);
      sent += 1;
      expect(await other.ask(event)).toMatchObject({ status: 200 });
    }
    expect(house.app.server?.pendingWebSockets).toBe(1);
    expect(sent).toBeGreaterThan(10);
    deaf.destroy();
    expect(house.logged.filter((line) => line.includes('"error"'))).toEqual([]);
  });

  test("who is gone without a word is closed; who answers pings is not", async () => {
    await using house = startInstance();
    const IDLE_S = 8;
    house.app.listen({ hostname: "127.0.0.1", port: 0, websocket: socketOptions(IDLE_S) });
    const port = house.app.server?.port ?? 0;
    try {
      const gone = await openBare(port);
      const there = await openLive(`http://127.0.0.1:${port}`);
      await eventually(() => gone.isEnded(), "the end of who does not answer");
      expect(gone.frames.some(({ opcode }) => opcode === OPCODES.ping)).toBe(true);
      expect(there.isOpen()).toBe(true);
      expect(await there.ask(event)).toMatchObject({ status: 200 });
    } finally {
      await house.app.server?.stop(true);
    }
  });
});

describe("the end of the server", () => {
  test("what is under way is answered, then it closes; nothing more is taken", async () => {
    await using house = startLive();
    const clients = await Promise.all(Array.from({ length: 5 }, () => openLive(house.url)));
    for (const [socket, client] of clients.entries()) {
      await client.ask(event);
      for (let frame = 0; frame < 20; frame += 1) client.send({ ...event, event_id: `${socket}-${frame}` });
    }
    await house.retire();
    const closed = await Promise.all(clients.map((client) => client.closed));
    expect(new Set(closed.map(({ code }) => code))).toEqual(new Set([1001]));
    expect(closed[0]?.reason).toContain("stopping");
    const told = clients.flatMap(({ answers }) => answers.slice(1) as LiveAnswer<TrackAnswer>[]);
    expect(told.every(({ status }) => status === 200)).toBe(true);
    expect(house.rows("select 1 from event")).toHaveLength(told.length + 5);
    const late = await openLive(house.url);
    expect((await late.closed).code).toBe(1001);
  });
});
