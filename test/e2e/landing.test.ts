import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { withScreen } from "./support/screen.ts";
import { createWorld, until, type Visitor, type World } from "./support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => world.tidy());
afterAll(() => world.close());

const link = "Ab3_xYz9";

/** Opens a page by a link and waits until the part that waits for evidence is there. */
async function land(visitor: Visitor, attributes = "async", query = `?utm_source=mail&i=${link}`): Promise<string> {
  const path = world.page(`<input name="q"><div id="high">${"<p>line</p>".repeat(200)}</div>`, world.tag(attributes));
  await visitor.page.goto(world.site + path + query);
  await until("the view", () => visitor.events("page_view").some(({ url }) => url.includes(path)));
  await ready(visitor.page);
  return path;
}

const ready = (page: Page) =>
  page.waitForFunction(() =>
    (performance.getEntriesByType("resource") as PerformanceResourceTiming[]).some(
      ({ name, responseEnd }) =>
        name.endsWith("/s/observe.js") && responseEnd > 0 && performance.now() > responseEnd + 100,
    ),
  );

const clicks = (visitor: Visitor): Record<string, unknown>[] =>
  visitor.events("campaign_click").map(({ url, properties }) => ({ url: url.replace(world.site, ""), ...properties }));

const passSeconds = async (page: Page, seconds: number) => {
  const from = await page.evaluate(() => performance.now());
  await page.waitForFunction((until) => performance.now() > until, from + seconds * 1000, { timeout: 30_000 });
};

describe("a landing by a campaign link is told once, with the evidence of a human hand", () => {
  test.each([
    {
      evidence: "moved",
      act: async ({ mouse }: Page) => {
        await mouse.move(100, 100);
        await mouse.move(140, 160, { steps: 3 });
      },
    },
    { evidence: "scrolled", act: ({ mouse }: Page) => mouse.wheel(0, 200) },
    { evidence: "touched", act: ({ touchscreen }: Page) => touchscreen.tap(50, 50), context: { hasTouch: true } },
    { evidence: "typed", act: ({ keyboard }: Page) => keyboard.press("a") },
  ])("$evidence", async ({ evidence, act, context }) => {
    const visitor = await world.visitor(context);
    const path = await land(visitor);
    expect(clicks(visitor)).toEqual([]);
    await act(visitor.page);
    await until("the click", () => clicks(visitor).length);
    await visitor.page.mouse.move(300, 300, { steps: 4 });
    await visitor.page.keyboard.press("b");
    await visitor.page.goto("about:blank");
    await until("the last word", () => visitor.events("time_on_page").length);
    expect(clicks(visitor)).toEqual([{ url: `${path}?utm_source=mail`, link, evidence }]);
  });

  test("what a script does is no evidence; five seconds in sight are, and only those in sight", async () => {
    const visitor = await world.visitor();
    const screen = await withScreen(visitor.page, false);
    const path = await land(visitor);
    await visitor.page.evaluate(() => {
      for (const type of ["pointermove", "pointermove", "wheel", "touchstart", "pointerdown", "click", "keydown"])
        document.body.dispatchEvent(new Event(type, { bubbles: true }));
      scrollTo(0, 500);
      document.querySelector("input")?.click();
    });
    await screen.hide();
    await passSeconds(visitor.page, 5.5);
    expect(clicks(visitor)).toEqual([]);
    await screen.show();
    const from = performance.now();
    await until("the click", () => clicks(visitor).length, 20_000);
    // Some of the five were over before it was hidden.
    expect(performance.now() - from).toBeGreaterThan(1000);
    expect(clicks(visitor)).toEqual([{ url: `${path}?utm_source=mail`, link, evidence: "visible" }]);
  });

  test("a mouse at rest over the page is no evidence", async () => {
    const visitor = await world.visitor();
    await visitor.page.mouse.move(200, 200);
    await land(visitor);
    await visitor.page.mouse.move(200, 200);
    await visitor.page.mouse.move(200, 200);
    await visitor.page.goto("about:blank");
    await until("the last word", () => visitor.events("time_on_page").length);
    expect(clicks(visitor)).toEqual([]);
  });
});

describe("whatever else is asked for", () => {
  test("evidence is not among what data-auto switches off", async () => {
    const visitor = await world.visitor();
    const path = await land(visitor, `async data-auto=""`);
    await visitor.page.keyboard.press("a");
    await until("the click", () => clicks(visitor).length);
    expect(clicks(visitor)).toEqual([{ url: `${path}?utm_source=mail`, link, evidence: "typed" }]);
    expect(visitor.events("form_start")).toEqual([]);
  });

  test("where consent is required nothing is told before, and afterwards it is", async () => {
    const visitor = await world.visitor();
    const path = world.page("", world.tag(`async data-consent="required"`));
    await visitor.page.goto(`${world.site}${path}?i=${link}`);
    await visitor.page.waitForFunction("window.doIntent?.id");
    await visitor.page.keyboard.press("a");
    await visitor.page.evaluate("doIntent.consent(true)");
    await until("the view", () => visitor.events("page_view").length);
    await ready(visitor.page);
    expect(clicks(visitor)).toEqual([]);
    await visitor.page.keyboard.press("a");
    await until("the click", () => clicks(visitor).length);
    expect(clicks(visitor)).toEqual([{ url: path, link, evidence: "typed" }]);
  });

  test("an application that moved on tells of the page it was opened with, and an address that brings a link is a landing", async () => {
    const visitor = await world.visitor();
    const path = await land(visitor);
    await visitor.page.evaluate(() => history.replaceState({}, "", "/app?i=Ab3_xYz9"));
    await until("the address", () => visitor.page.url() === `${world.site}/app`);
    await visitor.page.keyboard.press("a");
    await until("the click", () => clicks(visitor).length);
    await visitor.page.evaluate(() => history.pushState({}, "", "/other?i=zzz99999&a=1#b"));
    await until("the address", () => visitor.page.url() === `${world.site}/other?a=1#b`);
    await visitor.page.keyboard.press("b");
    await until("the second click", () => clicks(visitor).length === 2);
    expect(clicks(visitor)).toEqual([
      { url: `${path}?utm_source=mail`, link, evidence: "typed" },
      { url: "/other?a=1", link: "zzz99999", evidence: "typed" },
    ]);
    expect(visitor.events("page_view").some(({ url }) => /[?&]i=/.test(url))).toBe(false);
  });

  test("a second mail is told by its own link; the browser stays bound to the first", async () => {
    const visitor = await world.visitor();
    await land(visitor);
    await visitor.page.keyboard.press("a");
    await until("the click", () => clicks(visitor).length);
    await land(visitor, "async", "?i=second99");
    await visitor.page.keyboard.press("a");
    await until("the second click", () => clicks(visitor).length === 2);
    expect(clicks(visitor).map((click) => click.link)).toEqual([link, "second99"]);
    expect(visitor.events("page_view").map(({ properties }) => properties.campaign_link)).toEqual([link, link]);
    await visitor.page.reload();
    await until("the view", () => visitor.events("page_view").length === 3);
    await ready(visitor.page);
    await visitor.page.keyboard.press("a");
    await visitor.page.goto("about:blank");
    await until("the last word", () =>
      visitor.events("time_on_page").some(({ url }) => url === visitor.events("page_view")[2]?.url),
    );
    expect(clicks(visitor).length).toBe(2);
  });
});
