import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { createWorld, until, type Visitor, type World } from "./support/world.ts";

setDefaultTimeout(90_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => world.tidy());
afterAll(() => world.close());

const minuteMs = 60 * 1000;
const beginnings = 50;

async function open(visitor: Visitor, page = visitor.page): Promise<string> {
  const path = world.page();
  await page.goto(world.site + path);
  await until("the view", () => visitor.events("page_view").some(({ url }) => url.endsWith(path)));
  return path;
}

/** As if the last activity had been so long ago. */
const ageSession = (page: Page, idleMs: number, ageMs = idleMs) =>
  page.evaluate(
    ([idle, age]) => {
      const [id] = (localStorage["_di.s"] as string).split(".");
      const value = `${id}.${Date.now() - age}.${Date.now() - idle}`;
      localStorage["_di.s"] = value;
      // biome-ignore lint/suspicious/noDocumentCookie: just as the tracker does it
      document.cookie = `_di.s=${value};path=/;domain=shop.localhost;max-age=9999`;
    },
    [idleMs, ageMs] as const,
  );

test("activity between events keeps the session over half an hour; without it the session ends", async () => {
  const visitor = await world.visitor();
  const { page } = visitor;
  await page.clock.install();
  await open(visitor);
  const session = async (name: string) => {
    await page.evaluate(`doIntent.track("${name}")`);
    await page.clock.runFor(1000);
    return until(`the event ${name}`, () => visitor.events(name)[0]?.session_id);
  };
  const first = await session("first");
  for (let n = 0; n < 2; n++) {
    await page.clock.runFor(20 * minuteMs);
    await page.mouse.move(100 + 50 * n, 100, { steps: 3 });
    await page.clock.runFor(100);
  }
  expect(await session("active")).toBe(first);
  await page.clock.runFor(40 * minuteMs);
  expect(await session("idle")).not.toBe(first);
});

test("on https its cookies are for https only", async () => {
  const visitor = await world.visitor();
  const script = await Bun.file(join(import.meta.dirname, "../../tracker/dist/s.js")).text();
  await visitor.context.route(/shop\.example/, (route) =>
    new URL(route.request().url()).pathname === "/s.js"
      ? route.fulfill({ contentType: "text/javascript", body: script })
      : route.fulfill({ contentType: "text/html", body: '<script src="https://in.shop.example/s.js"></script>' }),
  );
  await visitor.page.goto("https://www.shop.example/");
  const cookies = await until("both", async () => {
    const all = await visitor.context.cookies();
    return all.length >= 2 && all;
  });
  expect(cookies.map(({ name, secure, sameSite, domain }) => [name, secure, sameSite, domain]).sort()).toEqual([
    ["_di", true, "Lax", ".shop.example"],
    ["_di.s", true, "Lax", ".shop.example"],
  ]);
});

describe("who it is", () => {
  test(`two tabs that begin at once on a first visit agree on one id and one session, in ${beginnings} races`, async () => {
    const visitor = await world.visitor();
    const pages = [visitor.page, await visitor.context.newPage()] as const;
    const path = world.page("", world.tag(`async data-auto="page" data-consent="required"`));
    for (const page of pages) {
      await page.goto(world.site + path);
      await page.waitForFunction("window.doIntent?.id");
      await page.evaluate(`window.seen = []; window.stops = 0;
        doIntent.on("event", ({ anonymous_id, session_id }) => seen.push(anonymous_id + " " + session_id));
        addEventListener("storage", ({ key, newValue }) => { if (key === "_di.x" && newValue === null) stops++ })`);
    }
    const who = new Set<unknown>();
    for (let round = 0; round < beginnings; round++) {
      const at = Date.now() + 15;
      const begin = `(() => { while (Date.now() < ${at}); doIntent.consent(true) })()`;
      await Promise.all(pages.map((page) => page.evaluate(begin)));
      const [one, two] = await Promise.all(pages.map((page) => until("its view", () => page.evaluate("seen[0]"))));
      expect(one).toBe(`${two}`);
      who.add(one);
      await until("an empty outbox", () =>
        visitor.page.evaluate(`!Object.keys(localStorage).some((key) => key.startsWith("_di.e."))`),
      );
      await visitor.page.evaluate("doIntent.consent(false)");
      await until("the other tab to hear", () => pages[1].evaluate(`stops > ${round}`));
      for (const page of pages) {
        await until("nothing left", () => page.evaluate("!document.cookie && !Object.keys(localStorage).length"));
        await page.evaluate("seen.length = 0");
      }
    }
    expect(who.size).toBe(beginnings);
  });

  test("what waits for another tab when consent is withdrawn is never stored", async () => {
    const visitor = await world.visitor();
    await open(visitor);
    await visitor.page.evaluate(
      `navigator.locks.request("_di.s", () => new Promise((done) => { window.giveBack = done })); 0`,
    );
    await until("the lock", () => visitor.page.evaluate("!!window.giveBack"));
    await ageSession(visitor.page, 45 * minuteMs);
    await visitor.page.evaluate(`doIntent.track("waiting"); doIntent.consent(false); giveBack()`);
    await visitor.page.evaluate(`navigator.locks.request("_di.s", () => 0)`);
    expect(await visitor.page.evaluate("Object.keys(localStorage)")).toEqual(["_di.x"]);
    expect(await visitor.context.cookies()).toEqual([]);
    expect(visitor.events("waiting")).toEqual([]);
  });
});
