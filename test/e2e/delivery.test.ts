import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createWorld, until, type Visitor, type World } from "./support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => world.tidy());
afterAll(() => world.close());

const quotaBytes = 64 * 1024;
const batchBytesMax = 48 * 1024;

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

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Tells `count` steps in one go, each with so much to say. */
const tell = (visitor: Visitor, count: number, from = 0, characters = 10) =>
  visitor.page.evaluate(
    ([many, first, length]) => {
      const { doIntent } = window as unknown as { doIntent: { track(name: string, metadata: object): void } };
      for (let n = first; n < first + many; n++) doIntent.track("step", { n, text: "x".repeat(length) });
    },
    [count, from, characters] as const,
  );

describe("9: nothing is lost", () => {
  const tellAtOnce = `for (let n = 0; n < 3; n++) doIntent.track("step", { n })`;
  test.each([
    {
      how: "navigating away",
      act: ({ page }: Visitor) => page.evaluate(`${tellAtOnce}; location.href = "/elsewhere"`),
    },
    { how: "reloading", act: ({ page }: Visitor) => page.evaluate(`${tellAtOnce}; location.reload()`) },
    { how: "closing", act: ({ page }: Visitor) => page.evaluate(tellAtOnce).then(() => page.close()) },
    {
      how: "following a link",
      act: ({ page }: Visitor) => page.evaluate(`${tellAtOnce}; document.querySelector("a").click()`),
    },
  ])("when $how", async ({ act }) => {
    const visitor = await world.visitor();
    await open(visitor, `<a href="/elsewhere">away</a>`);
    await act(visitor);
    await until("all steps", () => visitor.events("step").length >= 3);
    expect(numbers(visitor)).toEqual(upTo(3));
  });

  test("10: nor with an endpoint that takes a second", async () => {
    const visitor = await world.visitor();
    world.gate.answers({ delayMs: 1000 });
    const path = world.page();
    await visitor.page.goto(world.site + path);
    await visitor.id();
    await tell(visitor, 3);
    await visitor.page.goto("about:blank");
    await until("all steps", () => visitor.events("step").length >= 3);
    expect(numbers(visitor)).toEqual(upTo(3));
    expect(visitor.events("page_view").length).toBe(1);
  });
});

test("11: offline, then online: everything arrives once", async () => {
  const visitor = await world.visitor();
  await open(visitor);
  await visitor.context.setOffline(true);
  await tell(visitor, 5);
  await until("all to be kept", async () => (await waiting(visitor)) >= 5);
  await visitor.context.setOffline(false);
  await until("an empty outbox", async () => (await waiting(visitor)) === 0);
  expect(numbers(visitor)).toEqual(upTo(5));
});

describe("12: a server that cannot or will not", () => {
  test.each([
    {
      title: "500 is asked again after 3 s, then 6 s, give or take half",
      answer: { status: 500 },
      gaps: [
        [1500, 4500],
        [3000, 9000],
      ],
    },
    {
      title: "429 is asked again when it says",
      answer: { status: 429, headers: { "retry-after": "20" } },
      gaps: [
        [20_000, 20_500],
        [20_000, 20_500],
      ],
    },
  ])("$title", async ({ answer, gaps }) => {
    const visitor = await world.visitor();
    await visitor.page.clock.install();
    await open(visitor);
    await until("an empty outbox", async () => (await waiting(visitor)) === 0);
    world.gate.answers(answer);
    const before = world.gate.posts().length;
    const tries = () => world.gate.posts().length - before;
    await tell(visitor, 1);
    await visitor.page.clock.runFor(250);
    await until("the first try", () => tries() === 1 && world.gate.posts().at(-1)?.status);
    let last = 1;
    for (const [least = 0, most = 0] of gaps) {
      // Long enough for the answer to have come to the page.
      await visitor.page.evaluate(() => fetch("/nothing").then(() => {}));
      await visitor.page.clock.runFor(least - 100);
      await visitor.page.evaluate(() => fetch("/nothing").then(() => {}));
      expect(tries()).toBe(last);
      await visitor.page.clock.runFor(most - least + 200);
      last++;
      await until("the next try", () => tries() === last && world.gate.posts().at(-1)?.status);
    }
    world.gate.answers({});
    await visitor.page.evaluate(() => fetch("/nothing").then(() => {}));
    await visitor.page.clock.runFor(60_000);
    await until("the step", () => visitor.events("step").length);
    expect(numbers(visitor)).toEqual([0]);
  });

  test("another 4xx is dropped, and the next view says how many", async () => {
    const visitor = await world.visitor();
    await open(visitor);
    await until("an empty outbox", async () => (await waiting(visitor)) === 0);
    world.gate.answers({ status: 422 });
    await tell(visitor, 2);
    await until("them to be given up", async () => (await waiting(visitor)) === 0);
    world.gate.answers({});
    await visitor.page.evaluate(() => history.pushState({}, "", "/next"));
    const view = await until("the next view", () => visitor.events("page_view")[1]);
    expect(view.properties.dropped).toBe(2);
    expect(visitor.events("step")).toEqual([]);
  });
});

test("13: after a crash what was stored but not answered arrives again under its id, and counts once", async () => {
  const visitor = await world.visitor();
  const path = await open(visitor);
  await until("an empty outbox", async () => (await waiting(visitor)) === 0);
  // It is stored, but the answer does not come back.
  world.gate.answers({ afterwards: true, status: 502 });
  await tell(visitor, 3);
  await until("the steps", () => visitor.events("step").length === 3);
  const session = await visitor.context.newCDPSession(visitor.page);
  session.send("Page.crash").catch(() => {});
  await visitor.page.waitForEvent("crash");
  await visitor.page.close();
  world.gate.reset();
  const next = await visitor.context.newPage();
  await next.goto(world.site + path);
  const again = await until("the same ids again", () => {
    const sent = world.gate.posts().flatMap(({ body }) => body.events ?? []);
    const steps = sent.filter(({ event }) => event === "step");
    return steps.length >= 3 && steps;
  });
  await until("an empty outbox", () =>
    next.evaluate(() => !Object.keys(localStorage).some((key) => key.startsWith("_di.e."))),
  );
  expect(new Set(again.map(({ event_id }) => event_id))).toEqual(
    new Set(visitor.events("step").map(({ event_id }) => event_id)),
  );
  expect(numbers(visitor)).toEqual(upTo(3));
});

test("14: a queue over 64 KiB goes in parts of at most 48 KiB, in order", async () => {
  const visitor = await world.visitor();
  await open(visitor);
  world.gate.reset();
  await tell(visitor, 20, 0, 9000);
  await until("all steps", () => visitor.events("step").length >= 20);
  const posts = world.gate.posts().filter(({ body }) => body.events?.some(({ event }) => event === "step"));
  expect(posts.length).toBeGreaterThanOrEqual(4);
  expect(Math.max(...posts.map(({ bytes }) => bytes))).toBeLessThanOrEqual(batchBytesMax + 200);
  expect(visitor.events("step").map(({ properties }) => properties.n)).toEqual(upTo(20));
});

test("15: several sends at once stay under the quota together, and what found no room goes later", async () => {
  const visitor = await world.visitor();
  const path = await open(visitor);
  world.gate.reset();
  world.gate.answers({ delayMs: 1500 });
  await tell(visitor, 5, 0, 9000);
  await until("a send under way", () => world.gate.posts().length);
  await tell(visitor, 20, 5, 9000);
  await visitor.page.goto("about:blank");
  const underWay = world.gate.posts();
  await Bun.sleep(0);
  expect(underWay.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(quotaBytes);
  world.gate.answers({});
  await visitor.page.goto(world.site + path);
  await until("an empty outbox", async () => (await waiting(visitor)) === 0);
  expect(numbers(visitor)).toEqual(upTo(25));
});

test.each([
  { bound: "200 events", count: 250, characters: 10, kept: 200 },
  { bound: "256 KB", count: 20, characters: 20_000, kept: 12 },
])("the outbox is bounded to $bound; the oldest go first", async ({ count, characters, kept }) => {
  const visitor = await world.visitor();
  await open(visitor);
  await until("an empty outbox", async () => (await waiting(visitor)) === 0);
  await visitor.context.setOffline(true);
  await tell(visitor, count, 0, characters);
  expect(await waiting(visitor)).toBe(kept);
  await visitor.context.setOffline(false);
  await until("an empty outbox", async () => (await waiting(visitor)) === 0);
  expect(numbers(visitor)).toEqual(upTo(count).slice(count - kept));
});

test("24: the server is down for a minute; when it is back everything arrives once", async () => {
  const visitor = await world.visitor();
  await visitor.page.clock.install();
  await open(visitor);
  await world.server.kill();
  await tell(visitor, 3);
  for (let n = 0; n < 12; n++) {
    await visitor.page.clock.runFor(5000);
    await visitor.page.evaluate(() => fetch("/nothing").then(() => {}));
  }
  await tell(visitor, 2, 3);
  await world.server.restart();
  await until("all steps", async () => {
    await visitor.page.clock.runFor(60_000);
    return (await waiting(visitor)) === 0;
  });
  expect(numbers(visitor)).toEqual(upTo(5));
});

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

describe("25: who asks from where", () => {
  test.each([
    { from: "the same site, another sub-domain", page: "http://www.shop.localhost", cookie: true },
    { from: "another site", page: "http://www.other.localhost", cookie: false },
    { from: "a third site", page: "http://127.0.0.1", cookie: false },
  ])("from $from, without a preflight, also on leaving", async ({ page, cookie }) => {
    const visitor = await world.visitor();
    const site = `${page}:${world.pages.port}`;
    await visitor.page.goto(site + world.page("<button>Buy</button>"));
    await until("the view", () => visitor.events("page_view").length);
    await visitor.page.goto(site + world.page());
    await until("the second view", () => visitor.events("page_view").length === 2);
    await visitor.page.goto("about:blank");
    await until("the last words", () => visitor.events("time_on_page").length === 2);
    expect(world.gate.sent.filter(({ method }) => method === "OPTIONS")).toEqual([]);
    expect(new Set(world.gate.posts().map(({ origin }) => origin))).toEqual(new Set([site]));
    expect(world.gate.posts().some((sent) => sent.cookie?.includes("_di="))).toBe(cookie);
    // One visitor and one session over both pages, whichever way.
    expect(new Set(visitor.events().map(({ anonymous_id }) => anonymous_id)).size).toBe(1);
    expect(new Set(visitor.events().map(({ session_id }) => session_id)).size).toBe(1);
  });
});
