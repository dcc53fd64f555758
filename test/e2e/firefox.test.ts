import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { hasFirefox, startFirefox, type Tab } from "./support/firefox.ts";
import { startGate } from "./support/gate.ts";
import { startPages } from "./support/pages.ts";
import { type Server, type StoredEvent, startServer } from "./support/server.ts";
import { until } from "./support/world.ts";

setDefaultTimeout(90_000);

const races = 100;

describe.skipIf(!hasFirefox())("in Firefox", () => {
  let server: Server;
  let gate: ReturnType<typeof startGate>;
  let pages: ReturnType<typeof startPages>;
  let firefox: Awaited<ReturnType<typeof startFirefox>>;
  let site = "";
  let before = new Set<string>();

  beforeAll(async () => {
    server = await startServer();
    gate = startGate(server.port);
    pages = startPages();
    site = `http://www.shop.localhost:${pages.port}`;
    const tag = `<script async src="http://intent.shop.localhost:${gate.port}/s.js"></script>`;
    const html = `<!doctype html><title>a page</title>${tag}<body><a href="/other">other</a>`;
    for (const path of ["/page", "/other", "/private"]) pages.put(path, { html });
    firefox = await startFirefox();
  });
  afterAll(async () => {
    await firefox.close();
    gate.close();
    pages.close();
    await server.close();
  });

  const events = (name: string): StoredEvent[] =>
    server.events().filter((event) => event.name === name && !before.has(event.event_id));

  /** A tab on a page whose view is stored. */
  async function open(path = "/page"): Promise<Tab> {
    before = new Set(server.events().map(({ event_id }) => event_id));
    const tab = await firefox.tab();
    await tab.goto(site + path);
    await until("the view", () => events("page_view").length);
    return tab;
  }

  const steps = `for (let n = 0; n < 3; n++) doIntent.track("step", { n })`;
  const numbers = () => events("step").map(({ properties }) => properties.n);

  test.each([
    { how: "navigating away", act: (tab: Tab) => tab.evaluate(`${steps}; location.href = "/other"`) },
    { how: "reloading", act: (tab: Tab) => tab.evaluate(`${steps}; location.reload()`) },
    { how: "closing", act: (tab: Tab) => tab.evaluate(steps).then(() => tab.close()) },
  ])("9: nothing is lost when $how", async ({ act, how }) => {
    const tab = await open();
    await act(tab);
    await until("all steps", () => events("step").length >= 3);
    expect(numbers()).toEqual([0, 1, 2]);
    if (how !== "closing") await tab.close();
  });

  test.each([
    { what: "Global Privacy Control", wanted: { "privacy.globalprivacycontrol.enabled": true } },
    { what: "Do Not Track", wanted: { "privacy.donottrackheader.enabled": true } },
  ])("20: with $what switched on in its own settings nothing is kept and nothing sent", async ({ wanted }) => {
    const own = await startFirefox(wanted);
    try {
      const tab = await own.tab();
      gate.reset();
      await tab.goto(`${site}/private`);
      await until("the script", () => tab.evaluate("!!window.doIntent?.id"));
      await tab.evaluate(`${steps}; doIntent.identify({ email: "jane@acme.example" })`);
      expect(await tab.evaluate("Object.keys(localStorage).length + document.cookie")).toBe("0");
      await tab.goto("about:blank");
      // Whoever does not mind comes after: what the other had sent would be here by then.
      const after = await open();
      expect(JSON.stringify(gate.posts())).not.toMatch(/private|jane/);
      await after.close();
    } finally {
      await own.close();
    }
  });

  test("19: with cookies refused in its own settings it works with an id for the page", async () => {
    const own = await startFirefox({ "network.cookie.cookieBehavior": 2 });
    try {
      before = new Set(server.events().map(({ event_id }) => event_id));
      const tab = await own.tab();
      await tab.goto(`${site}/page`);
      await until("the view", () => events("page_view").length);
      expect(
        await tab.evaluate("(() => { try { return !localStorage } catch { return document.cookie === '' } })()"),
      ).toBe(true);
      await tab.evaluate(steps);
      await until("all steps", () => events("step").length >= 3);
      const who = [...events("page_view"), ...events("step")].map(
        ({ anonymous_id, session_id }) => anonymous_id + session_id,
      );
      expect(new Set(who).size).toBe(1);
    } finally {
      await own.close();
    }
  });

  test("24: what the server missed while it was down arrives once", async () => {
    const tab = await open();
    gate.reset();
    await server.kill();
    await tab.evaluate(`${steps}; doIntent.identify({ email: "jane@acme.example" })`);
    await until("a send in vain", () => gate.posts().some(({ status }) => status === 502));
    // Who it is waits with the page only.
    const kept = await tab.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])");
    expect(kept).toMatch(/step/);
    expect(kept).not.toMatch(/jane/);
    await server.restart();
    // The browser would say so when its network is back, and only then.
    await tab.evaluate(`dispatchEvent(new Event("online"))`);
    await until("all steps", () => events("step").length >= 3);
    await until("an empty outbox", () =>
      tab.evaluate(`!Object.keys(localStorage).some((key) => key.startsWith("_di.e."))`),
    );
    expect(numbers()).toEqual([0, 1, 2]);
    const identifies = () => gate.posts().filter(({ path, status }) => path === "/identify" && status === 200);
    await until("the identify", () => identifies().length);
    await tab.close();
    expect(identifies().length).toBe(1);
  });

  test("4: back from the next page is a new view in the same session", async () => {
    const tab = await open();
    await tab.goto(`${site}/other`);
    await until("the second view", () => events("page_view").length === 2);
    await tab.back();
    await until("the third view", () => events("page_view").length === 3);
    expect(new Set(events("page_view").map(({ session_id }) => session_id)).size).toBe(1);
    expect(new Set(events("page_view").map(({ anonymous_id }) => anonymous_id)).size).toBe(1);
    await tab.close();
  });

  test(`17: two tabs past 30 minutes agree on one new session, in ${races} races`, async () => {
    const one = await open();
    const two = await open();
    const tabs = [one, two];
    for (const tab of tabs) {
      await tab.evaluate(
        `window.seen = []; doIntent.on("event", ({ event, session_id }) => event === "race" && seen.push(session_id)); 0`,
      );
    }
    const ids = new Set<unknown>();
    for (let round = 0; round < races; round++) {
      await until("both tabs to see it", async () => {
        const aged = await one.evaluate(`(() => {
          const [id] = localStorage["_di.s"].split(".");
          const value = [id, 1, Date.now() - 31 * 60 * 1000].join(".");
          localStorage["_di.s"] = value;
          document.cookie = "_di.s=" + value + ";path=/;domain=shop.localhost;max-age=9999";
          return value;
        })()`);
        return two.evaluate(`document.cookie.includes("${aged}")`);
      });
      const at = Date.now() + 5;
      await Promise.all(tabs.map((tab) => tab.evaluate(`while (Date.now() < ${at}); doIntent.track("race")`)));
      const [first, second] = await Promise.all(
        tabs.map((tab) => until("its event", () => tab.evaluate(`seen[${round}]`))),
      );
      expect(first).toBe(second);
      ids.add(first);
    }
    expect(ids.size).toBe(races);
    for (const tab of tabs) await tab.close();
  });
});
