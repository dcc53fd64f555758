import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { faultsOf, fill, form, read } from "./support/magnet.ts";
import { createWorld, until, type Visitor, type World } from "./support/world.ts";

setDefaultTimeout(60_000);

const guide = {
  ...form,
  slug: "guide",
  title: "The honest guide",
  description: "Forty pages of arithmetic.\n\nYou get it <b>at once</b>.",
  url: "https://files.example.com/guide.pdf",
};
const html = `<main><h1>A page</h1><div data-lead-magnet="guide"><a href="/elsewhere">Get the guide</a></div></main>`;

let world: World;
beforeAll(async () => {
  world = await createWorld({ intent: { magnets: [guide] } });
});
afterEach(() => world.tidy());
afterAll(() => world.close());

async function open(visitor: Visitor, body = html, head = world.tag(), headers = {}): Promise<void> {
  await visitor.page.goto(world.site + world.page(body, head, headers));
  await visitor.page.getByLabel("E-mail").waitFor();
}

const send = (page: Page) => page.getByRole("button").click();

const onServer = (visitor: Visitor, name: string) => visitor.events(name).map(({ properties }) => properties);

test("a form in somebody else's page: what is wrong stands beside it, what was typed stays, and it comes to a lead", async () => {
  const visitor = await world.visitor();
  const { page } = visitor;
  await open(visitor);
  expect(await page.getByText("<b>at once</b>").count()).toBe(1);
  await page.getByLabel("E-mail").fill("no address");
  await page.getByLabel("What are you after?").fill("fewer steps");
  await page.getByLabel("Later").count();
  await send(page);
  await page.getByText("Please give an e-mail address such as").waitFor();
  expect(await page.getByLabel("E-mail").evaluate((field) => field.matches(":focus"))).toBe(true);
  expect(await page.getByLabel("E-mail").getAttribute("aria-invalid")).toBe("true");
  expect(await page.getByLabel("What are you after?").inputValue()).toBe("fewer steps");
  expect(await page.getByText("Please fill this in.").count()).toBeGreaterThan(1);
  await page.evaluate(() => {
    addEventListener("do-intent:lead_magnet", (event) => Object.assign(window, { got: (event as CustomEvent).detail }));
  });
  await fill(page, "ada@acme.com");
  const posts = () => world.gate.posts().filter(({ path }) => path === "/m/guide").length;
  const before = posts();
  await page.getByRole("button").dblclick();
  const file = page.getByRole("link", { name: "Download" });
  await file.waitFor();
  expect(posts()).toBe(before + 1);
  expect(await file.getAttribute("href")).toStartWith(`${world.endpoint}/m/guide/file?`);
  expect(await page.getByRole("link", { name: "Book a call" }).getAttribute("href")).toBe(guide.booking.url);
  expect(await page.evaluate("got")).toMatchObject({ slug: "guide", booking_url: guide.booking.url });
  const submits = await until(
    "the form",
    () => onServer(visitor, "form_submit").length && onServer(visitor, "form_submit"),
  );
  expect(submits).toEqual([expect.objectContaining({ magnet: "guide" })]);
  const id = await visitor.id();
  await page.goto("about:blank");
  await until("the last word", () => visitor.events("time_on_page").length);
  expect(onServer(visitor, "form_submit").length).toBe(1);
  expect(visitor.events("form_abandon")).toEqual([]);
  expect(visitor.events("page_view")[0]?.anonymous_id).toBe(id);
  expect(visitor.events("form_start")[0]?.properties.form).toBe("guide");
});

test("the browser keeps nothing personal of it", async () => {
  const visitor = await world.visitor();
  await open(visitor);
  await fill(visitor.page, "grace@acme.com");
  await send(visitor.page);
  await visitor.page.getByRole("link", { name: "Download" }).waitFor();
  const kept = await visitor.page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })");
  expect(kept + JSON.stringify(await visitor.context.cookies())).not.toMatch(/grace|Lovelace|acme\.com/i);
});

test("with the keyboard alone", async () => {
  const visitor = await world.visitor();
  const { page } = visitor;
  await open(visitor);
  const opened = performance.now();
  const { keyboard } = page;
  await page.getByLabel("E-mail").focus();
  await keyboard.type("joan@acme.com");
  for (const keys of ["Joan", "12"]) {
    await keyboard.press("Tab");
    await keyboard.type(keys);
  }
  await keyboard.press("Tab");
  await keyboard.type("L");
  await keyboard.press("Tab");
  await keyboard.press("ArrowDown");
  await keyboard.press("Tab");
  await keyboard.press("Tab");
  await keyboard.press("Space");
  await read(opened);
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  await page.getByRole("link", { name: "Download" }).waitFor();
  // Who decides later is not asked to book.
  expect(await page.getByRole("link", { name: "Book a call" }).count()).toBe(0);
});

test("a server that is away says so, and nothing typed is lost", async () => {
  const visitor = await world.visitor();
  await open(visitor);
  await fill(visitor.page, "edith@acme.com");
  world.gate.answers({ status: 503 });
  await send(visitor.page);
  await visitor.page.getByText("could not be sent").waitFor();
  expect(await visitor.page.getByLabel("E-mail").inputValue()).toBe("edith@acme.com");
  world.gate.answers({});
  await send(visitor.page);
  await visitor.page.getByRole("link", { name: "Download" }).waitFor();
});

describe("it is accessible and fits", () => {
  test.each([
    { screen: "a desktop", viewport: { width: 1280, height: 800 } },
    { screen: "a phone", viewport: { width: 390, height: 844 } },
    { screen: "a small phone", viewport: { width: 320, height: 568 } },
  ])("on $screen: empty, refused and done", async ({ viewport }) => {
    const visitor = await world.visitor({ viewport });
    const { page } = visitor;
    const head = `<meta name="viewport" content="width=device-width">${world.tag()}`;
    await open(visitor, html, head);
    await page.evaluate(() => document.documentElement.setAttribute("lang", "en"));
    expect(await faultsOf(page)).toEqual([]);
    await send(page);
    await page.getByText("Please fill this in.").first().waitFor();
    expect(await faultsOf(page)).toEqual([]);
    if (process.env.SCREENS)
      await page.screenshot({ path: `${process.env.SCREENS}/embed-${viewport.width}.png`, fullPage: true });
    await fill(page, `mary${viewport.width}@acme.com`);
    await send(page);
    await page.getByRole("link", { name: "Download" }).waitFor();
    expect(await faultsOf(page)).toEqual([]);
  });
});

test("a strict policy refuses nothing of it, an application may draw it late, and a slug of nothing leaves the page as it was", async () => {
  const visitor = await world.visitor();
  const refused: string[] = [];
  visitor.page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("responded with a status")) refused.push(message.text());
  });
  const policy = `default-src 'none'; script-src 'nonce-abc123'; connect-src ${world.endpoint}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'`;
  await visitor.page.goto(
    world.site + world.page("<main></main>", world.tag(`async nonce="abc123"`), { "content-security-policy": policy }),
  );
  await until("the view", () => visitor.events("page_view").length);
  await visitor.page.evaluate(() => {
    for (const slug of ["guide", "nothing"]) {
      const host = document.createElement("div");
      host.dataset.leadMagnet = slug;
      const instead = document.createElement("p");
      instead.textContent = `instead of ${slug}`;
      host.append(instead);
      document.querySelector("main")?.append(host);
    }
  });
  await visitor.page.getByLabel("E-mail").waitFor();
  expect(await visitor.page.getByText("instead of nothing").isVisible()).toBe(true);
  expect(await visitor.page.getByText("instead of guide").isVisible()).toBe(false);
  expect(refused.filter((text) => !text.includes("favicon"))).toEqual([]);
});

test("who may not be tracked gets what the page has in its place", async () => {
  const visitor = await world.visitor();
  await visitor.page.addInitScript(`Object.defineProperty(navigator, "globalPrivacyControl", { value: true })`);
  await visitor.page.goto(world.site + world.page(html));
  await visitor.page.waitForFunction("window.doIntent?.id");
  expect(await visitor.page.getByRole("link", { name: "Get the guide" }).isVisible()).toBe(true);
  expect(world.gate.sent.filter(({ path }) => path !== "/s.js")).toEqual([]);
});
