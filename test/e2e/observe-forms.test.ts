import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { withScreen } from "./support/screen.ts";
import { createWorld, until, type Visitor, type World } from "./support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => world.tidy());
afterAll(() => world.close());

async function open(visitor: Visitor, body: string): Promise<void> {
  await visitor.page.goto(world.site + world.page(body));
  await until("the view", () => visitor.events("page_view").length);
}

const told = (visitor: Visitor, name: string) => visitor.events(name).map(({ properties }) => properties);

describe("22: forms tell names and dwell time, never values", () => {
  const fields = `<input name="email"><textarea name="message"></textarea><input type="password" name="secret"><input type="hidden" name="csrf" value="token">`;
  const shadow = `<x-form></x-form><script>customElements.define("x-form", class extends HTMLElement { constructor() { super(); this.attachShadow({ mode: "open" }).innerHTML = '<form id="contact" onsubmit="event.preventDefault()">${fields}<button>Send</button></form>' } })</script>`;
  const form = (attributes: string) => `<form id="contact" ${attributes}>${fields}<button>Send</button></form>`;

  const dwells = { email: expect.any(Number), message: expect.any(Number) };

  test.each([
    { how: "native", html: form(`action="/thanks"`), act: (visitor: Visitor) => visitor.page.click("button") },
    {
      how: "prevented",
      html: form(`onsubmit="event.preventDefault()"`),
      act: (visitor: Visitor) => visitor.page.click("button"),
    },
    {
      how: "requestSubmit",
      html: form(`onsubmit="event.preventDefault()"`),
      act: (visitor: Visitor) => visitor.page.evaluate(() => document.querySelector("form")?.requestSubmit()),
    },
    { how: "30: inside a shadow root", html: shadow, act: (visitor: Visitor) => visitor.page.click("button") },
  ])("$how", async ({ html, act }) => {
    const visitor = await world.visitor();
    await open(visitor, html);
    await visitor.page.fill("[name=email]", "jane@secret.example");
    await visitor.page.fill("[name=message]", "hidden words");
    await act(visitor);
    await until("the form", () => visitor.events("form_submit").length);
    await visitor.page.goto("about:blank");
    await until("the last word", () => visitor.events("time_on_page").length);
    expect(told(visitor, "form_start")).toEqual([{ form: "contact", field: "email" }]);
    expect(told(visitor, "form_submit")).toEqual([
      { form: "contact", fields: ["email", "message", "secret"], dwell_ms: expect.any(Number), field_dwell_ms: dwells },
    ]);
    expect(visitor.events("form_abandon")).toEqual([]);
    expect(JSON.stringify(world.gate.sent)).not.toMatch(/secret\.example|hidden words|token/);
  });

  test("what was begun and not sent is abandoned once", async () => {
    const visitor = await world.visitor();
    const screen = await withScreen(visitor.page);
    await open(visitor, form(`action="/thanks"`));
    await visitor.page.fill("[name=email]", "jane@secret.example");
    await visitor.page.fill("[name=message]", "hidden words");
    await screen.hide();
    await screen.show();
    await visitor.page.goto("about:blank");
    await until("the form", () => visitor.events("form_abandon").length);
    expect(told(visitor, "form_abandon")).toEqual([
      {
        form: "contact",
        fields: ["email", "message"],
        dwell_ms: expect.any(Number),
        field_dwell_ms: dwells,
        last_field: "message",
      },
    ]);
    expect(JSON.stringify(world.gate.sent)).not.toMatch(/secret\.example|hidden words/);
  });

  /** Stays in a field for so long by the clock of the page. */
  async function dwell({ page }: Visitor, field: string, ms: number): Promise<void> {
    await page.focus(field);
    const from = await page.evaluate(() => performance.now());
    await page.fill(field, "hidden words");
    await page.waitForFunction((until) => performance.now() > until, from + ms);
  }

  test("each field tells how long it took, and a form that is filled in again begins anew", async () => {
    const visitor = await world.visitor();
    await open(visitor, form(`onsubmit="event.preventDefault()"`));
    await dwell(visitor, "[name=email]", 400);
    await dwell(visitor, "[name=message]", 200);
    await dwell(visitor, "[name=email]", 100);
    await visitor.page.evaluate(() => document.querySelector("form")?.requestSubmit());
    // What the page focuses after it was sent is no beginning.
    await visitor.page.focus("[name=message]");
    const pausedMs = 700;
    const from = await visitor.page.evaluate(() => performance.now());
    await visitor.page.waitForFunction((until) => performance.now() > until, from + pausedMs);
    await dwell(visitor, "[name=message]", 100);
    await visitor.page.click("button");
    await until("both", () => visitor.events("form_submit").length === 2);
    type Told = { dwell_ms: number; field_dwell_ms: Record<string, number> };
    const [first, second] = told(visitor, "form_submit") as [Told, Told];
    expect(first.field_dwell_ms.email).toBeGreaterThanOrEqual(490);
    expect(first.field_dwell_ms.message).toBeGreaterThanOrEqual(190);
    expect(first.field_dwell_ms.message).toBeLessThan(first.field_dwell_ms.email ?? 0);
    const sum = Object.values(first.field_dwell_ms).reduce((all, ms) => all + ms);
    expect(first.dwell_ms).toBeGreaterThanOrEqual(sum - 2);
    expect(first.dwell_ms).toBeLessThan(sum + 400);
    expect(Object.keys(second.field_dwell_ms)).toEqual(["message"]);
    expect(second.dwell_ms).toBeGreaterThanOrEqual(90);
    expect(second.dwell_ms).toBeLessThan(pausedMs);
    expect(told(visitor, "form_start").map(({ field }) => field)).toEqual(["email", "message"]);
  });

  test("fields that are named like what every form has hide nothing", async () => {
    const visitor = await world.visitor();
    const names = [
      "elements",
      "getAttribute",
      "hasAttribute",
      "isConnected",
      "id",
      "name",
      "action",
      "method",
      "submit",
    ];
    const inputs = names.map((name) => `<input name="${name}">`).join("");
    await open(
      visitor,
      `<form action="/thanks?token=hidden" onsubmit="event.preventDefault()">${inputs}<button>Send</button></form>`,
    );
    // By a script, because what the driver does stumbles over such a form itself.
    await visitor.page.evaluate(() => {
      for (const input of document.querySelectorAll("input")) {
        input.focus();
        input.value = "hidden words";
        input.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
      }
    });
    await visitor.page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
    await until("the form", () => visitor.events("form_abandon").length);
    await visitor.page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
    await visitor.page.evaluate(() => document.querySelector("button")?.click());
    await until("the form", () => visitor.events("form_submit").length);
    for (const name of ["form_abandon", "form_submit"]) {
      expect(told(visitor, name)).toEqual([expect.objectContaining({ form: "/thanks", fields: names })]);
    }
    expect(JSON.stringify(world.gate.sent)).not.toMatch(/hidden/);
  });

  test("a page that comes back from the cache abandons a form no second time, unless it is sent in between", async () => {
    const visitor = await world.visitor();
    await open(visitor, form(`onsubmit="event.preventDefault()"`));
    const counts = () => ["form_start", "form_abandon", "form_submit"].map((name) => visitor.events(name).length);
    const leaveAndReturn = async () => {
      const views = visitor.events("page_view").length;
      for (const type of ["pagehide", "pageshow"])
        await visitor.page.evaluate((name) => dispatchEvent(new PageTransitionEvent(name, { persisted: true })), type);
      await until("the view", () => visitor.events("page_view").length > views);
    };
    for (const text of ["one", "two"]) {
      await visitor.page.fill("[name=email]", text);
      await leaveAndReturn();
    }
    expect(counts()).toEqual([1, 1, 0]);
    await visitor.page.click("button");
    await visitor.page.fill("[name=email]", "three");
    await leaveAndReturn();
    await until("the second", () => visitor.events("form_abandon").length === 2);
    expect(counts()).toEqual([2, 2, 1]);
  });
});
