import type { Driven, Guest, Tab } from "./driven.ts";
import type { StoredEvent } from "./server.ts";
import { createSurroundings } from "./surroundings.ts";
import { until } from "./until.ts";

const silenceMsMax = 1000;

/** A browser, and the same browser with what its visitor has chosen in its settings. */
export type Kind = {
  /** Whether a beacon is refused when too much is under way; Firefox takes them all. */
  boundsBeacons: boolean;
  start: () => Promise<Driven>;
  withoutCookies: () => Promise<Driven>;
  withGlobalPrivacyControl: () => Promise<Driven>;
  withDoNotTrack: () => Promise<Driven>;
};

export type Visitor = Guest & {
  events: (name?: string) => StoredEvent[];
  /** A tab on a page of its own, whose view is stored and which is observed. */
  open(options?: { body?: string; head?: string; site?: string }): Promise<Opened>;
};

export type Opened = { tab: Tab; path: string };

/** All that stands around a browser, and a browser without a hand that pretends: started once per file. */
export async function createStage(kind: Kind) {
  const surroundings = await createSurroundings();
  const { page, watch, gate } = surroundings;
  const browser = await kind.start();
  let guests: { guest: Guest; by: Driven }[] = [];
  let tabs: { tab: Tab; by: Driven }[] = [];

  /** Its tabs go without a last word, which would come into the next test. */
  async function dismiss(which: Driven): Promise<void> {
    const silence = (tab: Tab) => tab.evaluate("window.doIntent?.optOut?.()").catch(() => {});
    // A tab that has crashed does not answer.
    for (const { tab, by } of tabs) if (by === which) await Promise.race([silence(tab), Bun.sleep(silenceMsMax)]);
    for (const { guest, by } of guests) if (by === which) await guest.leave();
    tabs = tabs.filter(({ by }) => by !== which);
    guests = guests.filter(({ by }) => by !== which);
  }

  return {
    ...surroundings,
    kind,
    browser,
    async visitor(by = browser): Promise<Visitor> {
      const guest = await by.guest();
      guests.push({ guest, by });
      const events = watch();
      const open = async (where?: "in front" | "behind") => {
        const tab = await guest.tab(where);
        tabs.push({ tab, by });
        return tab;
      };
      return {
        ...guest,
        tab: open,
        events,
        async open({ body, head, site = surroundings.site } = {}) {
          const path = page(body, head);
          const tab = await open();
          await tab.goto(site + path);
          await until("the view", () => events("page_view").some(({ url }) => url.endsWith(path)));
          await observed(tab);
          return { tab, path };
        },
      };
    },
    /** Ends a browser that was started for one test. */
    async leaveBrowser(own: Driven) {
      await dismiss(own);
      await own.close();
    },
    async tidy() {
      await dismiss(browser);
      await until("all to be answered", () => gate.posts().every(({ status }) => status));
      gate.reset();
    },
    async close() {
      await browser.close();
      await surroundings.close();
    },
  };
}

export type Stage = Awaited<ReturnType<typeof createStage>>;

/** The script that tells `count` steps in one go, each with so much to say. */
export const steps = (count: number, from = 0, characters = 10) =>
  `for (let n = ${from}; n < ${from + count}; n++) doIntent.track("step", { n, text: "x".repeat(${characters}) })`;

export const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

export const numbers = (visitor: Visitor) =>
  visitor
    .events("step")
    .map(({ properties }) => Number(properties.n))
    .sort((a, b) => a - b);

/** How much has no answer yet. */
export const waiting = (tab: Tab) =>
  tab.evaluate(`Object.keys(localStorage).filter((key) => key.startsWith("_di.e.")).length`);

export const atRest = (tab: Tab) => until("an empty outbox", async () => (await waiting(tab)) === 0);

/** Until the observers watch, because only then time counts: the script has asked for them, and is told before us. */
export async function observed(tab: Tab): Promise<void> {
  const asked = `performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/s/observe.js"))?.name`;
  const url = await until("the observers", () => tab.evaluate(asked));
  await tab.evaluate(`import("${url}").then(() => 0)`);
}

export const idOf = async (tab: Tab) => `${await until("an id", () => tab.evaluate("doIntent.id?.()"))}`;
