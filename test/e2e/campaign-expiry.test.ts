import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { type InProcess, startInProcess } from "./support/in-process.ts";
import { startPages } from "./support/pages.ts";
import { launch, until, userAgent } from "./support/world.ts";

setDefaultTimeout(60_000);

const dayMs = 24 * 60 * 60 * 1000;

const pages = startPages();
const site = `http://www.shop.localhost:${pages.port}`;
let server: InProcess;
let browser: Browser;
// It begins so long ago that it ends today.
let behindMs = 91 * dayMs;
let base = "";

beforeAll(async () => {
  server = await startInProcess({ public_url: "http://intent.shop.localhost" }, () => Date.now() - behindMs);
  base = `http://intent.shop.localhost:${server.listen()}`;
  pages.put("/demo", {
    html: `<!doctype html><html><head><title>Demo</title><script async src="${base}/s.js"></script></head>
      <body><h1>See it at work</h1></body></html>`,
  });
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  await server.close();
  pages.close();
});

type People = { people: { person_id: string; identities: { kind: string; value: string }[] }[] };

const personOf = async (kind: string, value: string) =>
  (await server.ask<People>(`/people?${kind}=${value}`)).people[0]?.person_id;

/** Until the browser's own id is known to the server; with a hand, until its click is. */
async function visit(page: Page, url: string, event: "page_view" | "campaign_click"): Promise<string> {
  await page.goto(url);
  const id = `${await until("an id", () => page.evaluate("window.doIntent?.id?.()"))}`;
  await until(`the ${event}`, async () => {
    if (event === "campaign_click") await page.mouse.move(100 + 300 * Math.random(), 200);
    const { events = [] } = await server.ask<{ events?: { event: string }[] }>(`/people/${id}/events?limit=100`);
    return events.some((one) => one.event === event);
  });
  return id;
}

test("on the 91st day a browser has forgotten who it was, and the mail is still its lead's", async () => {
  const settings = { name: "Spring", base_url: site, landing: "/demo" };
  await server.ask("/campaigns", JSON.stringify({ ...settings, leads: [{ email: "ann@acme.example" }] }));
  const { leads } = await server.ask<{ leads: { link_id: string }[] }>("/campaigns/spring/leads");
  const link = `${base}/c/spring/${leads[0]?.link_id}`;

  const context = await browser.newContext({ userAgent });
  const page = await context.newPage();
  await page.clock.install({ time: Date.now() - behindMs });
  const first = await visit(page, link, "campaign_click");
  const ann = await until("Ann", () => personOf("email", "ann@acme.example"));
  expect(await personOf("anonymous_id", first)).toBe(ann);

  // Within the ninety days it is hers, with or without the cookie.
  await page.goto("about:blank");
  behindMs = 2 * dayMs;
  await page.clock.setSystemTime(Date.now() - behindMs);
  await context.clearCookies();
  expect(await visit(page, `${site}/demo`, "page_view")).toBe(first);

  // The cookies end by themselves; here the browser's own clock stands still.
  await page.goto("about:blank");
  behindMs = -89 * dayMs;
  await page.clock.setSystemTime(Date.now() - behindMs);
  await context.clearCookies();
  const second = await visit(page, `${site}/demo`, "page_view");
  expect(second).not.toBe(first);
  expect(await personOf("anonymous_id", second)).not.toBe(ann);

  expect(await visit(page, link, "campaign_click")).toBe(second);
  await until("the browser to be hers again", async () => (await personOf("anonymous_id", second)) === ann);
});
