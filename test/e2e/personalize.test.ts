import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { createWorld, until, type Visitor, type World } from "./support/world.ts";

setDefaultTimeout(60_000);

/** As the manual gives it. */
const style =
  "<style>[data-show-if]:not([data-do-intent=shown]),[data-do-intent=hidden]{visibility:hidden}[data-personalize]:not([data-do-intent]),[data-hide-if]:not([data-do-intent]){animation:do-intent 1s step-end}@keyframes do-intent{from{visibility:hidden}}</style>";

let world: World;
beforeAll(async () => {
  world = await createWorld({ intent: { personalize: ["first_name", "company", "level"] } });
});
afterEach(() => world.tidy());
afterAll(() => world.close());

let people = 0;
const jane = { first_name: "Jane <b>Doe</b>", company: "Acme" };
const body = `<h1>Hello <span id="name" data-personalize="first_name">there</span>!</h1>
  <p id="city">In <span data-personalize="city">your city</span></p>
  <div id="company" data-show-if="company">For <span data-personalize="company">you</span></div>
  <div id="cold" data-show-if="level:cold">cold</div>
  <div id="hot" data-show-if="level:hot, level:burning">hot</div>
  <div id="either" data-show-if="level:hot, company">either</div>
  <div id="stranger" data-hide-if="company">stranger</div>
  <div id="folded" data-show-if="company" hidden>folded</div><p id="end">end</p>`;

async function open(visitor: Visitor, html: string, attributes = "async"): Promise<string> {
  const path = world.page(html, style + world.tag(attributes));
  await visitor.page.goto(world.site + path);
  await until("the view", () => visitor.events("page_view").some(({ url }) => url.endsWith(path)));
  return path;
}

/** A visitor whom the server knows. */
async function known(): Promise<Visitor> {
  const identity = { ...jane, email: `jane${++people}@acme.example` };
  const visitor = await world.visitor();
  await open(visitor, "");
  await visitor.page.evaluate((said) => {
    (window as unknown as { doIntent: { identify(identity: object): void } }).doIntent.identify(said);
  }, identity);
  await until("the identify", () =>
    world.gate.posts().some(({ path, status }) => path === "/identify" && status === 200),
  );
  return visitor;
}

const settled = (page: Page) =>
  until("the answer", () => page.evaluate("!document.querySelector('[data-show-if]:not([data-do-intent])')"));
const asked = () => world.gate.sent.filter(({ path }) => path === "/p").length;
const visible = (page: Page) =>
  page.evaluate(() =>
    ["company", "cold", "hot", "either", "stranger", "folded"].filter((id) =>
      document.getElementById(id)?.checkVisibility({ visibilityProperty: true }),
    ),
  );

describe("a page says to its visitor", () => {
  test("what is known of them, as text and nothing else, and asks once", async () => {
    const visitor = await known();
    const { page } = visitor;
    await page.addInitScript(() => {
      const heard: object[] = [];
      Object.assign(window, { heard });
      addEventListener("do-intent:personalized", (event) => heard.push((event as CustomEvent).detail));
    });
    await open(visitor, body);
    await settled(page);
    expect(await page.textContent("h1")).toBe(`Hello ${jane.first_name}!`);
    expect(await page.evaluate("document.querySelector('h1 b')")).toBeNull();
    expect(await page.textContent("#city")).toBe("In your city");
    expect(await page.textContent("#company")).toBe("For Acme");
    expect(await visible(page)).toEqual(["company", "cold", "either", "folded"]);
    await until("the event", () => page.evaluate("heard.length"));
    expect(await page.evaluate("heard")).toEqual([{ first_name: jane.first_name, company: "Acme", level: "cold" }]);
    expect(asked()).toBe(1);
    expect(JSON.stringify(await page.evaluate("({ ...localStorage, ...sessionStorage })"))).not.toMatch(/Jane|Acme/);
    const cookies = await visitor.context.cookies();
    expect(JSON.stringify(cookies)).not.toMatch(/Jane|Acme/);
  });

  test("its own words where nothing is known", async () => {
    const visitor = await world.visitor();
    await open(visitor, body);
    await settled(visitor.page);
    expect(await visitor.page.textContent("h1")).toBe("Hello there!");
    const seen = await visible(visitor.page);
    expect(seen.filter((id) => id !== "cold")).toEqual(["stranger"]);
  });

  test("also in what an application draws later, before it is seen, and again after it wrote itself", async () => {
    const visitor = await known();
    const { page } = visitor;
    await open(visitor, `<main></main>`);
    expect(asked()).toBe(0);
    await page.evaluate(() => {
      const main = document.querySelector("main");
      if (main) main.innerHTML = `<p data-personalize="company">you</p>`;
    });
    await page.waitForFunction("document.querySelector('p').textContent === 'Acme'");
    const seen = await page.evaluate(async () => {
      const late = document.createElement("p");
      late.dataset.personalize = "company";
      late.textContent = "you";
      document.body.append(late);
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const first = late.textContent;
      (late.firstChild as Text).data = "you all";
      await new Promise((resolve) => requestAnimationFrame(resolve));
      return [first, late.textContent];
    });
    expect(seen).toEqual(["Acme", "Acme"]);
    await page.evaluate(() => history.pushState({}, "", "/next"));
    await until("the second question", () => asked() === 2);
    await until("the view", () => visitor.events("page_view").some(({ url }) => url.endsWith("/next")));
    expect(asked()).toBe(2);
  });

  test("a page that always writes its own words wins", async () => {
    const visitor = await known();
    await open(
      visitor,
      `<p data-personalize="company">you</p><script>
      window.writes = 0;
      new MutationObserver(() => { const p = document.querySelector("p"); if (p.textContent !== "mine" && ++writes < 500) p.textContent = "mine" })
        .observe(document, { childList: true, subtree: true, characterData: true })</script>`,
    );
    await visitor.page.waitForFunction("writes > 5");
    await visitor.page.waitForFunction("document.querySelector('p').textContent === 'mine'");
    expect(await visitor.page.evaluate("writes")).toBeLessThan(100);
  });

  test("from another site, where no cookie travels, the id is said instead", async () => {
    const visitor = await world.visitor();
    const path = world.page(body, style + world.tag("async", `http://127.0.0.1:${world.gate.port}`));
    await visitor.page.goto(world.site + path);
    await settled(visitor.page);
    const question = world.gate.sent.find((sent) => sent.path === "/p");
    expect(question).toMatchObject({ search: `?anonymous_id=${await visitor.id()}`, cookie: null });
  });

  test("a page that only listens asks by its tag", async () => {
    const visitor = await known();
    await visitor.page.addInitScript(() =>
      addEventListener("do-intent:personalized", (event) =>
        Object.assign(window, { got: (event as CustomEvent).detail }),
      ),
    );
    await open(visitor, "", "async data-personalize");
    await visitor.page.waitForFunction("window.got?.company === 'Acme'");
  });
});

describe("nothing moves and nothing stays hidden", () => {
  // What follows in the same line moves with the length of the word, and nothing else does.
  test.each([
    { where: "at the end of its line", html: body.replace("</span>!", "</span>"), shiftMax: 0 },
    { where: "amid its line", html: body, shiftMax: 0.02 },
  ])("the layout is where it was before the answer, a word $where", async ({ html, shiftMax, where }) => {
    const visitor = await known();
    await visitor.page.addInitScript(() => {
      const shifts: number[] = [];
      Object.assign(window, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) shifts.push((entry as unknown as { value: number }).value);
      }).observe({ type: "layout-shift", buffered: true });
    });
    world.gate.delays("/p", 400);
    await open(visitor, html.replace(" hidden>", ">"));
    // It was painted unsettled first.
    expect(await visible(visitor.page)).toEqual([]);
    await settled(visitor.page);
    await visitor.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    const shifts = (await visitor.page.evaluate("shifts")) as number[];
    const sum = shifts.reduce((all, value) => all + value, 0);
    console.log(`cumulative layout shift, a word ${where}: ${sum.toFixed(4)}`);
    expect(sum).toBeLessThanOrEqual(shiftMax);
  });

  test.each([
    { what: "a server that does not answer", delayMs: 5_000, head: undefined },
    { what: "no script at all", delayMs: 0, head: "" },
  ])("with $what the page shows its own words", async ({ delayMs, head }) => {
    const visitor = await world.visitor();
    world.gate.delays("/p", delayMs);
    await visitor.page.goto(world.site + world.page(body, style + (head ?? world.tag())));
    const seen = () =>
      visitor.page.evaluate("document.querySelector('#name').checkVisibility({ visibilityProperty: true })");
    await until("the words", seen);
    expect(await visitor.page.textContent("h1")).toBe("Hello there!");
    await until("the others' part", async () => (await visible(visitor.page)).includes("stranger"));
    expect(await visible(visitor.page)).toEqual(["stranger"]);
  });
});

test.each([
  { what: "consent that is not given", attributes: `async data-consent="required"`, script: "" },
  {
    what: "Global Privacy Control",
    attributes: "async",
    script: `Object.defineProperty(navigator, "globalPrivacyControl", { value: true })`,
  },
])("with $what nothing is asked", async ({ attributes, script }) => {
  const visitor = await world.visitor();
  if (script) await visitor.page.addInitScript(script);
  await visitor.page.goto(world.site + world.page(body, style + world.tag(attributes)));
  await visitor.page.waitForFunction("window.doIntent?.id");
  await until("the words", () =>
    visitor.page.evaluate("document.querySelector('#name').checkVisibility({ visibilityProperty: true })"),
  );
  expect(world.gate.sent.filter(({ path }) => path !== "/s.js")).toEqual([]);
});

test("a link of a mail says who reads, before any event was scored; a strict policy refuses nothing of it", async () => {
  const visitor = await world.visitor();
  const refused: string[] = [];
  visitor.page.on("console", (message) => {
    if (message.type() === "error") refused.push(message.text());
  });
  const policy = `default-src 'none'; script-src 'nonce-abc123'; style-src 'nonce-abc123'; connect-src ${world.endpoint}; base-uri 'none'; require-trusted-types-for 'script'`;
  const head = style.replace("<style>", `<style nonce="abc123">`) + world.tag(`async nonce="abc123"`);
  await visitor.page.goto(`${world.site}${world.page(body, head, { "content-security-policy": policy })}?i=Ab3_xYz9`);
  await settled(visitor.page);
  const question = world.gate.sent.find(({ path }) => path === "/p");
  expect(question).toBeDefined();
  // The cookie says who it is, so that the id stands in no address.
  expect(question?.search).toBe("?i=Ab3_xYz9");
  expect(refused.filter((text) => !text.includes("favicon"))).toEqual([]);
});
