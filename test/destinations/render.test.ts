import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { SignalData } from "../../src/core/signal.ts";
import type { RenderContext } from "../../src/destinations/interface.ts";
import { renderDeliveries } from "../../src/destinations/render.ts";
import { destination, NOON_MS, SECRET, sampleSignal } from "./sample.ts";

/** As long as intent.json lets a rule's name be. */
const RULE_NAME_MAX = 64;

const context: RenderContext = { linkTo: (path) => `https://intent.acme.com${path}`, nowMs: NOON_MS };

function bodyOf(config: object, signal: SignalData = sampleSignal(), changes: Partial<RenderContext> = {}) {
  const [rendered] = renderDeliveries(signal, [destination({ name: "d", ...config })], { ...context, ...changes });
  return rendered === undefined ? null : JSON.parse(rendered.body);
}

const webhook = { type: "webhook", url: "https://crm.example/", secret: SECRET };

test("a webhook's body has exactly the fields others build on", () => {
  const { created_at, person, ...rest } = sampleSignal();
  const { identities: _, ...known } = person;
  expect(bodyOf(webhook)).toEqual({
    type: "intent.threshold_crossed",
    timestamp: created_at,
    data: { ...rest, person: known },
  });
});

test("what is unknown is left out, and not null", () => {
  const { email: _, ...person } = sampleSignal().person;
  const { account: __, ...signal } = sampleSignal({ person });
  const { data } = bodyOf(webhook, signal);
  expect("account" in data).toBe(false);
  expect("email" in data.person).toBe(false);
});

test("a test signal says that it is one, also to a CRM and in a template that does not ask", () => {
  const test = { isTest: true };
  const fields = { login_url: "https://a.my.salesforce.com", client_id: "a", client_secret: "b" };
  const [contact] = bodyOf({ type: "hubspot", token: "t" }, sampleSignal(), test).inputs;
  expect(contact.properties).toMatchObject({ intent_level: "test", intent_reasons: expect.stringContaining("TEST") });
  const [record] = bodyOf({ type: "salesforce", ...fields }, sampleSignal(), test).records;
  expect(record).toMatchObject({ Intent_Level__c: "test", Intent_Reasons__c: expect.stringContaining("TEST") });
  expect(bodyOf({ type: "http", url: "https://h.example", body: "{{who}}" }, sampleSignal(), test)).toStartWith(
    "TEST ",
  );

  expect(bodyOf(webhook, sampleSignal(), { isTest: true }).data.test).toBe(true);
  expect(bodyOf({ type: "log" }, sampleSignal(), { isTest: true }).test).toBe(true);
  expect(
    bodyOf({ type: "discord", url: "https://d.example" }, sampleSignal(), { isTest: true }).embeds[0].title,
  ).toStartWith("TEST ");
});

const { email: _email, ...nameless } = sampleSignal().person;
const { account: _account, ...unlinked } = sampleSignal({ person: nameless });

const filters: [string, object, SignalData, boolean][] = [
  ["no filter", {}, unlinked, true],
  ["a threshold that was crossed", { thresholds: ["hot", "burning"] }, sampleSignal(), true],
  ["another threshold", { thresholds: ["burning"] }, sampleSignal(), false],
  ["accounts only, with one", { accounts_only: true }, sampleSignal(), true],
  ["accounts only, without one", { accounts_only: true }, unlinked, false],
  ["e-mail only, with one", { with_email_only: true }, sampleSignal(), true],
  ["e-mail only, without one", { with_email_only: true }, unlinked, false],
  ["enough points in a group", { groups: { high_intent: 24 } }, sampleSignal(), true],
  ["too few points in a group", { groups: { high_intent: 24.5 } }, sampleSignal(), false],
  ["a group there is not", { groups: { conversion: 1 } }, sampleSignal(), false],
  ["no exception that fits", { except: { thresholds: ["burning"] } }, sampleSignal(), true],
  ["an exception that fits", { except: { thresholds: ["hot"] } }, sampleSignal(), false],
  [
    "an exception that fits by one of two",
    { except: { thresholds: ["hot"], groups: { high_intent: 25 } } },
    sampleSignal(),
    true,
  ],
  ["an exception of accounts, and an account", { except: { accounts_only: true } }, sampleSignal(), false],
  ["an exception of accounts, and none", { except: { accounts_only: true } }, unlinked, true],
  [
    "an exception that fits beside what is wanted",
    { thresholds: ["hot"], except: { with_email_only: true } },
    sampleSignal(),
    false,
  ],
  ["one of two conditions", { groups: { high_intent: 1 }, thresholds: ["burning"] }, sampleSignal(), false],
];

for (const [what, filter, signal, isSent] of filters) {
  test(`with ${what} a signal is ${isSent ? "" : "not "}sent`, () => {
    expect(bodyOf({ ...webhook, filter }, signal) !== null).toBe(isSent);
  });
}

test("burning with a business e-mail goes to Slack and the rest to the webhook, as the page says and without code", () => {
  const [, example = ""] = /```json split\n([\s\S]*?)```/.exec(readFileSync("README.md", "utf8")) ?? [];
  const configs = JSON.parse(example).map(destination);
  const burning = { threshold: { name: "burning", score: 80 } };
  const goTo = (signal: SignalData) => renderDeliveries(signal, configs, context).map((row) => row.destination);
  expect(goTo(sampleSignal(burning))).toEqual(["sales"]);
  expect(goTo({ ...unlinked, ...burning })).toEqual(["crm"]);
  expect(goTo(sampleSignal())).toEqual(["crm"]);
  expect(goTo(sampleSignal({ threshold: { name: "account.burning", score: 80 } }))).toEqual(["crm"]);
});

test.each([{}, { accounts_only: false }, { groups: {} }])("an exception of everything is refused: %p", (except) => {
  expect(() => destination({ name: "d", ...webhook, filter: { except } })).toThrow("at least one condition");
});

test("a CRM is not told of people without e-mail", () => {
  const salesforce = {
    type: "salesforce",
    login_url: "https://a.my.salesforce.com",
    client_id: "a",
    client_secret: "b",
  };
  for (const config of [{ type: "hubspot", token: "t" }, salesforce]) {
    expect(bodyOf(config, sampleSignal({ person: nameless }))).toBeNull();
    expect(bodyOf(config)).not.toBeNull();
  }
});

test("a log line names nobody unless it is told to", () => {
  const line = bodyOf({ type: "log" });
  expect(line).toEqual({
    at: "2026-03-01T12:00:00.000Z",
    level: "info",
    event: "intent.threshold_crossed",
    signal_id: "sig_2n9c",
    person_id: "per_1x",
    threshold: "hot",
    score_before: 52,
    score: 63.04,
    rules: { pricing_page: 24, return_visit: 12.25, docs: 6, blog: 1 },
  });
  expect(bodyOf({ type: "log", personal: true })).toMatchObject({ email: "ada@acme.com", account: "acme.com" });
});

test("people read who, how hot, why, where from, and find the explanation", () => {
  expect(bodyOf({ type: "telegram", token: "t", chat_id: 1 }).text.split("\n")).toEqual([
    "hot: 63 of 100, before 52",
    "Ada Lovelace, ada@acme.com, Acme",
    "• pricing page 3×, last 2 min ago: 24 points",
    "• return visit 2×, last 3 h ago: 12.3 points",
    "• docs 4×, last 9 days ago: 6 points",
    "from google / cpc, campaign spring, landing on /pricing; last news.example",
    "Why?",
  ]);
});

test("Telegram's entities are counted in UTF-16 units, also after what takes two of them", () => {
  const person = { ...sampleSignal().person, traits: { name: "🦊 Ada" } };
  const { text, entities } = bodyOf({ type: "telegram", token: "t", chat_id: 1 }, sampleSignal({ person }));
  const shown = entities.map(({ offset, length }: { offset: number; length: number }) =>
    text.slice(offset, offset + length),
  );
  expect(shown).toEqual(["hot: 63 of 100, before 52", "Why?"]);
  expect(entities[1].url).toBe("https://intent.acme.com/people/per_1x/explanation");
});

test("the longest message that there can be is one that Telegram takes", () => {
  const long = "🦊".repeat(5_000);
  const name = "r".repeat(RULE_NAME_MAX);
  const lastEventAt = new Date(NOON_MS - 999 * 24 * 3_600_000).toISOString();
  const reasons = ["a", "b", "c", "d"].map((end) => ({
    rule: `${name.slice(1)}${end}`,
    group: "g",
    points: -99.9,
    count: 99_999_999,
    last_event_at: lastEventAt,
  }));
  const touch = (other: string) => ({
    at: lastEventAt,
    channel: "direct",
    source: long + other,
    medium: long,
    campaign: long,
    referrer: long,
    click_id: long,
    landing: long,
  });
  const person = { ...sampleSignal().person, email: `${long}@x.example`, traits: { name: long, company: long } };
  const attribution = { first: touch(""), last: { ...touch(""), campaign: `x${long}` }, last_non_direct: null };
  const account = { domain: `${"d".repeat(240)}.example`, active_people_14d: 99_999, people: [] };
  const magnet = { slug: "s", title: long, level: "l".repeat(64) };
  const asked = [{ magnet }, { threshold: { name: `account.${"l".repeat(64)}`, score: 60 }, account }];
  for (const one of asked) {
    const signal = { ...sampleSignal({ person, reasons, attribution }), ...one } as unknown as SignalData;
    const { text, entities } = bodyOf({ type: "telegram", token: "t", chat_id: 1 }, signal, { isTest: true });
    expect(text).toEndWith("Why?");
    expect(text.length).toBeGreaterThan(2_000);
    expect(text.length).toBeLessThanOrEqual(4_096);
    expect(entities).toHaveLength(2);
  }
});

test("without a public address there is no link", () => {
  for (const config of [
    { type: "slack", url: "https://s.example" },
    { type: "teams", url: "https://t.example" },
    { type: "discord", url: "https://d.example" },
    { type: "telegram", token: "t", chat_id: 1 },
  ]) {
    expect(JSON.stringify(bodyOf(config, sampleSignal(), { linkTo: null }))).not.toContain("Why?");
  }
});

const named = (name: string) => sampleSignal({ person: { ...sampleSignal().person, traits: { name } } });

const markups: [string, object, string, string][] = [
  [
    "Slack",
    { type: "slack", url: "https://s.example" },
    "<!channel> & <https://evil|x>",
    "&lt;!channel&gt; &amp; &lt;https://evil|x&gt;",
  ],
  [
    "Discord",
    { type: "discord", url: "https://d.example" },
    "@everyone [x](https://evil)",
    "\\@everyone \\[x\\]\\(https\\://evil\\)",
  ],
  ["Teams", { type: "teams", url: "https://t.example" }, "[x](https://evil) **b**", "[x](https://evil) **b**"],
  ["Telegram", { type: "telegram", token: "t", chat_id: 1 }, "<b>x</b> *y*", "<b>x</b> *y*"],
];

for (const [vendor, config, name, shown] of markups) {
  test(`what somebody calls themselves means nothing to ${vendor}`, () => {
    const texts = JSON.stringify(bodyOf(config, named(name)));
    expect(texts).toContain(JSON.stringify(shown).slice(1, -1));
  });
}

test("a Teams card shows what people typed in text runs only, which read no Markdown", () => {
  const [{ content }] = bodyOf({ type: "teams", url: "https://t.example" }).attachments;
  for (const { type, inlines } of content.body) {
    expect(type).toBe("RichTextBlock");
    expect(inlines.map((inline: { type: string }) => inline.type)).toEqual(["TextRun"]);
  }
});

test("a template is filled as data: values keep their type, and nothing breaks out", () => {
  const body = {
    summary: "{{ person.traits.name }} is {{threshold.name}} at {{score}}",
    email: "{{person.email}}",
    score: "{{score}}",
    reasons: "{{reasons}}",
    first: "{{reasons.0.rule}}",
    missing: "{{person.traits.nothing}}",
    missing_within: "[{{person.traits.nothing}}]",
    inherited: "{{person.constructor.name}}",
    nested: [{ level: "{{threshold.name}}", fixed: 1, none: null }],
    words: "{{text}}",
  };
  const filled = bodyOf(
    { type: "http", url: "https://n8n.example", body },
    named('Ada", "admin": true, "x": "{{score}}'),
  );
  expect(filled).toMatchObject({
    summary: 'Ada", "admin": true, "x": "{{score}} is hot at 63.04',
    email: "ada@acme.com",
    score: 63.04,
    reasons: sampleSignal().reasons,
    first: "pricing_page",
    missing: null,
    missing_within: "[]",
    inherited: null,
    nested: [{ level: "hot", fixed: 1, none: null }],
  });
  expect(filled.words).toStartWith("hot: 63 of 100");
});
