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
  ])("the campaign link is bound, kept and taken from the address: $query", async ({ query, left }) => {
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
    expect(views.map(({ properties }) => properties.campaign_link)).toEqual(["abc123", "abc123"]);
    expect(views.some(({ url }) => /[?&]i=/.test(url))).toBe(false);
    expect(visitor.page.url()).toBe(`${world.site}${path}`);
  });
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
