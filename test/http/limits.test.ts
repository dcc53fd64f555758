import { describe, expect, test } from "bun:test";
import { Elysia } from "elysia";
import type { TrackCommand } from "../../src/core/decide-track.ts";
import { errorHandler } from "../../src/http/errors.ts";
import { guardLoad } from "../../src/http/guard.ts";
import { createLog } from "../../src/http/log.ts";
import { createLagMeter } from "../../src/http/overload.ts";
import { type Answer, NOON_MS, startInstance, type TestInstance, withSecret } from "../support/instance.ts";
import { expectRefusal } from "../support/secrecy.ts";

const OFFICE = { "x-forwarded-for": "203.0.113.9" };
const ELSEWHERE = { "x-forwarded-for": "203.0.113.10" };
/** Nothing comes back within a test. */
const ONCE = { per_second: 0.01, burst: 3 };
const event = { event: "page_view", anonymous_id: "visitor-1" };
const person = { anonymous_id: "visitor-1", identity: { email: "ada@acme.example" } };

function expectTooMuch(
  house: TestInstance,
  answer: Answer,
  limit: string,
  secondsMin: number,
  secondsMax: number,
): void {
  expectRefusal(house, answer, { status: 429, code: "overloaded", says: `limits.${limit}` });
  const seconds = Number(answer.headers.get("retry-after"));
  expect(seconds).toBeGreaterThanOrEqual(secondsMin);
  expect(seconds).toBeLessThanOrEqual(secondsMax);
}

describe("one network", () => {
  const intent = { limits: { network: ONCE } };

  test("may send so much, and is told truly when it may again", async () => {
    await using house = startInstance({ intent });
    for (let sent = 0; sent < 3; sent += 1) expect((await house.post("/track", event, OFFICE)).status).toBe(200);
    expectTooMuch(house, await house.post("/track", event, OFFICE), "network", 90, 100);
    expect(house.rows("select 1 from event")).toHaveLength(3);
    expect((await house.post("/track", event, ELSEWHERE)).status).toBe(200);
  });

  test("is held at every address, also where there is nothing, and with keys that are none", async () => {
    await using house = startInstance({ intent });
    await house.get("/s.js", OFFICE);
    await house.get("/nothing", OFFICE);
    await house.get("/people", { ...OFFICE, authorization: "Bearer sk_guessed_0123456789" });
    expectTooMuch(house, await house.post("/track", event, OFFICE), "network", 90, 100);
    expectTooMuch(house, await house.post("/identify", person, OFFICE), "network", 90, 100);
    const guessed = await house.get("/people", { ...OFFICE, authorization: "Bearer sk_guessed_0123456780" });
    expectTooMuch(house, guessed, "network", 90, 100);
  });

  test("may bring so many events, however many it puts into a request and whoever they are of", async () => {
    await using house = startInstance({ intent: { limits: { network_events: { per_second: 0.1, burst: 10 } } } });
    const others = (count: number) =>
      Array.from({ length: count }, () => ({ ...event, anonymous_id: Bun.randomUUIDv7() }));
    expect((await house.post("/track", others(7), OFFICE)).status).toBe(200);
    expectTooMuch(house, await house.post("/track", others(8), OFFICE), "network_events", 45, 50);
    expect((await house.post("/track", others(8), ELSEWHERE)).status).toBe(200);
    expect((await house.post("/track", others(3), OFFICE)).status).toBe(200);
    expect((await house.post("/track", others(50), { ...OFFICE, ...withSecret })).status).toBe(200);
  });

  test("is a /64 of IPv6", async () => {
    await using house = startInstance({ intent });
    const from = (address: string) => house.post("/track", event, { "x-forwarded-for": address });
    for (const host of ["1", "2", "ffff:ffff:ffff:ffff"])
      expect((await from(`2001:db8:0:1::${host}`)).status).not.toBe(0);
    for (const host of ["3", "4"]) await from(`2001:db8:0:1:5::${host}`);
    expectTooMuch(house, await from("2001:db8:0:1:9::9"), "network", 90, 100);
    expect((await from("2001:db8:0:2::1")).status).toBe(200);
  });

  test("cannot make itself another by what it writes into the header", async () => {
    await using house = startInstance({ intent });
    const says = (forged: string) => house.post("/track", event, { "x-forwarded-for": `${forged}, 203.0.113.9` });
    for (const forged of ["198.51.100.1", "198.51.100.2", "127.0.0.1"]) expect((await says(forged)).status).toBe(200);
    expectTooMuch(house, await says("198.51.100.3"), "network", 90, 100);
  });

  test("the answer can be read by the page that sent", async () => {
    await using house = startInstance({ intent });
    const headers = { ...OFFICE, origin: "https://acme.example" };
    for (let sent = 0; sent < 3; sent += 1) await house.post("/track", event, headers);
    const answer = await house.post("/track", event, headers);
    expect(answer.status).toBe(429);
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://acme.example");
    expect(answer.headers.get("access-control-expose-headers")).toContain("retry-after");
  });

  test("on this machine has no limit where no proxy speaks for it", async () => {
    await using house = startInstance({ intent });
    for (let sent = 0; sent < 50; sent += 1) expect((await house.post("/track", event)).status).toBe(200);
  });

  test("other proxies are believed when they are configured, and only then", async () => {
    await using house = startInstance({ intent: { limits: { network: ONCE, trusted_proxies: [] } } });
    for (let sent = 0; sent < 9; sent += 1) expect((await house.post("/track", event, OFFICE)).status).toBe(200);
    house.configureIntent({ limits: { network: ONCE, trusted_proxies: ["127.0.0.1/32"] } });
    for (let sent = 0; sent < 3; sent += 1) await house.post("/track", event, OFFICE);
    expect((await house.post("/track", event, OFFICE)).status).toBe(429);
  });

  test("other rates hold at once, and nobody waits for the old ones", async () => {
    await using house = startInstance({ intent: { limits: { network: { per_second: 0.001, burst: 1 } } } });
    await house.post("/track", event, OFFICE);
    expect((await house.post("/track", event, OFFICE)).status).toBe(429);
    house.configureIntent({ limits: { network: { per_second: 100, burst: 100 } } });
    for (let sent = 0; sent < 50; sent += 1) expect((await house.post("/track", event, OFFICE)).status).toBe(200);
  });
});

describe("one key", () => {
  test("a secret key has its own limit, and not its network's", async () => {
    await using house = startInstance({ intent: { limits: { network: { ...ONCE, burst: 1 }, key: ONCE } } });
    const headers = { ...OFFICE, ...withSecret };
    for (let sent = 0; sent < 3; sent += 1) expect((await house.post("/track", event, headers)).status).toBe(200);
    expectTooMuch(house, await house.post("/track", event, headers), "key", 90, 100);
    expectTooMuch(house, await house.get("/people", headers), "key", 90, 100);
    expect((await house.post("/track", event, OFFICE)).status).toBe(200);
  });

  test("a write key is one sender, wherever its pages are read", async () => {
    await using house = startInstance({ intent: { limits: { key: ONCE } } });
    const send = (network: number) =>
      house.post(
        "/track",
        { events: [{ ...event, anonymous_id: `visitor-${network}` }], write_key: house.keys.writeKey },
        { "x-forwarded-for": `203.0.113.${network}` },
      );
    for (let network = 1; network <= 3; network += 1) expect((await send(network)).status).toBe(200);
    expectTooMuch(house, await send(4), "key", 90, 100);
    expect(house.rows("select 1 from event")).toHaveLength(3);
  });
});

describe("one visitor", () => {
  const intent = { limits: { visitor: { per_second: 0.1, burst: 10 } } };

  test("may do so much, wherever they are, and others are not held by it", async () => {
    await using house = startInstance({ intent });
    expect((await house.post("/track", Array(10).fill(event), OFFICE)).status).toBe(200);
    expectTooMuch(house, await house.post("/track", event, ELSEWHERE), "visitor", 5, 10);
    expectTooMuch(house, await house.post("/identify", person, OFFICE), "visitor", 5, 10);
    expectTooMuch(house, await house.post("/track", Array(5).fill(event), OFFICE), "visitor", 45, 50);
    expect((await house.post("/track", { ...event, anonymous_id: "visitor-2" }, OFFICE)).status).toBe(200);
    expect(house.rows("select 1 from event")).toHaveLength(11);
  });

  test("a batch is taken whole or not at all", async () => {
    await using house = startInstance({ intent });
    const batch = [{ ...event, anonymous_id: "visitor-2" }, ...Array(10).fill(event)];
    await house.post("/track", event, OFFICE);
    expect((await house.post("/track", batch, OFFICE)).status).toBe(429);
    expect(house.rows("select 1 from event")).toHaveLength(1);
  });

  test("what a backend brings with a secret key is not held", async () => {
    await using house = startInstance({ intent });
    expect((await house.post("/track", Array(100).fill(event), { ...OFFICE, ...withSecret })).status).toBe(200);
  });
});

test("an office of five hundred who all click at once passes as configured by default", async () => {
  await using house = startInstance();
  for (let visitor = 0; visitor < 500; visitor += 1) {
    for (let click = 0; click < 4; click += 1) {
      const { status } = await house.post("/track", { ...event, anonymous_id: `visitor-${visitor}` }, OFFICE);
      if (status !== 200) throw new Error(`visitor ${visitor} was answered ${status}`);
    }
  }
}, 60_000);

describe("what limits take in intent.json", () => {
  const wrong: [string, object, string][] = [
    ["a rate of nothing", { network: { per_second: 0 } }, "limits.network.per_second"],
    ["a burst of nothing", { visitor: { burst: 0 } }, "limits.visitor.burst"],
    ["half a burst", { key: { burst: 1.5 } }, "limits.key.burst"],
    ["another place", { country: {} }, "limits.country"],
    ["a name as proxy", { trusted_proxies: ["proxy.example.com"] }, "limits.trusted_proxies[0]"],
    ["a range that is none", { trusted_proxies: ["10.0.0.0/33"] }, "limits.trusted_proxies[0]"],
    ["a range with two ends", { trusted_proxies: ["10.0.0.0/8/8"] }, "limits.trusted_proxies[0]"],
  ];
  test.each(wrong)("not %s", (_, limits, place) => {
    expect(() => startInstance({ intent: { limits } })).toThrow(place);
  });
});

describe("too much of everything", () => {
  test("the event loop is late when it is late twice in a row", () => {
    const lag = createLagMeter(0);
    lag.sample(250);
    expect(lag.isLate()).toBe(false);
    lag.sample(3_000);
    expect(lag.isLate()).toBe(false);
    lag.sample(3_250);
    expect(lag.isLate()).toBe(false);
    lag.sample(5_000);
    lag.sample(6_600);
    expect(lag.isLate()).toBe(true);
    lag.sample(6_850);
    expect(lag.isLate()).toBe(false);
  });

  test("is turned away before any work; who asks for our health is answered", async () => {
    let bodies = 0;
    let isOverloaded = true;
    const limits = { admit: () => null, charge: () => undefined, networkOf: () => null, isProxy: () => false };
    const app = new Elysia()
      .use(errorHandler(createLog("json", () => undefined)))
      .use(guardLoad(limits, { isOverloaded: () => isOverloaded }))
      .post("/track", () => "taken", { parse: () => (bodies += 1) })
      .get("/health", () => "well")
      .get("/people", () => "healthy?/health");
    const ask = (path: string, method = "GET") => app.handle(new Request(`http://localhost${path}`, { method }));
    for (const [path, method] of [
      ["/track", "POST"],
      ["/people", "GET"],
      ["/people?a=/health", "GET"],
    ] as const) {
      const refused = await ask(path, method);
      expect(refused.status).toBe(429);
      expect(refused.headers.get("retry-after")).toBe("1");
    }
    expect(bodies).toBe(0);
    expect((await ask("/health")).status).toBe(200);
    expect((await ask("/health?now")).status).toBe(200);
    isOverloaded = false;
    expect((await ask("/track", "POST")).status).toBe(200);
  });

  test("is a writer with too much before it: what comes is refused, what was taken is stored, and then it goes on", async () => {
    await using house = startInstance();
    const commandOf = (index: number): TrackCommand => ({
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
    const batches = Array.from({ length: 21 }, (_, batch) =>
      house.engine.submit(Array.from({ length: 1_000 }, (__, index) => commandOf(batch * 1_000 + index))),
    );
    const refused = await house.post("/track", event);
    expectRefusal(house, refused, { status: 429, code: "overloaded" });
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await house.get("/health")).status).toBe(200);
    const outcomes = (await Promise.all(batches)).flat();
    expect(outcomes.every((outcome) => !(outcome instanceof Error) && outcome.status === "accepted")).toBe(true);
    expect(house.rows<{ count: number }>("select count(*) as count from event")).toEqual([{ count: 21_000 }]);
    expect((await house.post("/track", event)).status).toBe(200);
  }, 60_000);
});
