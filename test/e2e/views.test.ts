import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { snippetText } from "../../src/features/tracker/snippet.ts";
import { startPlainChromium } from "./support/chromium.ts";
import { createWorld, until, type World } from "./support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => world.tidy());
afterAll(() => world.close());

/** Waits for so many views and gives their paths; more would show in the next step or at the end. */
async function views(visitor: Awaited<ReturnType<World["visitor"]>>, count: number) {
  await until(`${count} views`, () => visitor.events("page_view").length >= count);
  return visitor.events("page_view").map(({ url }) => url.replace(world.site, ""));
}

describe("page views", () => {
  test("1: one initial view, with what the page says of itself", async () => {
    const visitor = await world.visitor();
    const path = world.page(`<main data-page-class="pricing">hello</main>`);
    await visitor.page.goto(`${world.site}${path}?plan=pro#top`);
    await views(visitor, 1);
    await visitor.page.close();
    await until("the time on the page", () => visitor.events("time_on_page").length);
    const [view, ...more] = visitor.events("page_view");
    expect(more).toEqual([]);
    expect(view).toMatchObject({
      url: `${world.site}${path}?plan=pro`,
      bot: null,
      properties: {
        title: expect.stringContaining("page"),
        page_class: "pricing",
        viewport_width: 1000,
        viewport_height: 600,
        language: "en-US",
        landing_page: `${world.site}${path}?plan=pro`,
      },
    });
    expect(view?.session_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(view?.properties).not.toHaveProperty("webdriver");
  });

  test.each([
    { title: "2: push, pop and back; a hash is no view unless asked for", attributes: "async", hash: false },
    { title: "2: with data-hash another hash is another view", attributes: "async data-hash", hash: true },
  ])("$title", async ({ attributes, hash }) => {
    const visitor = await world.visitor();
    const path = world.page("", world.tag(attributes));
    const { page } = visitor;
    await page.goto(world.site + path);
    await views(visitor, 1);
    await page.evaluate(() => history.pushState({}, "", "/second"));
    await views(visitor, 2);
    await page.evaluate(() => history.pushState({}, "", "/third"));
    await views(visitor, 3);
    await page.evaluate(() => history.back());
    await views(visitor, 4);
    await page.evaluate(() => {
      location.hash = "part";
    });
    if (hash) await views(visitor, 5);
    await page.evaluate(() => history.pushState({}, "", "/last"));
    const all = await views(visitor, hash ? 6 : 5);
    expect(all).toEqual([path, "/second", "/third", "/second", ...(hash ? ["/second#part"] : []), "/last"]);
    expect(visitor.events("page_view").map(({ referrer }) => referrer.replace(world.site, ""))).toEqual([
      "",
      ...all.slice(0, -1),
    ]);
    expect(new Set(visitor.events().map(({ session_id }) => session_id)).size).toBe(1);
  });

  test("2: the same without the Navigation API, by patched history", async () => {
    const visitor = await world.visitor();
    const path = world.page();
    await visitor.page.addInitScript(() => Object.defineProperty(window, "navigation", { value: undefined }));
    await visitor.page.goto(world.site + path);
    await views(visitor, 1);
    await visitor.page.evaluate(() => history.pushState({}, "", "/second"));
    await views(visitor, 2);
    await visitor.page.evaluate(() => history.back());
    expect(await views(visitor, 3)).toEqual([path, "/second", path]);
  });

  test("2: a redirect inside the application is one view, of where it ended", async () => {
    const visitor = await world.visitor();
    const path = world.page();
    await visitor.page.goto(world.site + path);
    await views(visitor, 1);
    await visitor.page.evaluate(() => {
      history.pushState({}, "", "/old");
      history.replaceState({}, "", "/new");
      document.title = "set a moment later";
    });
    expect(await views(visitor, 2)).toEqual([path, "/new"]);
    expect(visitor.events("page_view")[1]?.properties.title).toBe("set a moment later");
  });

  test.each([
    {
      title: "3: replaceState to the same address is no view, another query is",
      attributes: "async",
      seen: ["?a=1", "?a=2", "/end"],
    },
    {
      title: "3: with data-ignore-query another query is none either",
      attributes: "async data-ignore-query",
      seen: ["?a=1", "/end"],
    },
  ])("$title", async ({ attributes, seen }) => {
    const visitor = await world.visitor();
    const path = world.page("", world.tag(attributes));
    await visitor.page.goto(`${world.site}${path}?a=1`);
    await views(visitor, 1);
    await visitor.page.evaluate(() => history.replaceState({ some: "state" }, "", location.href));
    await visitor.page.evaluate(() => history.replaceState({}, "", "?a=2"));
    if (seen.length > 2) await views(visitor, 2);
    await visitor.page.evaluate(() => history.pushState({}, "", "/end"));
    expect((await views(visitor, seen.length)).map((url) => url.replace(path, ""))).toEqual([...seen]);
  });

  test("5: a page that is prerendered is viewed when it is activated, and never before", async () => {
    const visitor = await world.visitor();
    const ready = world.tag(`async onload="fetch('/ready')"`);
    const [never, next] = [world.page("", ready), world.page("", ready)];
    const rules = { prerender: [{ source: "list", urls: [never, next], eagerness: "immediate" }] };
    const start = world.page(
      `<script type="speculationrules">${JSON.stringify(rules)}</script>
       <script>setInterval(async () => { if ((await fetch("/go")).ok) location.href = "${next}" }, 50)</script>`,
    );
    const browser = await startPlainChromium([world.site + start]);
    try {
      await views(visitor, 1);
      const prepared = () => world.pages.asked.filter(({ path }) => path === "/ready").length;
      await until("both pages to run unseen", () => prepared() === 2);
      expect(await views(visitor, 1)).toEqual([start]);
      world.pages.put("/go", { html: "now" });
      expect(await views(visitor, 2)).toEqual([start, next]);
      await until("the last word of the first", () => visitor.events("time_on_page").length);
      expect(visitor.events().some(({ url }) => url.endsWith(never))).toBe(false);
    } finally {
      await browser.close();
    }
  });
});

describe("the tag", () => {
  const late = (src: string) => `<script>addEventListener("load", () => setTimeout(() => {
    const tag = document.createElement("script"); tag.src = "${src}/s.js"; document.head.append(tag); }, 50))</script>`;
  test.each([
    { title: "sync", head: (world: World) => world.tag("") },
    { title: "async", head: (world: World) => world.tag("async") },
    { title: "defer", head: (world: World) => world.tag("defer") },
    { title: "module", head: (world: World) => world.tag(`type="module"`) },
    { title: "twice", head: (world: World) => world.tag() + world.tag() },
    {
      title: "after a script of somebody else that is named alike",
      head: (world: World) => `<script src="http://127.0.0.1:${world.pages.port}/vendor/s.js"></script>${world.tag()}`,
    },
    { title: "late, by another script", head: (world: World) => late(world.endpoint) },
    {
      title: "as an imported module",
      head: (world: World) =>
        `<script type="module">import { start } from "${world.endpoint}/s.mjs"; window.doIntent = start()</script>`,
    },
  ])("29: in the head $title: one view, and what was called before is not lost", async ({ head, title }) => {
    const visitor = await world.visitor();
    const stub = `<script>window.doIntent = { q: [["track", ["early", { from: "stub" }]]] }</script>`;
    const path = world.page("", (title.startsWith("as") ? "" : stub) + head(world));
    await visitor.page.goto(world.site + path);
    await views(visitor, 1);
    await until("the script", () => visitor.page.evaluate("!!doIntent.id && !!doIntent.id()"));
    await visitor.page.evaluate("doIntent.track('late', { from: 'page' })");
    await until("the call", () => visitor.events("late").length);
    expect(visitor.events("page_view").length).toBe(1);
    expect(visitor.events("early").length).toBe(title.startsWith("as") ? 0 : 1);
    expect(visitor.events("late")[0]?.properties).toEqual({ from: "page" });
  });

  test("23: under a strict content security policy with a nonce nothing is refused", async () => {
    const visitor = await world.visitor();
    const refused: string[] = [];
    visitor.page.on("console", (message) => {
      if (message.type() === "error") refused.push(message.text());
    });
    const policy = `default-src 'none'; script-src 'nonce-abc123'; connect-src ${world.endpoint}; base-uri 'none'; require-trusted-types-for 'script'`;
    const path = world.page(`<button>Buy</button>`, world.tag(`async nonce="abc123"`), {
      "content-security-policy": policy,
    });
    await visitor.page.goto(world.site + path);
    await views(visitor, 1);
    await visitor.page.click("button");
    await until("the click", () => visitor.events("cta_click").length);
    expect(refused.filter((text) => !text.includes("favicon"))).toEqual([]);
  });

  test("a page that is missing says so, and a view told by hand carries what is told", async () => {
    const visitor = await world.visitor();
    await visitor.page.goto(world.site + world.page("<main data-not-found>gone</main>"));
    await views(visitor, 1);
    await visitor.page.evaluate(() => document.querySelector("main")?.remove());
    await visitor.page.evaluate(`doIntent.page({ step: 2 })`);
    await views(visitor, 2);
    const [missing, told] = visitor.events("page_view").map(({ properties }) => properties);
    expect(missing).toMatchObject({ not_found: true });
    expect(told).toMatchObject({ step: 2 });
    expect(told).not.toHaveProperty("not_found");
  });

  test("whoever listens hears of views, events and leaves", async () => {
    const visitor = await world.visitor();
    await visitor.page.goto(world.site + world.page());
    await views(visitor, 1);
    await visitor.page.evaluate(`window.heard = [];
      doIntent.on("view", (url) => heard.push(["view", url]));
      doIntent.on("leave", (gone) => heard.push(["leave", gone]));
      doIntent.on("event", ({ event }) => heard.push(["event", event]));
      doIntent.on("view", () => { throw Error("of the page") });
      history.pushState({}, "", "/next")`);
    await views(visitor, 2);
    await visitor.page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
    const heard = (await visitor.page.evaluate("heard")) as [string, unknown][];
    expect(heard.filter(([name, what]) => name !== "event" || what === "page_view")).toEqual([
      ["leave", false],
      ["view", `${world.site}/next`],
      ["event", "page_view"],
      ["leave", true],
    ]);
  });

  test("the stub as it is printed: nothing throws before the script is there, and what was taken out of it works after", async () => {
    const visitor = await world.visitor();
    const facts = { url: world.endpoint, scriptPath: "/s.js", integrity: "", writeKey: null };
    const [stub = ""] = /<script>!function.*<\/script>/.exec(snippetText(facts)) ?? [];
    const body = `<script>doIntent.track("early", { id: String(doIntent.id()) }); window.taken = doIntent.track;
      window.heard = []; doIntent.on("event", ({ event }) => heard.push(event));
      doIntent.q.push(["page"], ["nothing", []], ["track"])</script>`;
    await visitor.page.goto(world.site + world.page(body + world.tag("defer"), stub));
    await views(visitor, 1);
    await visitor.page.evaluate(`taken("late", { id: doIntent.id() })`);
    await until("the late one", () => visitor.events("late").length);
    expect(visitor.events("early")[0]?.properties).toEqual({ id: "undefined" });
    expect(visitor.events("late")[0]?.properties).toEqual({ id: await visitor.id() });
    expect(await visitor.page.evaluate("heard")).toContain("early");
  });

  test("what is wrong takes nothing with it that was called beside it, before there is a session", async () => {
    const visitor = await world.visitor();
    const warnings: string[] = [];
    visitor.page.on("console", (message) => {
      if (message.type() === "warning") warnings.push(message.text());
    });
    const calls = `const round = {}; round.round = round; window.doIntent = { q: [["track", ["round", round]],
      ["identify", [{ email: "jane@acme.example" }]], ["track", ["fine"]]] }`;
    await visitor.page.goto(world.site + world.page("", `<script>${calls}</script>${world.tag()}`));
    await views(visitor, 1);
    await until("the good call", () => visitor.events("fine").length);
    await until("the identify", () => world.gate.posts().some(({ path }) => path === "/identify"));
    expect(warnings.length).toBe(1);
  });

  test("misuse warns once on the console and throws never", async () => {
    const visitor = await world.visitor();
    const warnings: string[] = [];
    visitor.page.on("console", (message) => {
      if (message.type() === "warning") warnings.push(message.text());
    });
    await visitor.page.goto(world.site + world.page());
    await views(visitor, 1);
    await visitor.page.evaluate(
      "doIntent.track(); doIntent.track({}); doIntent.identify('me'); doIntent.track('fine')",
    );
    await until("the good call", () => visitor.events("fine").length);
    expect(warnings).toEqual([expect.stringContaining("do-intent")]);
  });
});
