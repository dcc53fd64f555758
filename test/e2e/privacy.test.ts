import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createWorld, launch, until, type Visitor, type World } from "./support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => world.tidy());
afterAll(() => world.close());

const kept = async ({ page, context }: Visitor) => ({
  storage: await page.evaluate(() => Object.keys(localStorage)),
  cookies: (await context.cookies()).map(({ name }) => name),
});
const nothing = { storage: [], cookies: [] };

/** Does what would be told, and waits until it would have been. */
async function act({ page }: Visitor): Promise<void> {
  await page.evaluate(`doIntent.track("told"); doIntent.identify({ email: "jane@acme.example" })`);
  await page.click("button");
  await page.goto("about:blank");
}

describe("20: consent", () => {
  test("given later it begins, with what was called before; withdrawn it forgets everything, in every tab", async () => {
    const visitor = await world.visitor();
    const path = world.page("<button>Buy</button>", world.tag(`async data-consent="required"`));
    const other = await visitor.context.newPage();
    await visitor.page.goto(world.site + path);
    await other.goto(world.site + path);
    await visitor.page.waitForFunction("window.doIntent?.id");
    await visitor.page.evaluate(`doIntent.track("early"); doIntent.consent(true)`);
    await until("the view", () => visitor.events("page_view").length);
    await until("the call", () => visitor.events("early").length);
    await other.reload();
    await until("the other's view", () => visitor.events("page_view").length === 2);
    await visitor.page.evaluate("doIntent.consent(false)");
    await until("the other tab to hear", async () => (await other.evaluate("doIntent.id()")) === undefined);
    await visitor.page.evaluate(`doIntent.track("late")`);
    await other.evaluate(`doIntent.track("late")`);
    expect(await kept(visitor)).toEqual(nothing);
    await other.close();
    await visitor.page.reload();
    await visitor.page.waitForFunction("window.doIntent?.id");
    expect(await kept(visitor)).toEqual(nothing);
    expect(visitor.events("late")).toEqual([]);
  });

  test.each(["this tab", "another tab"])(
    "an identify that was not delivered goes with it, withdrawn in %s",
    async (where) => {
      const visitor = await world.visitor();
      const path = world.page("", world.tag(`async data-consent="required"`));
      const other = await visitor.context.newPage();
      await visitor.page.clock.install();
      for (const page of [other, visitor.page]) {
        await page.goto(world.site + path);
        await page.waitForFunction("window.doIntent?.id");
        await page.evaluate("doIntent.consent(true)");
      }
      await until("the views", () => visitor.events("page_view").length === 2);
      world.gate.reset();
      world.gate.answers({ status: 503 });
      await visitor.page.evaluate(`doIntent.identify({ email: "jane@acme.example" })`);
      await visitor.page.clock.runFor(1);
      await until("a try", () => world.gate.posts().some(({ path: at, status }) => at === "/identify" && status));
      await (where === "this tab" ? visitor.page : other).evaluate("doIntent.consent(false)");
      await until("it to hear", async () => (await visitor.page.evaluate("doIntent.id()")) === undefined);
      world.gate.reset();
      await visitor.page.evaluate(`doIntent.consent(true); doIntent.track("agreed")`);
      await until("what came after", async () => {
        await visitor.page.clock.runFor(60_000);
        return visitor.events("agreed").length;
      });
      await visitor.page.goto("about:blank");
      await until("the last word", () => visitor.events("time_on_page").length);
      expect(world.gate.posts().filter(({ path: at }) => at === "/identify")).toEqual([]);
    },
  );

  test("where none is required a withdrawal holds on the next page, in every tab, until it is given again", async () => {
    const visitor = await world.visitor();
    const path = world.page("<button>Buy</button>");
    const other = await visitor.context.newPage();
    for (const page of [other, visitor.page]) await page.goto(world.site + path);
    await until("the views", () => visitor.events("page_view").length === 2);
    await visitor.page.evaluate("doIntent.consent(false)");
    await until("the other tab to hear", async () => (await other.evaluate("doIntent.id()")) === undefined);
    for (let n = 0; n < 2; n++) {
      await visitor.page.goto(world.site + path);
      await visitor.page.waitForFunction("window.doIntent?.id && doIntent.id() === undefined");
      expect(await kept(visitor)).toEqual({ storage: ["_di.x"], cookies: [] });
      // Whoever asks on each page says so on each page.
      await visitor.page.evaluate("doIntent.consent(false)");
    }
    await visitor.page.evaluate("doIntent.consent(true)");
    await until("a view", () => visitor.events("page_view").length === 3);
    const id = await visitor.id();
    await visitor.page.goto(world.site + path);
    await until("the next", () => visitor.events("page_view").length === 4);
    // The other tab heard that it was given again, and takes nothing of it away.
    expect(await visitor.id()).toBe(id);
    expect(visitor.events("page_view").at(-1)?.anonymous_id).toBe(id);
    const { storage } = await kept(visitor);
    expect(storage).toContain("_di.c");
    expect(storage).not.toContain("_di.x");
  });

  test("optOut() is not undone by a consent", async () => {
    const visitor = await world.visitor();
    await visitor.page.goto(world.site + world.page());
    await until("the view", () => visitor.events("page_view").length);
    await visitor.page.evaluate("doIntent.optOut(); doIntent.consent(false); doIntent.consent(true)");
    expect(await visitor.page.evaluate("doIntent.id()")).toBeUndefined();
    expect(await kept(visitor)).toEqual({ storage: ["_di.x"], cookies: [] });
  });

  test("optOut() holds on the next page too", async () => {
    const visitor = await world.visitor();
    const path = world.page("<button>Buy</button>");
    await visitor.page.goto(world.site + path);
    await until("the view", () => visitor.events("page_view").length);
    await visitor.page.evaluate("doIntent.optOut()");
    await visitor.page.goto(world.site + path);
    await visitor.page.waitForFunction("window.doIntent?.id");
    expect(await kept(visitor)).toEqual({ storage: ["_di.x"], cookies: [] });
    await act(visitor);
    expect(visitor.events("page_view").length).toBe(1);
  });
});

describe("21: where the visit came from", () => {
  const names =
    "gclid gclsrc gbraid wbraid dclid fbclid msclkid ttclid twclid li_fat_id igshid rdt_cid epik sccid irclid _kx".split(
      " ",
    );

  test("utm and click ids ride along once in a session and when they change", async () => {
    const visitor = await world.visitor();
    const path = world.page();
    const all = ["utm_source=ads", "utm_campaign=spring", ...names.map((name) => `${name}=v-${name}`)].join("&");
    for (const query of [`?${all}&other=1`, "", "?utm_source=mail", ""]) {
      await visitor.page.goto(`${world.site}${path}${query}`);
      const seen = visitor.events("page_view").length;
      await until(
        "the view",
        () =>
          visitor.events("page_view").length > seen ||
          visitor
            .events("page_view")
            .at(-1)
            ?.url.endsWith(path + query),
      );
    }
    const told = await until(
      "four views",
      () => visitor.events("page_view").length === 4 && visitor.events("page_view").map(({ properties }) => properties),
    );
    expect(told[0]).toMatchObject({
      utm_source: "ads",
      utm_campaign: "spring",
      landing_page: `${world.site}${path}?${all}&other=1`,
    });
    for (const name of names) expect(told[0]?.[name]).toBe(`v-${name}`);
    expect(told[0]).not.toHaveProperty("other");
    expect(told[1]).not.toHaveProperty("landing_page");
    expect(told[2]).toMatchObject({ utm_source: "mail", landing_page: `${world.site}${path}?utm_source=mail` });
    expect(told[3]).not.toHaveProperty("utm_source");
  });

  test.each([
    { query: "?i=abc123", left: "" },
    { query: "?a=1%20b&i=abc123&b=%C3%A9+x#part", left: "?a=1%20b&b=%C3%A9+x#part" },
    { query: "?i=abc123&utm_source=mail", left: "?utm_source=mail" },
    { query: "?x=1&i=abc%2D123", left: "?x=1", bound: "abc-123" },
    { query: "?i=abc123#/route?i=other12&b=2", left: "#/route?i=other12&b=2" },
    { query: "?a=1&i=abc123#/i=other12", left: "?a=1#/i=other12" },
  ])(
    "the campaign link is bound, kept and taken from the address: $query",
    async ({ query, left, bound = "abc123" }) => {
      const visitor = await world.visitor();
      const path = world.page();
      await visitor.page.goto(`${world.site}${path}${query}`);
      await until("the view", () => visitor.events("page_view").length);
      expect(visitor.page.url()).toBe(`${world.site}${path}${left}`);
      await visitor.page.goto(`${world.site}${path}?i=zzz999`);
      const views = await until(
        "the second view",
        () => visitor.events("page_view").length === 2 && visitor.events("page_view"),
      );
      expect(views.map(({ properties }) => properties.campaign_link)).toEqual([bound, bound]);
      expect(views.some(({ url }) => /[?&]i=/.test(url))).toBe(false);
      expect(visitor.page.url()).toBe(`${world.site}${path}`);
    },
  );
});

test("the campaign link is kept 90 days, and forgotten after", async () => {
  const visitor = await world.visitor();
  const { page } = visitor;
  const path = world.page();
  const dayMs = 24 * 60 * 60 * 1000;
  const startMs = Date.now();
  await page.clock.install({ time: startMs });
  for (const [query, day] of [
    ["?i=abc123", 0],
    ["?n=89", 89],
    ["?n=91", 91],
  ] as const) {
    await page.goto("about:blank");
    await page.clock.setSystemTime(startMs + day * dayMs);
    const before = visitor.events("page_view").length;
    await page.goto(world.site + path + query);
    await until("the view", async () => {
      await page.clock.runFor(300);
      return visitor.events("page_view").length > before;
    });
  }
  const links = visitor.events("page_view").map(({ properties }) => properties.campaign_link);
  expect(links).toEqual(["abc123", "abc123", undefined]);
});

test("going on to another sub-domain is no new arrival", async () => {
  const visitor = await world.visitor();
  const [first, second] = [world.page(), world.page()];
  await visitor.page.goto(`${world.site}${first}?utm_source=ads`);
  await until("the view", () => visitor.events("page_view").length === 1);
  const blog = world.site.replace("www.", "blog.");
  await visitor.page.evaluate((url) => {
    location.href = url;
  }, blog + second);
  await until("the second view", () => visitor.events("page_view").length === 2);
  await visitor.page.goto(`${blog}${second}?utm_source=mail`);
  await until("the third view", () => visitor.events("page_view").length === 3);
  const views = visitor.events("page_view");
  expect(views.map(({ properties }) => [properties.utm_source, !!properties.landing_page])).toEqual([
    ["ads", true],
    [undefined, false],
    ["mail", true],
  ]);
  expect(views[1]?.referrer).toStartWith(world.site);
  expect(new Set(views.map(({ session_id }) => session_id)).size).toBe(1);
});

test("27: a driven browser says so and is stored as a bot", async () => {
  const robot = await launch({ bot: true });
  try {
    const visitor = await world.visitor();
    const page = await robot.newPage({
      userAgent: "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36",
    });
    await page.goto(world.site + world.page());
    const view = await until("the view", () => visitor.events("page_view")[0]);
    expect(view).toMatchObject({ bot: "webdriver", properties: { webdriver: true } });
  } finally {
    await robot.close();
  }
});
