import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { startDemo } from "./support/server.ts";
import { launch, until, userAgent } from "./support/world.ts";

setDefaultTimeout(60_000);

let browser: Browser;
let demo: Awaited<ReturnType<typeof startDemo>>;
beforeAll(async () => {
  [browser, demo] = await Promise.all([launch(), startDemo()]);
});
afterAll(async () => {
  await browser.close();
  await demo.close();
});

test("the demo shows a visitor their own score, and their name once they give it", async () => {
  const page = await browser.newPage({ userAgent, viewport: { width: 1200, height: 800 } });
  await page.goto(demo.url);
  const shown = async (id: string) => (await page.textContent(`#${id}`)) ?? "";
  await until("a first score", async () => Number(await shown("intent-score")) > 0);
  expect(await shown("intent-who")).toBe("nobody known yet");
  await page.click("text=See pricing");
  await page.click("text=Talk to sales");
  await page.fill("[name=name]", "Ada");
  await page.fill("[name=email]", "ada@port-of-trieste.example");
  await page.click("text=Send");
  await page.waitForURL(`${demo.url}/thanks`);
  await until("the name", async () => (await shown("intent-who")) === "ada@port-of-trieste.example");
  await until("the form among the reasons", async () => (await shown("intent-rows")).includes("form_submit"));
  expect(Number(await shown("intent-score"))).toBeGreaterThan(40);
});
