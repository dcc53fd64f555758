import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createWorld, until, type Visitor, type World } from "./support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => world.tidy());
afterAll(() => world.close());

async function open(visitor: Visitor, body = ""): Promise<string> {
  const path = world.page(body);
  await visitor.page.goto(world.site + path);
  await until("the view", () => visitor.events("page_view").length);
  return path;
}

/** Everything the page has not yet an answer to. */
const waiting = (visitor: Visitor) =>
  visitor.page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("_di.e.")).length);

const numbers = (visitor: Visitor) =>
  visitor
    .events("step")
    .map(({ properties }) => Number(properties.n))
    .sort((a, b) => a - b);

/** Tells `count` steps in one go, each with so much to say. */
const tell = (visitor: Visitor, count: number, from = 0, characters = 10) =>
  visitor.page.evaluate(
    ([many, first, length]) => {
      const { doIntent } = window as unknown as { doIntent: { track(name: string, metadata: object): void } };
      for (let n = first; n < first + many; n++) doIntent.track("step", { n, text: "x".repeat(length) });
    },
    [count, from, characters] as const,
  );

describe("an identify", () => {
  const identify = `doIntent.identify({ email: "jane@acme.example", plan: "pro" })`;

  /** Every place where a page may leave something for the next one; databases and caches by their names. */
  const storages = async ({ page, context }: Visitor) =>
    JSON.stringify([
      await page.evaluate<unknown>(
        `(async () => [{ ...localStorage }, { ...sessionStorage }, document.cookie, name, history.state])()`,
      ),
      await context.cookies(),
    ]);
  const databases = ({ page }: Visitor) =>
    page.evaluate(
      `(async () => [...(await indexedDB.databases()), ...("caches" in window ? await caches.keys() : [])])()`,
    );

  const taken = () => world.gate.posts().filter(({ status }) => status === 200);
  const identifies = () => taken().filter(({ path }) => path === "/identify");
  const lookIn = (visitor: Visitor) => visitor.page.evaluate(() => fetch("/nothing").then(() => {}));
  /** What the server took, in order: of each list of events their names, of an identify who it is. */
  const order = () =>
    taken()
      .flatMap<unknown>(({ body }) => body.events?.map(({ event }) => event) ?? [body.identity])
      .filter((told) => told !== "time_on_page");
  const jane = { email: "jane@acme.example", plan: "pro" };

  async function openAtRest(visitor: Visitor, body = ""): Promise<void> {
    await open(visitor, body);
    await until("an empty outbox", async () => (await waiting(visitor)) === 0);
    world.gate.reset();
  }

  test("keeps its place between the events", async () => {
    const visitor = await world.visitor();
    await openAtRest(visitor);
    await visitor.page.evaluate(`doIntent.track("before"); ${identify}; doIntent.track("after")`);
    await until("all three", () => taken().length === 3);
    expect(world.gate.posts().map(({ path }) => path)).toEqual(["/v1/e", "/identify", "/v1/e"]);
    expect(order()).toEqual(["before", jane, "after"]);
  });

  test("goes at once, and takes with it what came before", async () => {
    const visitor = await world.visitor();
    await visitor.page.clock.install();
    await openAtRest(visitor);
    await visitor.page.evaluate(`doIntent.track("before"); ${identify}`);
    await visitor.page.clock.runFor(1);
    await until("both", () => taken().length === 2);
    expect(order()).toEqual(["before", jane]);
  });

  test.each([
    { place: "at the front", before: "", after: "", told: [jane] },
    {
      place: "in the midst",
      before: `doIntent.track("before"); `,
      after: `; doIntent.track("after")`,
      told: ["before", jane, "after"],
    },
  ])(
    "$place, while the server is down, is in no storage; when it is back it arrives once, in its place",
    async (row) => {
      const visitor = await world.visitor();
      await visitor.page.clock.install();
      await openAtRest(visitor);
      await world.server.kill();
      try {
        await visitor.page.evaluate(row.before + identify + row.after);
        for (let n = 0; n < 4; n++) {
          expect(await storages(visitor)).not.toMatch(/jane|acme|pro"/);
          expect(await databases(visitor)).toEqual([]);
          await visitor.page.clock.runFor(5000);
          await lookIn(visitor);
        }
        expect(world.gate.posts().length).toBeGreaterThan(1);
        expect(taken()).toEqual([]);
      } finally {
        await world.server.restart();
      }
      await until("it, and all around it", async () => {
        // Not while something is under way, because to the page's clock that would take too long, and it would ask again.
        if (world.gate.posts().every(({ status }) => status)) await visitor.page.clock.runFor(5000);
        await lookIn(visitor);
        return order().length >= row.told.length && (await waiting(visitor)) === 0;
      });
      // Long enough for a second one.
      for (let n = 0; n < 3; n++) {
        await visitor.page.clock.runFor(20_000);
        await lookIn(visitor);
      }
      expect(order()).toEqual([...row.told]);
      expect(await storages(visitor)).not.toMatch(/jane|acme|pro"/);
    },
  );

  test.each([
    { how: "navigating away", act: `location.href = "/elsewhere"` },
    { how: "reloading", act: "location.reload()" },
    { how: "following a link", act: `document.querySelector("a").click()` },
    { how: "closing", act: "" },
  ])("is not lost by $how right after it", async ({ act }) => {
    const visitor = await world.visitor();
    await openAtRest(visitor, `<a href="/elsewhere">away</a>`);
    await visitor.page.evaluate(`doIntent.track("before"); ${identify}; doIntent.track("after"); ${act}`);
    if (!act) await visitor.page.close();
    await until(
      "all three",
      () => identifies().length && visitor.events("before").length && visitor.events("after").length,
    );
    expect(identifies().map(({ body }) => body.identity)).toEqual([jane]);
    expect(visitor.events("before").length + visitor.events("after").length).toBe(2);
  });

  test.each([
    { from: "the same site", page: "http://www.shop.localhost" },
    { from: "another site", page: "http://www.other.localhost" },
  ])(
    "that was refused for the moment goes once more on leaving, without waiting its turn, from $from",
    async ({ page }) => {
      const visitor = await world.visitor();
      await visitor.page.clock.install();
      await visitor.page.goto(`${page}:${world.pages.port}${world.page()}`);
      await until("the view", () => visitor.events("page_view").length);
      await until("an empty outbox", async () => (await waiting(visitor)) === 0);
      world.gate.reset();
      world.gate.answers({ status: 503, headers: { "retry-after": "600" } });
      await visitor.page.evaluate(`doIntent.track("before"); ${identify}`);
      await visitor.page.clock.runFor(250);
      await until("the first try", () => world.gate.posts()[0]?.status);
      await lookIn(visitor);
      world.gate.reset();
      await visitor.page.goto("about:blank");
      await until("it", () => identifies().length);
      expect(order()).toEqual([jane]);
    },
  );

  test("goes on leaving also where the events before it find no room", async () => {
    const visitor = await world.visitor();
    await openAtRest(visitor);
    world.gate.answers({ delayMs: 1500 });
    await tell(visitor, 5, 0, 9000);
    await until("a send under way", () => world.gate.posts().length);
    await tell(visitor, 15, 5, 9000);
    await visitor.page.evaluate(identify);
    await visitor.page.goto("about:blank");
    await until("it", () => identifies().length);
    expect(numbers(visitor).length).toBeLessThan(20);
  });

  test("ends with its page where the server stays down: the next page knows nothing of it", async () => {
    const visitor = await world.visitor();
    await openAtRest(visitor);
    world.gate.answers({ status: 503 });
    await visitor.page.evaluate(`doIntent.track("before"); ${identify}`);
    await until("a try", () => world.gate.posts().length);
    await visitor.page.goto(world.site + world.page());
    expect(await storages(visitor)).not.toMatch(/jane|acme/);
    await until("its tries", () => world.gate.posts().some(({ path }) => path === "/identify"));
    world.gate.reset();
    await visitor.page.evaluate(`dispatchEvent(new Event("online"))`);
    await until("the event", () => visitor.events("before").length);
    await until("an empty outbox", async () => (await waiting(visitor)) === 0);
    expect(identifies()).toEqual([]);
  });
});
