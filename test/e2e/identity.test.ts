import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
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
const races = 1000;
const beginnings = 100;

async function open(visitor: Visitor, page = visitor.page): Promise<string> {
  const path = world.page();
  await page.goto(world.site + path);
  await until("the view", () => visitor.events("page_view").some(({ url }) => url.endsWith(path)));
  return path;
}

const track = (page: Page, name: string) =>
  page.evaluate(
    (event) => (window as unknown as { doIntent: { track(name: string): void } }).doIntent.track(event),
    name,
  );

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

const sessionOf = (visitor: Visitor, name: string) =>
  until(`the event ${name}`, () => visitor.events(name)[0]?.session_id);

describe("sessions", () => {
  test.each([
    { after: "29 minutes without activity", idle: 29 * minuteMs, age: 29 * minuteMs, same: true },
    { after: "31 minutes without activity", idle: 31 * minuteMs, age: 31 * minuteMs, same: false },
    { after: "23 hours of activity", idle: minuteMs, age: 23 * 60 * minuteMs, same: true },
    { after: "25 hours of activity", idle: minuteMs, age: 25 * 60 * minuteMs, same: false },
  ])("after $after it is the same session: $same", async ({ idle, age, same }) => {
    const visitor = await world.visitor();
    await open(visitor);
    await track(visitor.page, "first");
    const first = await sessionOf(visitor, "first");
    await ageSession(visitor.page, idle, age);
    await track(visitor.page, "second");
    expect((await sessionOf(visitor, "second")) === first).toBe(same);
  });

  test("16: an idle tab does not rotate the session of an active one, neither by an event nor by closing", async () => {
    const visitor = await world.visitor();
    const [idle, closing] = [await visitor.context.newPage(), await visitor.context.newPage()];
    for (const page of [idle, closing, visitor.page]) await open(visitor, page);
    const first = visitor.events("page_view")[0]?.session_id;
    await ageSession(visitor.page, 45 * minuteMs);
    await track(visitor.page, "active");
    const session = await sessionOf(visitor, "active");
    expect(session).not.toBe(`${first}`);
    await track(idle, "idle");
    expect(await sessionOf(visitor, "idle")).toBe(session);
    await closing.close();
    const [end] = await until("the end of the other tab", () => {
      const ends = visitor.events("time_on_page");
      return ends.length > 0 && ends;
    });
    // What ends a page belongs to the session that the page had.
    expect(end?.session_id).toBe(`${first}`);
    await track(visitor.page, "afterwards");
    expect(await sessionOf(visitor, "afterwards")).toBe(session);
  });

  test(`17: two tabs past 30 minutes agree on one new session, in ${races} races`, async () => {
    const visitor = await world.visitor();
    const other = await visitor.context.newPage();
    await open(visitor);
    await open(visitor, other);
    const watch = `window.seen = []; doIntent.on("event", ({ event, session_id }) => event === "race" && seen.push(session_id))`;
    const pages = [visitor.page, other];
    for (const page of pages) await page.evaluate(watch);
    // Both wait for the same moment of the clock, so that they really race.
    const race = `(async () => {
      const at = Number(localStorage.raceAt);
      while (Date.now() < at) ;
      doIntent.track("race");
    })()`;
    const ids = new Set<string>();
    for (let round = 0; round < races; round++) {
      // In life half an hour has passed: both tabs have long seen what was stored, and nothing is under way.
      await until("both tabs to see it", async () => {
        const aged = await visitor.page.evaluate(() => {
          const [id] = (localStorage["_di.s"] as string).split(".");
          const value = `${id}.1.${Date.now() - 31 * 60 * 1000}`;
          localStorage["_di.s"] = value;
          // biome-ignore lint/suspicious/noDocumentCookie: just as the tracker does it
          document.cookie = `_di.s=${value};path=/;domain=shop.localhost;max-age=9999`;
          return value;
        });
        return other.evaluate((value) => document.cookie.includes(value), aged);
      });
      await Promise.all(
        pages.map((page) => page.evaluate((at) => localStorage.setItem("raceAt", `${at}`), Date.now() + 5)),
      );
      await Promise.all(pages.map((page) => page.evaluate(race)));
      const [one, two] = await Promise.all(
        pages.map((page) =>
          page
            .waitForFunction((many) => (window as unknown as { seen: string[] }).seen[many], round)
            .then((handle) => handle.jsonValue()),
        ),
      );
      expect(one).toBeTruthy();
      expect(one).toBe(`${two}`);
      ids.add(`${one}`);
      // The outbox is bounded; this test has no use for what is in it.
      await visitor.page.evaluate(() => {
        for (const key of Object.keys(localStorage)) if (key.startsWith("_di.e.")) delete localStorage[key];
      });
    }
    expect(ids.size).toBe(races);
  });
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
    expect(await visitor.page.evaluate("Object.keys(localStorage)")).toEqual([]);
    expect(await visitor.context.cookies()).toEqual([]);
    expect(visitor.events("waiting")).toEqual([]);
  });

  test("18: reset() in one tab holds in the other", async () => {
    const visitor = await world.visitor();
    const other = await visitor.context.newPage();
    await open(visitor);
    await open(visitor, other);
    const before = await visitor.id();
    await visitor.page.evaluate("doIntent.reset()");
    const after = await visitor.id();
    expect(after).not.toBe(before);
    await until("the other tab to follow", async () => (await other.evaluate("doIntent.id()")) === after);
    await track(other, "later");
    const event = await until("the event", () => visitor.events("later")[0]);
    expect(event.anonymous_id).toBe(after);
    await open(visitor);
    expect(await visitor.id()).toBe(after);
  });

  test("19: where storage throws and cookies are refused it works with an id for the page", async () => {
    const visitor = await world.visitor();
    await visitor.page.addInitScript(() => {
      const refuse = () => {
        throw new DOMException("refused", "SecurityError");
      };
      Object.defineProperty(window, "localStorage", { get: refuse });
      Object.defineProperty(Document.prototype, "cookie", { get: refuse, set: refuse });
      LockManager.prototype.request = () => Promise.reject(new DOMException("refused", "SecurityError"));
    });
    await open(visitor);
    await track(visitor.page, "works");
    await sessionOf(visitor, "works");
    await visitor.page.goto("about:blank");
    await until("the last word", () => visitor.events("time_on_page").length);
    expect(new Set(visitor.events().map(({ anonymous_id, session_id }) => `${anonymous_id} ${session_id}`)).size).toBe(
      1,
    );
  });

  test.each([
    { lost: "the cookies", act: (visitor: Visitor) => visitor.context.clearCookies() },
    { lost: "localStorage", act: (visitor: Visitor) => visitor.page.evaluate(() => localStorage.clear()) },
  ])("26: the anonymous id survives the loss of $lost, and restores it", async ({ act }) => {
    const visitor = await world.visitor();
    await open(visitor);
    const id = await visitor.id();
    await until("the answer", () =>
      visitor.page.evaluate(() => !Object.keys(localStorage).some((key) => key.startsWith("_di.e."))),
    );
    await act(visitor);
    await open(visitor);
    expect(await visitor.id()).toBe(id);
    const [cookie] = (await visitor.context.cookies(world.site)).filter(({ name }) => name === "_di");
    expect(cookie).toMatchObject({ value: id, sameSite: "Lax", domain: ".shop.localhost" });
    expect(await visitor.page.evaluate(() => localStorage._di)).toBe(id);
  });
});
