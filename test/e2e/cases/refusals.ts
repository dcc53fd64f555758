import { describe, expect, test } from "bun:test";
import type { Driven, Tab } from "../support/driven.ts";
import type { Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";

/** What a visitor has chosen in the browser's own settings, or on the page; the same in every browser. */
export function refusalCases(stage: () => Stage): void {
  /** What there is in every place where a page may leave something, so far as it may look. */
  const kept = (tab: Tab) =>
    tab.evaluate(`(async () => {
      const found = [Object.keys(localStorage), Object.keys(sessionStorage), document.cookie, await indexedDB.databases()];
      return JSON.stringify(found);
    })()`);

  test("19: with cookies blocked in its settings, so that storage throws, it works with an id for the page", async () => {
    const own = await stage().kind.withoutCookies();
    try {
      const visitor = await stage().visitor(own);
      const { tab } = await visitor.open();
      expect(
        await tab.evaluate("(() => { try { return localStorage.length } catch ({ name }) { return name } })()"),
      ).toBe("SecurityError");
      expect(await tab.evaluate("document.cookie")).toBe("");
      await tab.evaluate(`doIntent.track("works")`);
      await until("the event", () => visitor.events("works").length);
      await until("to be seen", () => tab.evaluate("document.hasFocus()"));
      await tab.goto("about:blank");
      await until("the last word", () => visitor.events("time_on_page").length);
      const who = visitor.events().map(({ anonymous_id, session_id }) => `${anonymous_id} ${session_id}`);
      expect(new Set(who).size).toBe(1);
      expect(await visitor.cookies()).toEqual([]);
    } finally {
      await stage().leaveBrowser(own);
    }
  });

  const nothing = JSON.stringify([[], [], "", []]);
  const settings = (signal: string) => `String(navigator.${signal})`;
  type Row = {
    what: string;
    own?: () => Promise<Driven>;
    signal?: { look: string; is: string; header: string };
    head?: string;
    attributes?: string;
  };
  const rows: Row[] = [
    {
      what: "Global Privacy Control in the browser's settings",
      own: () => stage().kind.withGlobalPrivacyControl(),
      signal: { look: settings("globalPrivacyControl"), is: "true", header: "sec-gpc" },
    },
    {
      what: "Do Not Track in the browser's settings",
      own: () => stage().kind.withDoNotTrack(),
      signal: { look: settings("doNotTrack"), is: "1", header: "dnt" },
    },
    { what: "consent that is required and not given", attributes: `async data-consent="required"` },
    {
      what: "consent denied in words",
      head: `<script>window.doIntent = { q: [["consent", [false]]] }</script>`,
      attributes: `async data-consent="required"`,
    },
  ];

  describe("20: where the visitor has not agreed, 0 bytes are kept and 0 requests sent", () => {
    test.each(rows)("$what", async ({ own, signal, head = "", attributes }) => {
      const browser = own ? await own() : stage().browser;
      try {
        const { gate, pages, site, page, tag } = stage();
        const visitor = await stage().visitor(browser);
        const tab = await visitor.tab();
        const path = page("<button>Buy</button>", head + tag(attributes));
        gate.reset();
        await tab.goto(site + path);
        await until("the script", () => tab.evaluate("!!window.doIntent?.id"));
        if (signal) {
          expect(await tab.evaluate(signal.look)).toBe(signal.is);
          expect(pages.asked.find((asked) => asked.path === path)?.headers.get(signal.header)).toBe("1");
        }
        await tab.evaluate(
          `doIntent.track("told"); doIntent.identify({ email: "jane@acme.example" }); document.querySelector("button").click()`,
        );
        expect(await kept(tab)).toBe(nothing);
        expect(await visitor.cookies()).toEqual([]);
        await tab.goto("about:blank");
        // Whoever does not mind comes after: what the other had sent would be here by then.
        const other = await (await stage().visitor()).open();
        await other.tab.close();
        const sent = gate.sent.filter(({ body }) => !JSON.stringify(body).includes(other.path));
        expect(sent.map(({ method, path: at }) => `${method} ${at}`)).not.toContain("POST /v1/e");
        expect(sent.filter(({ method }) => method === "POST")).toEqual([]);
        expect(visitor.events().filter(({ url }) => !url.endsWith(other.path))).toEqual([]);
      } finally {
        if (own) await stage().leaveBrowser(browser);
      }
    });
  });
}
