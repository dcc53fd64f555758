import { describe, expect, test } from "bun:test";
import type { Tab } from "../support/driven.ts";
import { atRest, idOf, numbers, observed, type Stage, steps, upTo, type Visitor, waiting } from "../support/stage.ts";
import { until } from "../support/until.ts";

const quotaBytes = 64 * 1024;
const batchBytesMax = 48 * 1024;

/** What is told arrives, on whichever way the page ends and however much it is; the same in every browser. */
export function deliveryCases(stage: () => Stage): void {
  const told = (visitor: Visitor, count: number) =>
    until("all steps", () => visitor.events("step").length >= count).then(() =>
      expect(numbers(visitor)).toEqual(upTo(count)),
    );

  describe("9: nothing is lost", () => {
    test.each([
      { how: "navigating away", act: (tab: Tab) => tab.evaluate(`${steps(3)}; location.href = "/elsewhere"; 0`) },
      { how: "reloading", act: (tab: Tab) => tab.evaluate(`${steps(3)}; location.reload()`) },
      { how: "closing", act: (tab: Tab) => tab.evaluate(`${steps(3)}; 0`).then(() => tab.close()) },
      {
        how: "following a link",
        act: (tab: Tab) => tab.evaluate(`${steps(3)}; document.querySelector("a").click()`),
      },
    ])("when $how", async ({ act }) => {
      const visitor = await stage().visitor();
      const { tab } = await visitor.open({ body: `<a href="/elsewhere">away</a>` });
      await act(tab);
      await told(visitor, 3);
    });
  });

  test("10: nothing is lost with an endpoint that takes a second", async () => {
    const visitor = await stage().visitor();
    stage().gate.answers({ delayMs: 1000 });
    const tab = await visitor.tab();
    await tab.goto(stage().site + stage().page());
    await idOf(tab);
    await tab.evaluate(`${steps(3)}; 0`);
    await tab.goto("about:blank");
    await told(visitor, 3);
    expect(visitor.events("page_view").length).toBe(1);
  });

  test("14: a queue over 64 KiB goes in parts of at most 48 KiB, in order", async () => {
    const visitor = await stage().visitor();
    const { tab } = await visitor.open();
    await atRest(tab);
    stage().gate.reset();
    await tab.evaluate(`${steps(20, 0, 9000)}; 0`);
    await told(visitor, 20);
    const posts = stage()
      .gate.posts()
      .filter(({ body }) => body.events?.some(({ event }) => event === "step"));
    expect(posts.length).toBeGreaterThanOrEqual(4);
    expect(Math.max(...posts.map(({ bytes }) => bytes))).toBeLessThanOrEqual(batchBytesMax + 200);
    expect(visitor.events("step").map(({ properties }) => properties.n)).toEqual(upTo(20));
  });

  test.each([
    { from: "the same site, by beacons", host: "www.shop.localhost", beacons: true },
    { from: "another site, by fetches", host: "www.other.localhost", beacons: false },
  ])("15: sends at once from $from stay under the quota together; the rest goes later, once", async (row) => {
    const visitor = await stage().visitor();
    const { gate, pages, kind } = stage();
    const site = `http://${row.host}:${pages.port}`;
    const { tab, path } = await visitor.open({ site });
    await atRest(tab);
    gate.reset();
    const held = Promise.withResolvers<void>();
    gate.answers({ after: held.promise });
    try {
      await tab.evaluate(`${steps(2, 0, 9000)}; 0`);
      await until("the first", () => gate.posts().length === 1);
      const identify = (plan: string) => `doIntent.identify({ email: "jane@acme.example", plan: "${plan}" })`;
      await tab.evaluate(
        `${identify("free")}; ${steps(2, 2, 9000)}; ${identify("pro")}; ${steps(20, 4, 9000)}; location.href = "/elsewhere"; 0`,
      );
      await until("three at once", () => gate.posts().length >= 3);
      await until("the page to be gone", () => tab.evaluate("!window.doIntent"));
      // Nothing is answered, so all of them are under way at once.
      expect(gate.posts().every(({ status }) => status === 0)).toBe(true);
      if (kind.boundsBeacons || !row.beacons)
        expect(gate.posts().reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(quotaBytes);
    } finally {
      gate.answers({});
      held.resolve();
    }
    await tab.goto(site + path);
    await atRest(tab);
    expect(numbers(visitor)).toEqual(upTo(24));
  });

  test.each([
    { bound: "200 events", count: 250, characters: 10, kept: 200 },
    { bound: "256 KB", count: 20, characters: 20_000, kept: 12 },
  ])("the outbox is bounded to $bound; the oldest go first", async ({ count, characters, kept }) => {
    const visitor = await stage().visitor();
    const { tab } = await visitor.open();
    await atRest(tab);
    await tab.setOffline(true);
    await tab.evaluate(`${steps(count, 0, characters)}; 0`);
    expect(await waiting(tab)).toBe(kept);
    await tab.setOffline(false);
    await atRest(tab);
    expect(numbers(visitor)).toEqual(upTo(count).slice(count - kept));
  });

  describe("25: who asks from where", () => {
    test.each([
      { from: "the same site, another sub-domain", page: "http://www.shop.localhost", cookie: true },
      { from: "another site", page: "http://www.other.localhost", cookie: false },
      { from: "a third site", page: "http://127.0.0.1", cookie: false },
    ])("from $from, without a preflight, also on leaving", async ({ page, cookie }) => {
      const visitor = await stage().visitor();
      const { gate, pages } = stage();
      const site = `${page}:${pages.port}`;
      const { tab } = await visitor.open({ site });
      await tab.goto(site + stage().page());
      await until("the second view", () => visitor.events("page_view").length === 2);
      await observed(tab);
      await tab.goto("about:blank");
      await until("the last words", () => visitor.events("time_on_page").length === 2);
      expect(gate.sent.filter(({ method }) => method === "OPTIONS")).toEqual([]);
      expect(new Set(gate.posts().map(({ origin }) => origin))).toEqual(new Set([site]));
      expect(gate.posts().some((sent) => sent.cookie?.includes("_di="))).toBe(cookie);
      // One visitor and one session over both pages, whichever way.
      expect(new Set(visitor.events().map(({ anonymous_id }) => anonymous_id)).size).toBe(1);
      expect(new Set(visitor.events().map(({ session_id }) => session_id)).size).toBe(1);
    });
  });
}
