import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Result } from "axe-core";
import type { Browser } from "playwright-core";
import { type Server, startServer } from "./support/server.ts";
import { launch } from "./support/world.ts";

setDefaultTimeout(60_000);

const AXE = readFileSync(Bun.resolveSync("axe-core/axe.min.js", import.meta.dir), "utf8");

let server: Server;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await server.close();
});

const screens = [1280, 390, 320].flatMap((width) =>
  (["light", "dark"] as const).map((colorScheme) => ({ width, colorScheme })),
);

test.each(screens)("the page of addresses is read on $width pixels, $colorScheme", async ({ width, colorScheme }) => {
  // What looks for faults is a script, which the page itself lets nobody run.
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, bypassCSP: true });
  const page = await context.newPage();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(`http://localhost:${server.port}/docs`);
  await page.getByRole("link", { name: "Privacy" }).click();
  expect(await page.locator("#privacy h2").isVisible()).toBe(true);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
  await page.addScriptTag({ content: AXE });
  const violations = (await page.evaluate("axe.run().then(({ violations }) => violations)")) as Result[];
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
  expect(asked.filter((path) => path !== "/favicon.ico")).toEqual(["/docs"]);
  await context.close();
});

test("the page of addresses has its style under its own policy", async () => {
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on("console", (message) => faults.push(message.text()));
  await page.goto(`http://localhost:${server.port}/docs`);
  const shown = await page
    .locator("dl")
    .first()
    .evaluate((list) => getComputedStyle(list).display);
  expect(shown).toBe("grid");
  expect(faults.filter((text) => !text.includes("404"))).toEqual([]);
  await page.close();
});
