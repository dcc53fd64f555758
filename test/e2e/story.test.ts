import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { Webhook } from "standardwebhooks";
import { demoRoutes } from "../../src/features/demo/routes.ts";
import { type Receiver, startReceiver } from "../destinations/receiver.ts";
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
// It begins two days ago, so that it ends today.
let behindMs = 2 * dayMs;

beforeAll(async () => {
  receiver = await startReceiver();
  const destination = { type: "webhook", name: "crm", url: receiver.url, secret: webhookSecret, allow_private: true };
  server = await startInProcess({ destinations: [destination] }, () => Date.now() - behindMs);
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

test("from an ad over the pricing, two days away, to the contact form: person, score, explanation and webhook", async () => {
  const context = await browser.newContext({ userAgent, viewport: { width: 1100, height: 700 } });
  const page = await context.newPage();
  await page.clock.install({ time: Date.now() - behindMs });

  await page.goto(`${site}/?utm_source=search&utm_campaign=ports&gclid=g-1`);
  const id = `${await until("an id", () => page.evaluate("window.doIntent?.id?.()"))}`;
  const explain = async () => {
    const { people } = await server.ask<{ people: { person_id: string }[] }>(`/people?anonymous_id=${id}`);
    return people[0] === undefined ? undefined : server.ask<Explained>(`/people/${people[0].person_id}/explain`);
  };
  const rules = async () => (await explain())?.contributions.map(({ rule }) => rule) ?? [];
  await until("the landing to count", async () => (await rules()).includes("visit"));
  await page.click("text=See pricing");
  await page.waitForURL(`${site}/pricing`);
  await page.click("text=Choose Port");
  await until("the interest in a plan", async () => (await rules()).includes("cta_click"));
  const first = await explain();

  await page.goto("about:blank");
  behindMs = 0;
  await page.clock.setSystemTime(Date.now());
  const cooled = await explain();
  expect(cooled?.score).toBeLessThan(first?.score ?? 0);

  await page.goto(`${site}/contact`);
  await until("the observers", async () => (await rules()).length > 3);
  await page.fill("[name=name]", "Ada Harbour");
  await page.fill("[name=email]", "ada@port-of-trieste.example");
  await page.fill("[name=message]", "Fog, mostly.");
  await page.click("text=Send");
  await page.waitForURL(/\/thanks/);
  await until("the form to count", async () => (await rules()).includes("form_submit"));

  type People = {
    people: {
      person_id: string;
      identities: { kind: string; value: string }[];
      traits: object;
      score: number;
      level: string;
    }[];
  };
  const { people } = await until("the person", async () => {
    const found = await server.ask<People>("/people?email=ada@port-of-trieste.example");
    return found.people.length === 1 && found;
  });
  const [person] = people;
  expect(person).toMatchObject({ traits: { name: "Ada Harbour" } });
  expect(person?.identities).toEqual(
    expect.arrayContaining([expect.objectContaining({ kind: "anonymous_id", value: id })]),
  );
  const explained = await server.ask<Explained>(`/people/${person?.person_id}/explain`);
  expect(explained.score).toBeGreaterThanOrEqual(60);
  expect(["hot", "burning"]).toContain(explained.level);
  const sum = explained.groups.reduce((total, { points }) => total + points, 0);
  expect(Math.min(100, sum)).toBeCloseTo(explained.score, 6);

  const { events } = await server.ask<{
    events: { event: string; session_id: string; metadata: Record<string, unknown> }[];
  }>(`/people/${person?.person_id}/events?limit=100`);
  expect(new Set(events.map(({ session_id }) => session_id)).size).toBe(2);
  expect(JSON.stringify(events)).not.toContain("Fog, mostly");

  const { body, headers } = await until("the webhook of the hot level", () =>
    receiver.received.find((request) => JSON.parse(request.body).data.threshold.name === "hot"),
  );
  const delivered = new Webhook(webhookSecret).verify(body, headers);
  expect(delivered).toMatchObject({
    type: "intent.threshold_crossed",
    data: { person: { person_id: person?.person_id }, attribution: { first: { source: "search", campaign: "ports" } } },
  });
});
