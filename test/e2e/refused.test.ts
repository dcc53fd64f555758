import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createWorld, until, type Visitor, type World } from "./support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => world.tidy());
afterAll(() => world.close());

const waiting = (visitor: Visitor) =>
  visitor.page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("_di.e.")).length);
const atRest = (visitor: Visitor) => until("an empty outbox", async () => (await waiting(visitor)) === 0);

async function open(visitor: Visitor, at = world.site): Promise<void> {
  const seen = visitor.events("page_view").length;
  await visitor.page.goto(at + world.page());
  await until("the view", () => visitor.events("page_view").length > seen);
}

describe("what the server would not have", () => {
  test("an event that is too large in bytes is told on the console, counted, and holds nothing up", async () => {
    const visitor = await world.visitor();
    const warnings: string[] = [];
    visitor.page.on("console", (message) => {
      if (message.type() === "warning") warnings.push(message.text());
    });
    await open(visitor);
    // Below the limit in characters, above it in bytes, and so large that no page could ever send it.
    await visitor.page.evaluate(`for (const size of [12_000, 25_000]) doIntent.track("big", { text: "漢".repeat(size) });
      doIntent.track("fits", { text: "漢".repeat(10_000) }); doIntent.track("after")`);
    await until("the others", () => visitor.events("fits").length && visitor.events("after").length);
    await atRest(visitor);
    await open(visitor);
    await open(visitor);
    expect(visitor.events("big")).toEqual([]);
    expect(visitor.events("page_view").map(({ properties }) => properties.dropped)).toEqual([undefined, 2, undefined]);
    expect(warnings).toEqual([expect.stringContaining("do-intent")]);
  });

  test("what is refused by itself or with all others is counted over pages, until a view tells it", async () => {
    const visitor = await world.visitor();
    await open(visitor);
    await atRest(visitor);
    // A name of so many characters is refused, and its batch is taken.
    await visitor.page.evaluate(`doIntent.track("x".repeat(101)); doIntent.track("fine")`);
    await until("the good one", () => visitor.events("fine").length);
    await atRest(visitor);
    world.gate.answers({ status: 422 });
    await visitor.page.evaluate(`doIntent.track("one"); doIntent.track("two")`);
    await atRest(visitor);
    world.gate.answers({});
    await open(visitor);
    await open(visitor);
    expect(visitor.events("page_view").map(({ properties }) => properties.dropped)).toEqual([undefined, 3, undefined]);
  });

  test("the outbox is bounded in bytes", async () => {
    const visitor = await world.visitor();
    await open(visitor);
    await atRest(visitor);
    await visitor.context.setOffline(true);
    await visitor.page.evaluate(
      `for (let n = 0; n < 12; n++) doIntent.track("step", { n, text: "漢".repeat(10_000) })`,
    );
    expect(await waiting(visitor)).toBe(8);
    await visitor.context.setOffline(false);
    await atRest(visitor);
  });
});

test("a server that asks for rest is left alone by the next pages too", async () => {
  const visitor = await world.visitor();
  await open(visitor);
  await atRest(visitor);
  world.gate.reset();
  world.gate.answers({ status: 503, headers: { "retry-after": "3600" } });
  await visitor.page.evaluate(`doIntent.track("waits")`);
  await until("a try", () => world.gate.posts().some(({ status }) => status));
  for (let n = 0; n < 3; n++) {
    await visitor.page.goto(world.site + world.page());
    await visitor.id();
    await until("its view to wait", async () => (await waiting(visitor)) > n + 1);
  }
  expect(world.gate.posts().length).toBe(1);
  world.gate.answers({});
  await visitor.page.evaluate(`dispatchEvent(new Event("online"))`);
  await until("all of it", () => visitor.events("waits").length && visitor.events("page_view").length === 4);
});

test("a rest that was written by a clock that was ahead is none", async () => {
  const visitor = await world.visitor();
  await open(visitor);
  await atRest(visitor);
  await visitor.page.evaluate(`localStorage.setItem("_di.b", Date.now() + 86_400_000)`);
  await open(visitor);
  await until("its view", () => visitor.events("page_view").length === 2);
});

test.each([
  { from: "a page of the same site a beacon", page: "http://www.shop.localhost", mode: "no-cors" },
  { from: "a page of another site a fetch", page: "http://www.other.localhost", mode: "cors" },
])("what is left to say on leaving goes from $from", async ({ page, mode }) => {
  const visitor = await world.visitor();
  await open(visitor, `${page}:${world.pages.port}`);
  await atRest(visitor);
  world.gate.reset();
  await visitor.page.evaluate(`doIntent.track("bye")`);
  await visitor.page.goto("about:blank");
  await until("the last word", () => visitor.events("bye").length);
  const told = world.gate.posts().filter(({ body }) => body.events?.some(({ event }) => event === "bye"));
  expect(told.map((sent) => sent.mode)).toEqual([mode]);
});

test("one tab sends at a time", async () => {
  const visitor = await world.visitor();
  const other = await visitor.context.newPage();
  await open(visitor);
  await atRest(visitor);
  await other.goto(world.site + world.page());
  await until("its view", () => visitor.events("page_view").length === 2);
  await atRest(visitor);
  world.gate.reset();
  await other.evaluate(`navigator.locks.request("_di.e.", () => new Promise((done) => { window.giveBack = done })); 0`);
  await until("the lock", () => other.evaluate("!!window.giveBack"));
  await visitor.page.evaluate(`doIntent.track("waits")`);
  await until("it to wait for the lock", () =>
    visitor.page.evaluate(
      `navigator.locks.query().then(({ pending }) => pending.some(({ name }) => name === "_di.e."))`,
    ),
  );
  expect(world.gate.posts()).toEqual([]);
  await other.evaluate("giveBack()");
  await until("the event", () => visitor.events("waits").length);
});

test("who says who somebody is vouches for it with a hash, which goes along", async () => {
  const visitor = await world.visitor();
  await open(visitor);
  await visitor.page.evaluate(`doIntent.identify({ user_id: "u-1" }, { user_hash: "abc" })`);
  const sent = await until("the identify", () => world.gate.posts().find(({ path }) => path === "/identify"));
  expect(sent.body).toMatchObject({ identity: { user_id: "u-1" }, user_hash: "abc" });
});
