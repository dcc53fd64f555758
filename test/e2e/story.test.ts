import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { Webhook } from "standardwebhooks";
import { demoRoutes } from "../../src/features/demo/routes.ts";
import { type Receiver, startReceiver } from "../destinations/receiver.ts";
import { tableOf } from "../readme/markdown.ts";
import { type InProcess, startInProcess } from "./support/in-process.ts";
import { secretKey } from "./support/server.ts";
import { launch, until, userAgent } from "./support/world.ts";

setDefaultTimeout(60_000);

const webhookSecret = `whsec_${Buffer.from("a secret of thirty-two bytes !!!").toString("base64")}`;
const dayMs = 24 * 60 * 60 * 1000;

let receiver: Receiver;
let server: InProcess;
let site = "";
let browser: Browser;
/** The server's clock, turned by hand: it stands two days ago, and then, for who verifies a signature, about now. */
let nowMs = Date.now() - 2 * dayMs;

beforeAll(async () => {
  receiver = await startReceiver();
  const destination = { type: "webhook", name: "crm", url: receiver.url, secret: webhookSecret, allow_private: true };
  server = await startInProcess({ destinations: [destination] }, () => nowMs);
  server.app.use(demoRoutes(secretKey));
  site = `http://127.0.0.1:${server.listen()}`;
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  await server.close();
  await receiver[Symbol.asyncDispose]();
});

type Explained = {
  score: number;
  level: string;
  groups: { group: string; points: number }[];
  contributions: { rule: string; points: number }[];
};
type Told = {
  type: string;
  data: {
    threshold: { name: string };
    person: { person_id: string; email?: string };
    score_before: number;
    score: number;
    reasons: { rule: string }[];
    attribution: { [touch in "first" | "last" | "last_non_direct"]: { channel: string; campaign?: string } };
  };
};

const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const story = tableOf(readme, "event").map((cells) => cells.map((cell) => cell.replaceAll("`", "")));
/** A column of the page: every rule with its points, then the score and the level. */
const column = (index: number) =>
  Object.fromEntries(story.map((cells) => [cells[1], cells[index]]).filter(([, shown]) => shown !== ""));
const asShown = ({ contributions, score, level }: Explained) => ({
  ...Object.fromEntries(contributions.map(({ rule, points }) => [rule, points.toFixed(2)])),
  score: score.toFixed(2),
  level,
});
const hundredths = (value: number) => Math.round(value * 100) / 100;

test("from an ad over the pricing, two days away, to the contact form: person, score, explanation and webhook", async () => {
  const context = await browser.newContext({ userAgent, viewport: { width: 1100, height: 700 } });
  const page = await context.newPage();
  await page.clock.install({ time: nowMs });

  await page.goto(`${site}/?utm_source=search&utm_campaign=ports&gclid=g-1`);
  const id = `${await until("an id", () => page.evaluate("window.doIntent?.id?.()"))}`;
  const explain = async (who = id) => {
    const { people } = await server.ask<{ people: { person_id: string }[] }>(`/people?anonymous_id=${who}`);
    const empty: Explained = { score: 0, level: "", groups: [], contributions: [] };
    return people[0] === undefined ? empty : server.ask<Explained>(`/people/${people[0].person_id}/explain`);
  };
  const counted = async (rule: string) => (await explain()).contributions.some((one) => one.rule === rule);
  await until("the landing to count", () => counted("visit"));
  await page.click("text=See pricing");
  await page.waitForURL(`${site}/pricing`);
  await until("the prices to count", () => counted("pricing_view"));
  await page.click("text=Choose Port");
  await until("the interest in a plan", () => counted("cta_click"));
  expect(asShown(await explain())).toEqual(column(2));

  await page.goto("about:blank");
  nowMs += 2 * dayMs;
  await page.clock.setSystemTime(nowMs);
  expect(asShown(await explain())).toEqual(column(3));

  await page.goto(`${site}/contact`);
  await until("the contact page to count", () => counted("demo_view"));
  await page.fill("[name=name]", "Ada Harbour");
  await page.fill("[name=email]", "ada@port-of-trieste.example");
  await page.fill("[name=message]", "Fog, mostly.");
  await page.click("text=Send");
  await page.waitForURL(/\/thanks/);
  await until("the form and the address to count", async () => {
    return (await counted("form_submit")) && (await counted("business_email"));
  });

  type People = { people: { person_id: string; identities: { kind: string; value: string }[]; traits: object }[] };
  const { people } = await server.ask<People>("/people?email=ada@port-of-trieste.example");
  const [person] = people;
  expect(people).toHaveLength(1);
  expect(person).toMatchObject({ traits: { name: "Ada Harbour" } });
  expect(person?.identities.map(({ kind, value }) => `${kind} ${value}`)).toEqual([
    "email ada@port-of-trieste.example",
    `anonymous_id ${id}`,
  ]);
  const explained = await explain();
  expect(asShown(explained)).toEqual(column(4));
  expect(explained.groups.reduce((total, { points }) => total + points, 0)).toBeCloseTo(explained.score, 6);

  const { events } = await server.ask<{
    events: { event: string; session_id: string; url: string | null; metadata: Record<string, unknown> }[];
  }>(`/people/${person?.person_id}/events?limit=100`);
  expect(new Set(events.map(({ session_id }) => session_id)).size).toBe(2);
  expect(JSON.stringify(events)).not.toContain("Fog, mostly");
  const happened = events.map(({ event, url }) => (url === null ? event : `${event} ${new URL(url).pathname}`));
  for (const [event = ""] of story) if (event !== "") expect(happened).toContain(event);

  await until("all that the webhook hears of", () => receiver.received.length === 4);
  const told = receiver.received.map(({ body, headers }) => new Webhook(webhookSecret).verify(body, headers) as Told);
  const [, shown = ""] = /```json story\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(
    told.map(({ data }) => ({
      threshold: data.threshold.name,
      score_before: hundredths(data.score_before),
      score: hundredths(data.score),
      email: data.person.email ?? null,
      reason: data.reasons[0]?.rule,
    })),
  ).toEqual(JSON.parse(shown));
  for (const { data } of told) {
    const { first, last, last_non_direct: named } = data.attribution;
    expect(data.person.person_id).toBe(`${person?.person_id}`);
    expect([first, named].map(({ channel, campaign }) => `${channel} ${campaign}`)).toEqual([
      "search ports",
      "search ports",
    ]);
    expect(last.channel).toBe("direct");
  }
});
