import { readFileSync } from "node:fs";
import type { Result } from "axe-core";
import type { Page } from "playwright-core";
import { until } from "./until.ts";

const axe = readFileSync(Bun.resolveSync("axe-core/axe.min.js", import.meta.dir), "utf8");
/** So long a human reads at least, by what the server believes. */
const readingMs = 2_100;

/** What every magnet of these tests asks for, a field of each kind, and who is asked to book a call. */
export const form = {
  fields: [
    { name: "name", label: "Your name", required: true },
    { name: "team_size", label: "How many people work in your warehouse?", type: "number" },
    {
      name: "timing",
      label: "When do you decide?",
      type: "select",
      options: ["This quarter", "Later"],
      required: true,
    },
    {
      name: "role",
      label: "What describes you best?",
      type: "radio",
      options: ["I decide", "I advise"],
      required: true,
    },
    { name: "goal", label: "What are you after?", type: "textarea" },
    { name: "terms", label: "I have read the terms", type: "checkbox", required: true },
  ],
  booking: { url: "https://cal.example.com/ada", when: { traits: { timing: "This quarter" } } },
};

/** Waits until somebody has looked at a form for as long as a human reads. */
export const read = (sinceMs: number) =>
  until("somebody to have read it", () => performance.now() - sinceMs > readingMs);

export async function fill(page: Page, email: string): Promise<void> {
  const openedMs = performance.now();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Your name").fill("Ada Lovelace");
  await page.getByLabel("How many people").fill("70");
  await page.getByLabel("When do you decide?").selectOption("This quarter");
  await page.getByLabel("I decide", { exact: true }).check();
  await page.getByLabel("I have read the terms").check();
  await read(openedMs);
}

/** What axe finds, and whether the page is wider than the screen. */
export async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const violations = (await page.evaluate("axe.run().then(({ violations }) => violations)")) as Result[];
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  const isWide = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
  return isWide ? [...found, "wider than the screen"] : found;
}
