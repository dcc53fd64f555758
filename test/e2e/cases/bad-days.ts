import { describe, expect, test } from "bun:test";
import { clockScript, dueIn, turn, turnUntil } from "../support/clock.ts";
import { atRest, numbers, type Stage, steps, upTo, waiting } from "../support/stage.ts";
import { until } from "../support/until.ts";

const minuteMs = 60 * 1000;
const backoffMsMin = 1500;

/** What is told arrives once, whatever becomes of the network, the server and the browser; the same in every browser. */
export function badDayCases(stage: () => Stage): void {
  /** Where time stands still, and nothing has a timer but what is sent. */
  const still = () => `${clockScript}${stage().tag(`async data-auto="page"`)}`;

  /** A page in which time stands still, with nothing left to send. */
  async function openStill() {
    const visitor = await stage().visitor();
    const tab = await visitor.tab();
    await tab.goto(stage().site + stage().page("", still()));
    await turnUntil(tab, "the view", () => visitor.events("page_view").length);
    await atRest(tab);
    stage().gate.reset();
    return { visitor, tab };
  }

  const answered = (nth: number) => stage().gate.posts()[nth - 1]?.status;

  test("11: offline, then online: everything arrives once, and at once", async () => {
    const { visitor, tab } = await openStill();
    await tab.setOffline(true);
    await tab.evaluate(`${steps(5)}; 0`);
    // It was tried in vain when the next try is planned for later.
    await until("a send in vain", async () => {
      const dueMs = await dueIn(tab);
      if (dueMs < backoffMsMin) await turn(tab, dueMs);
      return dueMs >= backoffMsMin;
    });
    expect(await waiting(tab)).toBe(5);
    await tab.setOffline(false);
    const turnedMs = await turnUntil(tab, "the steps", () => visitor.events("step").length >= 5);
    expect(turnedMs).toBeLessThan(backoffMsMin);
    await atRest(tab);
    expect(numbers(visitor)).toEqual(upTo(5));
  });

  describe("12: a server that cannot or will not", () => {
    test.each([
      {
        title: "500 is asked again after 3 s, then 6 s, give or take half",
        answer: { status: 500 },
        gaps: [
          [1500, 4501],
          [3000, 9001],
        ],
      },
      {
        title: "429 is asked again when it says",
        answer: { status: 429, headers: { "retry-after": "20" } },
        gaps: [
          [20_000, 20_001],
          [20_000, 20_001],
        ],
      },
    ])("$title", async ({ answer, gaps }) => {
      const { visitor, tab } = await openStill();
      stage().gate.answers(answer);
      await tab.evaluate(`${steps(1)}; 0`);
      await turnUntil(tab, "the first try", () => answered(1));
      for (const [nth, [least = 0, most = 0]] of gaps.entries()) {
        const gapMs = await turnUntil(tab, "the next try", () => answered(nth + 2));
        expect(gapMs).toBeGreaterThanOrEqual(least);
        expect(gapMs).toBeLessThanOrEqual(most);
      }
      stage().gate.answers({});
      await turnUntil(tab, "the step", () => visitor.events("step").length);
      await atRest(tab);
      expect(numbers(visitor)).toEqual([0]);
    });

    test("another 4xx is dropped, and the next view says how many", async () => {
      const visitor = await stage().visitor();
      const { tab } = await visitor.open();
      await atRest(tab);
      stage().gate.answers({ status: 422 });
      await tab.evaluate(`${steps(2)}; 0`);
      await atRest(tab);
      stage().gate.answers({});
      await tab.evaluate(`history.pushState({}, "", "/next")`);
      const view = await until("the next view", () => visitor.events("page_view")[1]);
      expect(view.properties.dropped).toBe(2);
      expect(visitor.events("step")).toEqual([]);
    });
  });

  test("13: after a crash what was stored but not answered arrives again under its id, and counts once", async () => {
    const visitor = await stage().visitor();
    const { gate, browser, site } = stage();
    const { tab, path } = await visitor.open();
    await atRest(tab);
    gate.answers({ afterwards: true, status: 502 });
    await tab.evaluate(`${steps(3)}; 0`);
    await until("the steps", () => visitor.events("step").length === 3);
    await browser.crash();
    await tab.close();
    gate.reset();
    const next = await visitor.tab();
    await next.goto(site + path);
    const again = await until("the same ids again", () => {
      const sent = gate.posts().flatMap(({ body }) => body.events ?? []);
      const again = sent.filter(({ event }) => event === "step");
      return again.length >= 3 && again;
    });
    await atRest(next);
    expect(new Set(again.map(({ event_id }) => event_id))).toEqual(
      new Set(visitor.events("step").map(({ event_id }) => event_id)),
    );
    expect(numbers(visitor)).toEqual(upTo(3));
  });

  test("24: the server is down for a minute; when it is back everything arrives once", async () => {
    const { visitor, tab } = await openStill();
    await stage().server.kill();
    try {
      await tab.evaluate(`${steps(3)}; doIntent.identify({ email: "jane@acme.example" })`);
      let downMs = 0;
      for (let nth = 1; downMs < minuteMs; nth++) downMs += await turnUntil(tab, "a send in vain", () => answered(nth));
      await tab.evaluate(`${steps(2, 3)}; 0`);
      // Who it is waits with the page only.
      const kept = await tab.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])");
      expect(kept).toMatch(/step/);
      expect(kept).not.toMatch(/jane/);
    } finally {
      await stage().server.restart();
    }
    const identifies = () =>
      stage()
        .gate.posts()
        .filter(({ path, status }) => path === "/identify" && status === 200);
    await turnUntil(tab, "everything", () => identifies().length && numbers(visitor).length >= 5);
    await atRest(tab);
    // Long enough for a second one.
    await turn(tab, 5 * minuteMs);
    await tab.goto("about:blank");
    expect(numbers(visitor)).toEqual(upTo(5));
    expect(identifies().length).toBe(1);
  });
}
