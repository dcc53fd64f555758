import { Database } from "bun:sqlite";
import { expect } from "bun:test";
import { join } from "node:path";
import { DAY_MS } from "../../src/core/duration.ts";
import type { MergesAnswer } from "../../src/features/merges/merges.ts";
import type { ReviewsAnswer } from "../../src/features/merges/reviews.ts";
import { createCampaignLoader } from "../../src/store/sqlite/campaign-load.ts";
import { eventually } from "../support/eventually.ts";
import { NOON_MS, type TestInstance, withSecret } from "../support/instance.ts";

/** Companies cross nothing here: the oldest versions knew no such signals. */
export const INTENT = {
  public_url: "https://intent.example",
  destinations: [{ type: "log", name: "stdout" }],
  accounts: { thresholds: { burning: 100 } },
};
export const ERASED = "gone@acme.com";

const STALE_DAYS = 3;

/** A little of everything that is stored, in every table there is, by the ways by which it comes there. */
export async function liveThroughAll(house: TestInstance): Promise<void> {
  house.keys.persist();
  expect((await house.get("/health")).status).toBe(200);
  await sweepWhatIsStale(house);
  // What is sent would be delivered in the background, and the rows change while they are compared.
  await done(house.postSecret("/destinations/stdout/pause", ""));
  await visit(house);
  await loseSomebody(house);
  await followALink(house);
  await partAndAsk(house);
  dieInALoad(house);
}

/** Leaves a mark of how far the sweep came. */
async function sweepWhatIsStale(house: TestInstance): Promise<void> {
  house.clock.nowMs = NOON_MS - STALE_DAYS * DAY_MS;
  await house.post("/track", { event: "", anonymous_id: "visitor-0" });
  house.clock.nowMs = NOON_MS;
  house.configureIntent({ ...INTENT, retain: { rejected: "1d" } });
  await eventually(() => house.rows("select 1 from retention").length > 0, "the sweep");
  house.configureIntent(INTENT);
}

/** Visitors, merges, a switch, accounts, signals, deliveries, refusals. */
async function visit(house: TestInstance): Promise<void> {
  for (const [visitor, url] of [
    ["visitor-1", "/pricing?utm_source=google&utm_medium=cpc"],
    ["visitor-1", "/demo"],
    ["visitor-2", "/pricing"],
    ["visitor-3", "/blog/one"],
  ] as const) {
    await done(house.post("/track", { event: "page_view", anonymous_id: visitor, session_id: "s", url }));
  }
  const form = { event: "form_submit", anonymous_id: "visitor-1", url: "/demo", metadata: { form: "contact" } };
  await done(house.post("/track", form));
  await house.post("/track", { event: "", anonymous_id: "visitor-1" });
  for (const [visitor, email] of [
    ["visitor-1", "ada@acme.com"],
    ["visitor-2", "ada@acme.com"],
    ["visitor-3", "bob@acme.com"],
    ["visitor-3", "eve@gmail.com"],
  ] as const) {
    await identify(house, visitor, { email, name: "somebody" });
  }
}

async function loseSomebody(house: TestInstance): Promise<void> {
  await identify(house, "visitor-4", { email: ERASED });
  const request = new Request(`http://localhost/people/${ERASED}`, { method: "DELETE", headers: withSecret });
  expect((await house.app.handle(request)).status).toBe(200);
}

async function followALink(house: TestInstance): Promise<void> {
  const leads = [
    "ada@acme.com",
    "cyd@other.example",
    ...Array.from({ length: 5 }, (_, index) => `l${index}@x.example`),
  ];
  const campaign = { name: "Spring", base_url: "https://acme.example", landing: "/demo" };
  await done(house.postSecret("/campaigns", { ...campaign, leads: leads.map((email) => ({ email })) }));
  type Leads = { leads: { link_id: string; email: string }[] };
  const { body } = await house.getSecret<Leads>("/campaigns/spring/leads");
  const link = body.leads.find(({ email }) => email === "cyd@other.example")?.link_id;
  expect((await house.get(`/c/spring/${link}`)).status).toBe(302);
  const click = { event: "campaign_click", anonymous_id: "visitor-5", metadata: { link, evidence: "moved" } };
  await done(house.post("/track", click));
  await eventually(() => house.rows("select 1 from campaign_click").length > 0, "the click");
}

/** An undone merge, a question about it that was answered with no, and another one that is open. */
async function partAndAsk(house: TestInstance): Promise<void> {
  const { merges } = (await house.getSecret<MergesAnswer>("/merges")).body;
  const merge = merges.find(({ absorbed }) => absorbed.identities.some(({ value }) => value === "visitor-2"));
  await done(house.postSecret(`/merges/${merge?.merge_id}/undo`, ""));
  await identify(house, "visitor-2", { email: "ada@acme.com" });
  const open = (await house.getSecret<ReviewsAnswer>("/reviews?state=open")).body.reviews;
  await done(house.postSecret(`/reviews/${open[0]?.review_id}/reject`, ""));
  await identify(house, null, { email: "ada@acme.com", user_id: "u1" });
  await identify(house, null, { email: "bob@acme.com", user_id: "u2" });
  await identify(house, null, { email: "ada@acme.com", user_id: "u2" });
}

/** As a process that is killed in the middle leaves it. */
function dieInALoad({ dataFolder, clock }: TestInstance): void {
  using database = new Database(join(dataFolder, "do-intent.db"), { readwrite: true, strict: true });
  const steps = createCampaignLoader({ database, secret: Buffer.from("a secret") }).begin("autumn", 0, clock.nowMs);
  while (steps.next().done !== true);
}

async function identify(house: TestInstance, visitor: string | null, identity: object): Promise<void> {
  await done(house.postSecret("/identify", { anonymous_id: visitor, identity }));
}

async function done(answer: Promise<{ status: number; text: string }>): Promise<void> {
  const { status, text } = await answer;
  expect({ status, text: status === 200 ? "" : text }).toEqual({ status: 200, text: "" });
}
