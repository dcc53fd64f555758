import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { faultsOf, fill, form } from "./support/magnet.ts";
import { type Server, secretKey, startServer } from "./support/server.ts";
import { launch, until, userAgent } from "./support/world.ts";

const FILE_TEXT = "%PDF-1.4 forty pages of arithmetic";
const GUIDE = {
  ...form,
  slug: "roi-guide",
  title: "The honest guide to warehouse automation",
  description: "Forty pages of arithmetic, no marketing.\n\nYou get it at once.",
  file: "guide.pdf",
};
const THEMED = {
  slug: "themed",
  title: "Die Checkliste",
  lang: "de",
  words: { email: "E-Mail-Adresse", button: "Jetzt holen" },
  theme: {
    light: { accent: "#a16207", background: "#fefce8", text: "#5b4632" },
    dark: { accent: "#fde047", background: "#1c1917", text: "#fafaf9" },
    font: "Georgia, serif",
    radius: 0,
  },
};

let folder: string;
let server: Server;
let browser: Browser;
let base: string;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "do-intent-magnet-"));
  const config = join(folder, "intent.json");
  writeFileSync(join(folder, "guide.pdf"), FILE_TEXT);
  writeFileSync(config, JSON.stringify({ magnets: [GUIDE, THEMED], magnets_folder: folder }));
  server = await startServer(["--config", config]);
  base = `http://localhost:${server.port}`;
  browser = await launch();
}, 120_000);

afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
});

afterAll(async () => {
  await browser.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(path: string, options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ userAgent, ...options });
  contexts.push(context);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("responded with a status of"))
      complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith("data:")) complaints.push(request.url());
  });
  await page.goto(base + path);
  return { page, complaints };
}

const screens = [
  { screen: "a desktop", viewport: { width: 1_280, height: 800 } },
  { screen: "a phone", viewport: { width: 390, height: 844 } },
  { screen: "a small phone", viewport: { width: 320, height: 568 } },
].flatMap((screen) => (["light", "dark"] as const).map((colorScheme) => ({ ...screen, colorScheme })));

describe("the pages of a magnet", () => {
  test.each(screens)(
    "have no fault that axe knows on $screen, $colorScheme",
    async ({ viewport, colorScheme }) => {
      const { page, complaints } = await open("/m/roi-guide", { viewport, colorScheme });
      expect(await faultsOf(page)).toEqual([]);
      await page.getByRole("button").click();
      await page.getByRole("alert").waitFor();
      expect(await faultsOf(page)).toEqual([]);
      expect(await page.evaluate("document.activeElement?.id")).toBe("f-email");
      await fill(page, "ada@acme.com");
      await page.getByRole("button").click();
      await page.getByRole("link", { name: "Book a call" }).waitFor();
      expect(await faultsOf(page)).toEqual([]);
      for (const path of ["/m/themed", "/m/nothing"]) {
        await page.goto(base + path);
        expect(await faultsOf(page)).toEqual([]);
      }
      expect(complaints).toEqual([]);
    },
    60_000,
  );

  test("keep what was typed, say beside each field what is amiss, and give the file, without a script", async () => {
    const { page } = await open("/m/roi-guide?utm_source=news", { javaScriptEnabled: false });
    await fill(page, "ada@nowhere");
    await page.getByRole("button").click();
    const email = page.getByLabel("E-mail");
    expect(await email.inputValue()).toBe("ada@nowhere");
    const described = await email.getAttribute("aria-describedby");
    expect(await page.locator(`#${described}`).textContent()).toContain("e-mail address such as");
    expect(await page.getByLabel("Your name").inputValue()).toBe("Ada Lovelace");
    expect(await page.getByLabel("I decide", { exact: true }).isChecked()).toBe(true);
    await email.fill("plain@acme.com");
    await page.getByRole("button").click();
    await page.getByRole("link", { name: "Book a call" }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("guide.pdf");
    expect(readFileSync((await download.path()) ?? "", "utf8")).toBe(FILE_TEXT);
  }, 30_000);

  test("know the visitor by our own script, and count the form once", async () => {
    const { page, complaints } = await open("/m/roi-guide?utm_source=news");
    const before = server.events().length;
    await until("the page view", () => server.events().some(({ url }) => url.includes("utm_source=news")));
    await fill(page, "scripted@acme.com");
    await page.getByRole("button").click();
    await page.getByRole("link", { name: "Download" }).waitFor();
    const forms = server
      .events()
      .slice(before)
      .filter(({ name }) => name === "form_submit");
    expect(forms.map(({ anonymous_id, properties }) => [anonymous_id, properties.form])).toEqual([
      ["scripted@acme.com", "roi-guide"],
    ]);
    const id = (await page.context().cookies()).find(({ name }) => name === "_di")?.value ?? "";
    const person = await fetch(`${base}/people?anonymous_id=${id}`, {
      headers: { authorization: `Bearer ${secretKey}` },
    });
    const { people } = (await person.json()) as { people: { identities: object[] }[] };
    expect(people[0]?.identities).toContainEqual({ kind: "email", value: "scripted@acme.com", verified: false });
    expect(complaints).toEqual([]);
  }, 30_000);
});
