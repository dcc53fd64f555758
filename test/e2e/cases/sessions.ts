import { describe, expect, test } from "bun:test";
import type { Tab } from "../support/driven.ts";
import { atRest, idOf, observed, type Stage, type Visitor } from "../support/stage.ts";
import { until } from "../support/until.ts";

const minuteMs = 60 * 1000;

/** As if the last activity had been so long ago, and the beginning too; what is stored is what it gives. */
const age = (idleMs: number, ageMs = idleMs) => `(() => {
  const [id] = localStorage["_di.s"].split(".");
  const value = [id, Date.now() - ${ageMs}, Date.now() - ${idleMs}].join(".");
  localStorage["_di.s"] = value;
  document.cookie = "_di.s=" + value + ";path=/;domain=shop.localhost;max-age=9999";
  return value;
})()`;

const track = (tab: Tab, name: string) => tab.evaluate(`doIntent.track("${name}")`);

const sessionOf = (visitor: Visitor, name: string) =>
  until(`the event ${name}`, () => visitor.events(name)[0]?.session_id);

/** What is one visit and who makes it, also over several tabs of which one only is in sight; the same in every browser. */
export function sessionCases(stage: () => Stage, races: number): void {
  test.each([
    { after: "29 minutes without activity", idle: 29 * minuteMs, long: 29 * minuteMs, same: true },
    { after: "31 minutes without activity", idle: 31 * minuteMs, long: 31 * minuteMs, same: false },
    { after: "23 hours of activity", idle: minuteMs, long: 23 * 60 * minuteMs, same: true },
    { after: "25 hours of activity", idle: minuteMs, long: 25 * 60 * minuteMs, same: false },
  ])("after $after it is the same session: $same", async ({ idle, long, same }) => {
    const visitor = await stage().visitor();
    const { tab } = await visitor.open();
    await track(tab, "first");
    const first = await sessionOf(visitor, "first");
    await tab.evaluate(age(idle, long));
    await track(tab, "second");
    expect((await sessionOf(visitor, "second")) === first).toBe(same);
  });

  test("4: a page from the back/forward cache is a new view in the same session", async () => {
    const visitor = await stage().visitor();
    const { tab } = await visitor.open();
    const views = () => visitor.events("page_view");
    await tab.evaluate(`window.kept = "since the first time"`);
    // Firefox does not keep a page that is just sending.
    await atRest(tab);
    await until("nothing to be under way", () =>
      tab.evaluate("navigator.locks.query().then(({ held, pending }) => held.length + pending.length === 0)"),
    );
    await tab.goto(stage().site + stage().page());
    await until("the second view", () => views().length === 2);
    await tab.back();
    await until("the third view", () => views().length === 3);
    expect(await tab.evaluate("window.kept")).toBe("since the first time");
    const urls = views().map(({ url }) => url);
    expect(urls[2]).toBe(`${urls[0]}`);
    expect(new Set(views().map(({ session_id }) => session_id)).size).toBe(1);
    expect(new Set(views().map(({ anonymous_id }) => anonymous_id)).size).toBe(1);
  });

  test("6: a tab in the background is viewed when it is first seen, and one never seen is not", async () => {
    const visitor = await stage().visitor();
    const { site, page } = stage();
    const front = await visitor.open();
    const [unseen, seen] = [page(), page()];
    const [one, two] = [await visitor.tab("behind"), await visitor.tab("behind")];
    await one.goto(site + unseen);
    await two.goto(site + seen);
    for (const tab of [one, two]) {
      await idOf(tab);
      expect(await tab.evaluate("document.visibilityState")).toBe("hidden");
    }
    await two.show();
    const paths = () => visitor.events("page_view").map(({ url }) => url.replace(site, ""));
    await until("the view", () => paths().includes(seen));
    await observed(two);
    await until("it to be in focus", () => two.evaluate("document.hasFocus()"));
    await one.close();
    await two.close();
    await until("the last word", () => visitor.events("time_on_page").some(({ url }) => url.endsWith(seen)));
    expect(paths()).toEqual([front.path, seen]);
    expect(visitor.events().some(({ url }) => url.endsWith(unseen))).toBe(false);
  });

  test("16: an idle tab does not rotate the session of an active one, neither by an event nor by closing", async () => {
    const visitor = await stage().visitor();
    const [closing, idle, active] = [await visitor.open(), await visitor.open(), await visitor.open()];
    expect(await idle.tab.evaluate("document.visibilityState")).toBe("hidden");
    const first = visitor.events("page_view")[0]?.session_id;
    await active.tab.evaluate(age(45 * minuteMs));
    await track(active.tab, "active");
    const session = await sessionOf(visitor, "active");
    expect(session).not.toBe(`${first}`);
    await track(idle.tab, "idle");
    expect(await sessionOf(visitor, "idle")).toBe(session);
    // What ends a page belongs to the session that the page had.
    const ends = () => visitor.events("time_on_page").filter(({ url }) => url.endsWith(closing.path));
    const before = ends().length;
    await closing.tab.show();
    await until("it to be seen", () => closing.tab.evaluate("document.hasFocus()"));
    await closing.tab.close();
    await until("the end of that tab", () => ends().length > before);
    expect(ends().map(({ session_id }) => session_id)).toEqual(ends().map(() => `${first}`));
    await track(active.tab, "afterwards");
    expect(await sessionOf(visitor, "afterwards")).toBe(session);
  });

  test(`17: two tabs past 30 minutes agree on one new session, in ${races} races`, async () => {
    const visitor = await stage().visitor();
    const tabs = [(await visitor.open()).tab, (await visitor.open()).tab] as const;
    const [hidden, seen] = tabs;
    expect(await hidden.evaluate("document.visibilityState")).toBe("hidden");
    for (const tab of tabs)
      await tab.evaluate(`doIntent.on("event", ({ event, session_id }) => event === "race" && heard(session_id)); 0`);
    const ids = new Set<unknown>();
    for (let round = 0; round < races; round++) {
      // In life half an hour has passed: both tabs have long seen what was stored, and nothing is under way.
      await until("both tabs to see it", async () => {
        const aged = await seen.evaluate(age(31 * minuteMs, 31 * minuteMs));
        return hidden.evaluate(`document.cookie.includes("${aged}")`);
      });
      // Both wait for the same moment of the clock, so that they really race.
      const at = Date.now() + 5;
      const race = `new Promise((resolve) => {
        window.heard = resolve;
        while (Date.now() < ${at});
        doIntent.track("race");
      })`;
      const [one, two] = await Promise.all(tabs.map((tab) => tab.evaluate(race)));
      expect(one).toBeTruthy();
      expect(one).toBe(two);
      ids.add(one);
      // The outbox is bounded; this test has no use for what is in it.
      await seen.evaluate(
        `for (const key of Object.keys(localStorage)) if (key.startsWith("_di.e.")) delete localStorage[key]; 0`,
      );
    }
    expect(ids.size).toBe(races);
  });

  test("18: reset() in one tab holds in the other", async () => {
    const visitor = await stage().visitor();
    const [other, one] = [(await visitor.open()).tab, (await visitor.open()).tab];
    const before = await idOf(one);
    await one.evaluate("doIntent.reset()");
    const after = await idOf(one);
    expect(after).not.toBe(before);
    await until("the other tab to follow", async () => (await other.evaluate("doIntent.id()")) === after);
    await track(other, "later");
    const event = await until("the event", () => visitor.events("later")[0]);
    expect(event.anonymous_id).toBe(after);
    expect(await idOf((await visitor.open()).tab)).toBe(after);
  });

  describe("26: the anonymous id survives", () => {
    test.each([
      { lost: "the cookies", act: (visitor: Visitor) => visitor.clearCookies() },
      { lost: "localStorage", act: (_: Visitor, tab: Tab) => tab.evaluate("localStorage.clear()") },
    ])("the loss of $lost, and restores it", async ({ act }) => {
      const visitor = await stage().visitor();
      const { tab } = await visitor.open();
      const id = await idOf(tab);
      await atRest(tab);
      await act(visitor, tab);
      const next = await visitor.open();
      expect(await idOf(next.tab)).toBe(id);
      const cookie = (await visitor.cookies()).find(({ name }) => name === "_di");
      expect(cookie).toMatchObject({ value: id, domain: ".shop.localhost" });
      expect(cookie?.sameSite.toLowerCase()).toBe("lax");
      expect(await next.tab.evaluate("localStorage._di")).toBe(id);
    });
  });
}
