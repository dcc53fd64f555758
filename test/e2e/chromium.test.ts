import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { badDayCases } from "./cases/bad-days.ts";
import { deliveryCases } from "./cases/delivery.ts";
import { refusalCases } from "./cases/refusals.ts";
import { sessionCases } from "./cases/sessions.ts";
import { chromium } from "./support/chromium.ts";
import type { Tab } from "./support/driven.ts";
import { createStage, type Stage } from "./support/stage.ts";
import { until } from "./support/until.ts";

setDefaultTimeout(90_000);

const races = 1000;
const toleranceMs = 150;

describe("in Chromium", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await createStage(chromium);
  });
  afterEach(() => stage.tidy());
  afterAll(() => stage.close());

  deliveryCases(() => stage);
  badDayCases(() => stage);
  sessionCases(() => stage, races);
  refusalCases(() => stage);

  /** The page's own record: every change of whether it is in sight and in focus, and when. */
  const record = `
    window.record = [[0, document.hasFocus() && !document.hidden]];
    for (const type of ["visibilitychange", "focus", "blur"])
      addEventListener(type, () => record.push([performance.now(), document.hasFocus() && !document.hidden]), true);
    window.activeMs = (fromMs) => record.reduce((sum, [at, active], nth) => {
      const endMs = record[nth + 1]?.[0] ?? performance.now();
      return sum + (active ? Math.max(0, endMs - Math.max(at, fromMs)) : 0);
    }, 0)`;

  test("7: only time in sight and in focus counts, to 150 ms", async () => {
    const visitor = await stage.visitor();
    const other = await visitor.tab();
    const { tab, path } = await visitor.open({ head: `<script>${record}</script>${stage.tag()}` });
    const told = () => visitor.events("time_on_page").filter(({ url }) => url.endsWith(path));
    const active = (is: boolean) =>
      until(`it to be ${is ? "in" : "out of"} use`, () => tab.evaluate(`record.at(-1)[1] === ${is}`));
    // The clock of the page itself, so that a slow machine does not matter.
    const pass = (ms: number) => tab.evaluate(`new Promise((resolve) => setTimeout(resolve, ${ms}))`);
    const ways: { away: () => Promise<unknown>; back: () => Promise<unknown>; hidden: boolean }[] = [
      { away: () => other.show(), back: () => tab.show(), hidden: true },
      // The browser's own dialog takes the focus, and the page stays in sight.
      { away: () => askForKey(tab), back: () => tab.evaluate("asked.abort()"), hidden: false },
    ];
    for (const { away, back, hidden } of ways) {
      await pass(400);
      await away();
      await active(false);
      expect(await tab.evaluate("document.hidden")).toBe(hidden);
      await pass(500);
      await back();
      await active(true);
    }
    await pass(300);
    await other.show();
    await active(false);
    const startMs = `performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/s.js")).responseEnd`;
    const activeMs = Number(await tab.evaluate(`activeMs(${startMs})`));
    expect(activeMs).toBeGreaterThan(1000);
    const final = await until("the last word", () =>
      told().find(({ properties }) => Number(properties.seconds) * 1000 > activeMs - toleranceMs),
    );
    expect(Math.abs(Number(final.properties.seconds) * 1000 - activeMs)).toBeLessThan(toleranceMs);
    expect(final.properties.leaving).toBe(true);
  });

  const askForKey = (tab: Tab) =>
    tab.evaluate(`window.asked = new AbortController();
      navigator.credentials.get({ signal: asked.signal, publicKey: { challenge: new Uint8Array(32) } }).catch(() => {}); 0`);
});
