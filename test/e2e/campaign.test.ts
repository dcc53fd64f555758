import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { Webhook } from "standardwebhooks";
import { type Receiver, startReceiver } from "../destinations/receiver.ts";
import { buildExecutable, run, type Server, startServer } from "../executable/executable.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startPages } from "./support/pages.ts";
import { launch, until, userAgent } from "./support/world.ts";

setDefaultTimeout(90_000);

const secretKey = "sk_0123456789abcdef0123456789abcdef";
const webhookSecret = `whsec_${Buffer.from("a secret of thirty-two bytes !!!").toString("base64")}`;
const list = `Company;Vorname;E-Mail
Acme;Ann;ann@acme.example
Acme;Bob;bob@acme.example
Other;Cyd;cyd@other.example
Other;Dee;dee@other.example
Other;Eve;eve@other.example
`;
const personal = /ann|bob|zed|acme|other\.example/i;

const folder = temporaryFolder();
const pages = startPages();
const site = `http://www.shop.localhost:${pages.port}`;
let receiver: Receiver;
let server: Server;
let endpoint = "";
let browser: Browser;
let driven: Browser;
/** Lead by lead, as the file says that the mail tool is given. */
const links = new Map<string, { tracking: string; direct: string }>();
let trap = "";

beforeAll(async () => {
  await buildExecutable();
  receiver = await startReceiver();
  const destination = { type: "webhook", name: "crm", url: receiver.url, secret: webhookSecret, allow_private: true };
  writeFileSync(join(folder.path, "intent.json"), JSON.stringify({ destinations: [destination] }));
  server = await startServer(folder.path, ["--data", "data", "--config", "intent.json"], {
    DO_INTENT_SECRET_KEY: secretKey,
  });
  endpoint = `http://intent.shop.localhost:${new URL(server.url).port}`;
  const page = (body: string) => ({
    html: `<!doctype html><html><head><title>Shop</title><script async src="${endpoint}/s.js"></script></head>
      <body style="height: 3000px">${body}</body></html>`,
  });
  pages.put("/demo", page("<h1>See it at work</h1>"));
  pages.put("/pricing", page("<h1>Prices</h1>"));
  pages.put(
    "/contact",
    page(`<form id="contact"><input name="email"><button>Send</button></form><script>
      contact.onsubmit = (event) => { event.preventDefault(); doIntent.identify({ email: contact.email.value }); };
    </script>`),
  );
  [browser, driven] = await Promise.all([launch(), launch({ bot: true })]);
});

afterAll(async () => {
  await browser.close();
  await driven.close();
  await server[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  pages.close();
  folder[Symbol.dispose]();
});

async function read<Body>(path: string): Promise<Body> {
  const answer = await fetch(server.url + path, { headers: { authorization: `Bearer ${secretKey}` } });
  return answer.json() as Promise<Body>;
}

type CampaignStanding = {
  sent: number;
  clicked: number;
  identified: number;
  forwarded: number;
  clicks: { human: number; machine: number; pending: number };
  machine_reasons: { [reason: string]: number };
  levels: { [level: string]: number };
};

const standing = () => read<CampaignStanding>("/campaigns/q1-outbound");

type Person = { person_id: string; identities: { kind: string; value: string }[]; traits: object; level: string };

async function personOf(kind: string, value: string): Promise<Person | undefined> {
  return (await read<{ people: Person[] }>(`/people?${kind}=${value}`)).people[0];
}

const clicksOf = async (personId: string) =>
  (await read<{ contributions: { rule: string; count: number }[] }>(`/people/${personId}/explain`)).contributions.find(
    ({ rule }) => rule === "campaign_click",
  )?.count ?? 0;

async function visitor(from: Browser = browser): Promise<{ context: BrowserContext; page: Page }> {
  const context = await from.newContext({ userAgent, viewport: { width: 1000, height: 600 } });
  return { context, page: await context.newPage() };
}

async function idOf(page: Page): Promise<string> {
  return `${await until("an id", () => page.evaluate("window.doIntent?.id?.()"))}`;
}

async function seen(page: Page, name: string): Promise<string> {
  const id = await idOf(page);
  await until(`the ${name} of ${id}`, async () => {
    const { events = [] } = await read<{ events?: { event: string }[] }>(`/people/${id}/events?limit=100`);
    return events.some(({ event }) => event === name);
  });
  return id;
}

/** Until the page watches for a hand, a movement goes unnoticed. */
async function wave(page: Page): Promise<void> {
  for (let step = 0; step < 5; step += 1) await page.mouse.move(100 + 40 * step, 100 + 30 * step);
}

async function clicked(page: Page): Promise<string> {
  const id = await idOf(page);
  await until(`the click of ${id}`, async () => {
    await wave(page);
    const { events = [] } = await read<{ events?: { event: string }[] }>(`/people/${id}/events?limit=100`);
    return events.some(({ event }) => event === "campaign_click");
  });
  return id;
}

describe("from a list to a named hot lead", () => {
  test("the list comes back with a link for everybody", async () => {
    writeFileSync(join(folder.path, "leads.csv"), list);
    const words = `campaign create --name Q1.outbound --leads leads.csv --base-url ${site} --landing /demo`;
    const made = await run(folder.path, [
      ...words.split(" "),
      "--utm",
      "source=mail",
      "--url",
      endpoint,
      "--data",
      "data",
    ]);
    expect([made.code, made.err]).toEqual([0, ""]);
    trap = /https?:\S+\/c\/\S+/.exec(made.out)?.[0] ?? "";
    const written = readFileSync(join(folder.path, "campaign-q1-outbound-urls.csv"), "utf8").trim().split(/\r?\n/);
    for (const line of written.slice(1)) {
      const cells = line.split(/[;,]/).map((cell) => cell.replaceAll('"', ""));
      const at = (part: string) => cells.find((cell) => cell.includes(part)) ?? "";
      links.set(at("@").split("@")[0] ?? "", { tracking: at("/c/"), direct: at("?i=") });
    }
    expect([...links.keys()]).toEqual(["ann", "bob", "cyd", "dee", "eve"]);
    for (const { tracking, direct } of links.values()) expect(tracking + direct).not.toMatch(personal);
  });

  test("scanners open every link, and nothing counts", async () => {
    const open = (url: string, headers: Record<string, string>, method = "GET") =>
      fetch(url.replace(endpoint, server.url), { method, headers, redirect: "manual" });
    const outlook = { "user-agent": userAgent, "x-forwarded-for": "203.0.113.20" };
    for (const [name, { tracking }] of links) {
      if (name === "eve") continue;
      await open(tracking, { "user-agent": "Barracuda Sentinel (EE)" });
      await open(tracking, outlook, "HEAD");
      expect((await open(tracking, outlook)).status).toBe(302);
    }
    await open(trap, { "user-agent": userAgent, "x-forwarded-for": "203.0.113.99" });
    const { context, page } = await visitor(driven);
    await page.goto(links.get("eve")?.tracking ?? "");
    await clicked(page);
    await context.close();
    const {
      clicked: people,
      clicks,
      machine_reasons: reasons,
    } = await until("all of them", async () => {
      const now = await standing();
      return now.machine_reasons.webdriver === 1 && now;
    });
    expect([people, clicks.human]).toEqual([0, 0]);
    expect(reasons).toMatchObject({ user_agent: 4, head: 4, honeypot: 1, webdriver: 1 });
    expect(reasons.burst).toBeGreaterThanOrEqual(3);
    expect(await personOf("email", "eve@other.example")).toBeUndefined();
  });

  test("a human follows the link, shows a hand, says who they are, and the team is told", async () => {
    const { context, page } = await visitor();
    await page.goto(links.get("ann")?.tracking ?? "");
    expect(page.url()).toStartWith(`${site}/demo?`);
    await until("the link to leave the address", () => !page.url().includes("i="));
    expect(page.url()).toContain("utm_source=mail");
    const id = await seen(page, "page_view");
    expect(await personOf("email", "ann@acme.example")).toBeUndefined();
    const before = await personOf("anonymous_id", id);
    expect(await clicked(page)).toBe(id);
    const ann = await until("Ann", () => personOf("email", "ann@acme.example"));
    expect(ann.identities.map(({ value }) => value)).toContain(id);
    expect(ann.person_id).not.toBe(before?.person_id ?? "");
    expect(JSON.stringify(ann.traits)).toContain("Acme");
    expect(await clicksOf(ann.person_id)).toBe(1);

    // Nothing of the person stands in the browser.
    const kept = () => page.evaluate<string>("JSON.stringify([{ ...localStorage }, document.cookie])");
    expect(await kept()).not.toMatch(personal);

    for (const path of ["/pricing", "/contact"]) {
      await page.goto(site + path);
      await seen(page, "page_view");
    }
    await page.fill("[name=email]", "ann@acme.example");
    await page.click("text=Send");
    const { body, headers } = await until("the webhook of the hot level", () =>
      receiver.received.find((request) => JSON.parse(request.body).data.threshold.name === "hot"),
    );
    const told = new Webhook(webhookSecret).verify(body, headers);
    expect(told).toMatchObject({
      type: "intent.threshold_crossed",
      data: {
        person: { person_id: ann.person_id, email: "ann@acme.example" },
        attribution: { first: { source: "mail", campaign: "q1-outbound" } },
      },
    });
    await until("what was said to be gone from the browser", async () => !personal.test(await kept()));
    expect(await clicksOf(ann.person_id)).toBe(1);
    await context.close();
  });

  test("her second device is her too", async () => {
    const { context, page } = await visitor();
    await page.goto(links.get("ann")?.direct ?? "");
    const id = await clicked(page);
    const ann = await until("Ann", () => personOf("email", "ann@acme.example"));
    const here = await until("the browser", () => personOf("anonymous_id", id));
    expect(here.person_id).toBe(ann.person_id);
    await context.close();
  });

  test("a forwarded mail: the reader who says another e-mail goes their own way", async () => {
    const { context, page } = await visitor();
    await page.goto(links.get("bob")?.tracking ?? "");
    const id = await clicked(page);
    const bob = await until("Bob", () => personOf("email", "bob@acme.example"));
    expect(bob.identities.map(({ value }) => value)).toContain(id);
    await page.goto(`${site}/contact`);
    await page.fill("[name=email]", "zed@third.example");
    await page.click("text=Send");
    const zed = await until("Zed", () => personOf("email", "zed@third.example"));
    expect(zed.person_id).not.toBe(bob.person_id);
    expect(zed.identities.map(({ value }) => value)).toContain(id);
    // Known by now: another lead's link moves nobody.
    await page.goto(links.get("cyd")?.direct ?? "");
    await until("the forwarded click", async () => {
      await wave(page);
      return (await standing()).forwarded === 1;
    });
    expect(await personOf("email", "cyd@other.example")).toBeUndefined();
    await context.close();
  });

  test("the campaign says what came of it", async () => {
    const { sent, clicks, clicked: people, forwarded, levels } = await standing();
    expect({ sent, people, forwarded, human: clicks.human }).toEqual({ sent: 5, people: 3, forwarded: 1, human: 4 });
    expect((levels.hot ?? 0) + (levels.burning ?? 0)).toBeGreaterThanOrEqual(1);
    expect(server.output()).not.toMatch(personal);
  });
});
