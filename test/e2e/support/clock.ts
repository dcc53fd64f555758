import type { Tab } from "./driven.ts";
import { until } from "./until.ts";

/** Before the tracker in a page: there time stands still until the test turns it, and every timer can be looked at. */
export const clockScript = `<script>{
  let nowMs = Date.now();
  let last = 0;
  const timers = new Map();
  const next = () => [...timers].sort(([, one], [, two]) => one.atMs - two.atMs)[0];
  Date.now = () => nowMs;
  window.setTimeout = (run, ms = 0) => (timers.set(++last, { run, atMs: nowMs + Math.floor(ms) }), last);
  window.clearTimeout = (id) => void timers.delete(id);
  window.testClock = {
    dueMs: () => (next()?.[1].atMs ?? nowMs) - nowMs,
    turn(ms) {
      const endMs = nowMs + ms;
      for (let found = next(); found && found[1].atMs <= endMs; found = next()) {
        timers.delete(found[0]);
        nowMs = found[1].atMs;
        found[1].run();
      }
      nowMs = endMs;
    },
  };
}</script>`;

export const turn = (tab: Tab, ms: number) => tab.evaluate(`testClock.turn(${ms})`);

/** In how many milliseconds the page has planned something; nothing is none. */
export const dueIn = async (tab: Tab) => Number(await tab.evaluate("testClock.dueMs()"));

/** Turns the clock from one timer to the next until it happens, and gives how far it was. */
export async function turnUntil(tab: Tab, what: string, happened: () => unknown): Promise<number> {
  let turnedMs = 0;
  await until(what, async () => {
    if (happened()) return true;
    const dueMs = await dueIn(tab);
    turnedMs += dueMs;
    await turn(tab, dueMs);
  });
  return turnedMs;
}
