import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { SentSignal } from "../../../src/core/delivery.ts";
import { DAY_MS } from "../../../src/core/duration.ts";
import type { AccountAnswer, FullAccountAnswer } from "../../../src/features/accounts/account.ts";
import type { AccountsAnswer } from "../../../src/features/accounts/list.ts";
import type { TrackAnswer } from "../../../src/features/track/track.ts";
import { startInstance, type TestInstance, withSecret } from "../../support/instance.ts";
import { accountByHand } from "./reference.ts";

const CLOSE = 9;
const SEED = 20_240_229;
const PROPERTY_MAX_MS = 120_000;
const BOT = { "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" };

/** Each event gives ten, and half of it is gone after a week. */
const intent = {
  groups: { steps: { max: 100 }, looks: { max: 100 } },
  rules: [
    { name: "step", group: "steps", event: "step", points: 10, half_life: "7d" },
    { name: "look", group: "looks", event: "look", points: 10, half_life: "7d" },
  ],
  thresholds: { warm: 20, hot: 60 },
  accounts: { thresholds: { warm: 30, hot: 70 } },
};

type Full = FullAccountAnswer & { signals: SentSignal[] };

async function did(instance: TestInstance, email: string, events: number, name = "step"): Promise<void> {
  const all = Array.from({ length: events }, () => ({ event: name, email }));
  const { status, text } = await instance.postSecret("/track", all);
  if (status !== 200) throw new Error(text);
}

async function know(instance: TestInstance, email: string, anonymous_id?: string): Promise<void> {
  const { status, text } = await instance.postSecret("/identify", { anonymous_id, identity: { email } });
  if (status !== 200) throw new Error(text);
}

/** Parts the two who were merged last, if they have not been parted yet. */
async function undoLatest(instance: TestInstance): Promise<void> {
  const { body } = await instance.getSecret<{ merges: { merge_id: string }[] }>("/merges?undone=false&limit=1");
  const [latest] = body.merges;
  if (latest === undefined) return;
  const { status, text } = await instance.postSecret(`/merges/${latest.merge_id}/undo`, "");
  if (status !== 200) throw new Error(text);
}

async function erase(instance: TestInstance, who: string): Promise<void> {
  const request = new Request(`http://localhost/people/${who}`, { method: "DELETE", headers: withSecret });
  const { status } = await instance.app.handle(request);
  if (status !== 200 && status !== 404) throw new Error(`erasing answers ${status}`);
}

async function accountOf(instance: TestInstance, domain: string): Promise<Full> {
  const { status, body, text } = await instance.getSecret<Full>(`/accounts/${domain}`);
  if (status !== 200) throw new Error(text);
  return body;
}

async function listed(instance: TestInstance, query: string): Promise<AccountAnswer[]> {
  const all: AccountAnswer[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const from: string = `/accounts?${query}${cursor === "" ? "" : `&cursor=${cursor}`}`;
    const { status, body, text } = await instance.getSecret<AccountsAnswer>(from);
    if (status !== 200) throw new Error(text);
    all.push(...body.accounts);
    cursor = body.next_cursor;
  }
  return all;
}

function expectToAddUp({ score, groups, contributions }: FullAccountAnswer): void {
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  expect(sum(contributions.map(({ points }) => points))).toBeCloseTo(groups[0]?.raw ?? 0, CLOSE);
  expect(score).toBeCloseTo(Math.min(sum(groups.map(({ points }) => points)), 100), CLOSE);
}

/** All of the rollup, as the account itself and the list tell it. */
async function expectByHand(instance: TestInstance): Promise<void> {
  const expected = accountByHand(instance, "acme.example");
  const { status, body: account } = await instance.getSecret<Full>("/accounts/acme.example");
  const [onList] = await listed(instance, "");
  // An account whose people are all gone is gone with them.
  expect([status, onList?.domain]).toEqual(expected === null ? [404, undefined] : [200, "acme.example"]);
  if (expected === null || onList === undefined) return;
  expectToAddUp(account);
  const { people, ...rollup } = expected;
  const shown = { ...rollup, score: expect.closeTo(rollup.score, CLOSE) };
  expect(account).toMatchObject(shown);
  expect(onList).toEqual({ domain: "acme.example", ...shown });
  expect(account.contributions.map(({ person_id, score, share }) => ({ person_id, score, share }))).toEqual(
    people.map(({ score, ...person }) => ({ ...person, score: expect.closeTo(score, CLOSE) })),
  );
}

describe("an account", () => {
  test("is shown with the people who make it up, what they did, where the first came from, and what was told", async () => {
    await using instance = startInstance({ intent });
    await instance.post("/track", { event: "look", anonymous_id: "laptop", url: "/?utm_source=news" });
    await know(instance, "ada@acme.example", "laptop");
    await know(instance, "bob@mail.acme.example");
    await did(instance, "ada@acme.example", 4);
    await did(instance, "bob@mail.acme.example", 2);
    const account = await accountOf(instance, "ACME.example");
    expectToAddUp(account);
    expect(account).toMatchObject({
      domain: "acme.example",
      score: 57,
      level: "warm",
      active_people_14d: 2,
      momentum: { events_7d: 7, weekly_before: 0, ratio: 8 },
      first_touch: { source: "news", channel: "referral", at: "2026-06-01T12:00:00.000Z" },
      groups: [
        { group: "people", raw: 55, max: 100, points: 55 },
        { group: "diversity", raw: 2, max: 10, points: 2 },
      ],
      contributions: [
        { email: "ada@acme.example", score: 50, share: 1, points: 50 },
        { email: "bob@mail.acme.example", score: 20, share: 0.25, points: 5 },
      ],
      reasons: [
        { rule: "step", points: 45, count: 6 },
        { rule: "look", points: 10, count: 1 },
      ],
      signals: [
        {
          threshold: { name: "account.warm", score: 30 },
          person: { email: "ada@acme.example" },
          account: { domain: "acme.example", active_people_14d: 2 },
        },
      ],
    });
    expect(await accountOf(instance, "mail.acme.example")).toEqual(account);
    const inAWeek = await accountOf(instance, "acme.example?at=2026-06-08T12:00:00Z");
    expectToAddUp(inAWeek);
    expect(inAWeek).toMatchObject({ score: expect.closeTo(25, CLOSE), level: "cold", active_people_14d: 2 });
  });

  test("is explained at any time gone by, from what its people had done by then", async () => {
    await using instance = startInstance({ intent });
    await know(instance, "ada@acme.example");
    await did(instance, "ada@acme.example", 4);
    instance.clock.nowMs += DAY_MS;
    const then = await accountOf(instance, "acme.example");
    const thenAt = new Date(instance.clock.nowMs).toISOString();
    instance.clock.nowMs += DAY_MS;
    await know(instance, "bob@acme.example");
    await did(instance, "bob@acme.example", 6, "look");
    await did(instance, "ada@acme.example", 1, "look");
    instance.clock.nowMs += 20 * DAY_MS;
    const past = await accountOf(instance, `acme.example?at=${thenAt}`);
    expectToAddUp(past);
    expect(past.score).toBeCloseTo(then.score, CLOSE);
    expect({ ...past, score: 0, groups: [], contributions: [], reasons: [] }).toEqual({
      ...then,
      score: 0,
      groups: [],
      contributions: [],
      reasons: [],
      signals: past.signals,
    });
    expect(past.contributions.map(({ email, points }) => [email, points])).toEqual([
      ["ada@acme.example", expect.closeTo(then.contributions[0]?.points ?? 0, CLOSE)],
    ]);
    expect(await accountOf(instance, "acme.example?at=2026-05-01")).toMatchObject({ score: 0, active_people_14d: 0 });
  });

  test("is made by the events of a backend too, for all who are new in one batch", async () => {
    await using instance = startInstance({ intent });
    await did(instance, "old@known.example", 1);
    const step = (email: string) => ({ event: "step", email });
    const emails = ["ada@acme.example", "bob@acme.example", "ada@acme.example", "eve@known.example", "eve@gmail.com"];
    const { status } = await instance.postSecret("/track", emails.map(step));
    expect(status).toBe(200);
    expect(instance.rows("select domain from account order by domain")).toEqual([
      { domain: "acme.example" },
      { domain: "known.example" },
    ]);
    const acme = await accountOf(instance, "acme.example");
    expectToAddUp(acme);
    expect(acme).toMatchObject({ active_people_14d: 2, contributions: [{ score: 20 }, { score: 10 }] });
    expect((await accountOf(instance, "known.example")).active_people_14d).toBe(2);
    await did(instance, "bob@acme.example", 3);
    const { body } = await instance.getSecret<{ signals: SentSignal[] }>("/signals?threshold=account.warm");
    expect(body.signals.map(({ account }) => account?.domain)).toEqual(["acme.example"]);
  });

  test("tells its crossings to destinations in its own words, and not as the person's", async () => {
    const destinations = [{ type: "http", name: "all", url: "https://receiver.example/", body: "{{type}} {{who}}" }];
    await using instance = startInstance({ intent: { ...intent, destinations } });
    await instance.postSecret("/destinations/all/pause", {});
    await know(instance, "ada@acme.example");
    const all = Array.from({ length: 3 }, () => ({ event: "step", email: "ada@acme.example" }));
    const { body: answer } = await instance.postSecret<TrackAnswer>("/track", all);
    expect(answer.events.map((event) => ("signals" in event ? event.signals.map((one) => one.threshold) : []))).toEqual(
      [[], ["warm"], ["account.warm"]],
    );
    const told = instance.rows<{ body: string }>("select body from delivery order by delivery_id");
    expect(told.map(({ body }) => JSON.parse(body))).toEqual([
      "intent.threshold_crossed ada@acme.example, acme.example",
      "account.threshold_crossed acme.example, active people: 1, latest: ada@acme.example, acme.example",
    ]);
    const ofPerson = await instance.getSecret<{ signals: SentSignal[] }>("/people/ada@acme.example");
    expect(ofPerson.body.signals.map(({ threshold }) => threshold.name)).toEqual(["warm"]);
    const ofAccounts = await instance.getSecret<{ signals: SentSignal[] }>("/signals?threshold=account.warm");
    expect(ofAccounts.body.signals).toHaveLength(1);
  });

  test("has not been seen where only machines came, and what they do moves nothing", async () => {
    await using instance = startInstance({ intent });
    await did(instance, "bob@acme.example", 3);
    await know(instance, "ada@acme.example", "laptop");
    await did(instance, "ada@acme.example", 3);
    const before = await accountOf(instance, "acme.example");
    expect(before).toMatchObject({ active_people_14d: 2, momentum: { events_7d: 6, weekly_before: 0, ratio: 7 } });
    const crawled = () => instance.post("/track", { event: "step", anonymous_id: "laptop" }, BOT);
    for (let time = 0; time < 40; time += 1) expect((await crawled()).status).toBe(200);
    expect(instance.rows("select count(*) as count from event where bot is not null")).toEqual([{ count: 40 }]);
    expect(await accountOf(instance, "acme.example")).toEqual(before);
    instance.clock.nowMs += 40 * DAY_MS;
    await crawled();
    await instance.post("/identify", { anonymous_id: "laptop", identity: { email: "ada@acme.example" } }, BOT);
    await instance.post("/track", { event: "step", anonymous_id: "crawler" }, BOT);
    const after = await accountOf(instance, "acme.example");
    expect(after).toMatchObject({ active_people_14d: 0, score: 0, momentum: { events_7d: 0, weekly_before: 0 } });
    const past = await accountOf(instance, `acme.example?at=${new Date(instance.clock.nowMs - 1).toISOString()}`);
    expect(past).toMatchObject({ active_people_14d: 0, momentum: { events_7d: 0 } });
    const { body } = await instance.getSecret<Person>("/people/crawler");
    expect(body.last_seen_at).toBe(new Date(instance.clock.nowMs).toISOString());
  });

  test("has none of the free-mail people and of visitors nobody has named", async () => {
    await using instance = startInstance({ intent });
    await know(instance, "ada@gmail.com", "laptop");
    await instance.post("/track", { event: "step", anonymous_id: "nobody" });
    expect((await instance.getSecret("/accounts/gmail.com")).status).toBe(404);
    expect(await listed(instance, "")).toEqual([]);
  });
});

describe("accounts", () => {
  test("are listed by score or momentum, by level, page by page", async () => {
    await using instance = startInstance({ intent });
    for (const [index, name] of ["low", "mid", "top", "old"].entries()) {
      await know(instance, `ada@${name}.example`);
      await did(instance, `ada@${name}.example`, index * 2 + 1);
    }
    instance.clock.nowMs += 10 * DAY_MS;
    await did(instance, "ada@low.example", 3);
    const domains = async (query: string) => (await listed(instance, query)).map(({ domain }) => domain.split(".")[0]);
    expect(await domains("")).toEqual(["low", "old", "top", "mid"]);
    for (const limit of [1, 2, 3]) expect(await domains(`limit=${limit}`)).toEqual(["low", "old", "top", "mid"]);
    expect(await domains("sort=momentum&limit=1")).toEqual(["low", "mid", "top", "old"]);
    expect(await domains("level=warm")).toEqual(["low"]);
    expect(await domains("level=cold&limit=2")).toEqual(["old", "top", "mid"]);
    const [low] = await listed(instance, "limit=1");
    expect(low).toEqual({
      domain: "low.example",
      score: expect.closeTo(30 + 10 * 2 ** (-10 / 7), CLOSE),
      level: "warm",
      active_people_14d: 1,
      momentum: { events_7d: 3, weekly_before: 1 / 3, ratio: expect.closeTo(3, CLOSE) },
    });
  });

  const step = fc.record({
    who: fc.constantFrom("ada@acme.example", "bob@acme.example", "eve@acme.example", "laptop", "phone"),
    links: fc.constantFrom(null, null, "ada@acme.example", "bob@acme.example"),
    name: fc.constantFrom("step", "look"),
    isBot: fc.constantFrom(false, false, false, true),
    waits: fc.nat(12).map((half) => (half > 6 ? 0 : half * (DAY_MS / 2) + half)),
    after: fc.constantFrom("nothing", "nothing", "nothing", "undo", "erase"),
  });
  const steps = fc.array(step, { minLength: 1, maxLength: 25 });
  const agrees = fc.asyncProperty(steps, fc.nat(20), async (taken, later) => {
    await using instance = startInstance({ intent });
    for (const email of ["ada@acme.example", "bob@acme.example", "eve@acme.example"]) await know(instance, email);
    for (const { who, links, name, isBot, waits, after } of taken) {
      instance.clock.nowMs += waits;
      const isVisitor = !who.includes("@");
      if (isVisitor) await instance.post("/track", { event: name, anonymous_id: who }, isBot ? BOT : {});
      else await did(instance, who, 1, name);
      if (isVisitor && links !== null) await know(instance, links, who);
      await expectByHand(instance);
      if (after === "undo") await undoLatest(instance);
      if (after === "erase") await erase(instance, links ?? who);
      await expectByHand(instance);
    }
    instance.clock.nowMs += later * DAY_MS;
    await expectByHand(instance);
  });

  test.each<[what: string, parameters: fc.Parameters<unknown>]>([
    ["in the same histories as ever", { seed: SEED, numRuns: 50 }],
    ["in histories that nobody has seen", { numRuns: 15 }],
  ])(
    "agree at every moment with a reckoning by hand %s, whatever was done, merged, undone, erased and waited for",
    (_, parameters) => fc.assert(agrees, { ...parameters, includeErrorInReport: true }),
    PROPERTY_MAX_MS,
  );

  test.each(["bücher.example", "xn--bcher-kva.example", "BÜCHER.example", "www.xn--bcher-kva.example"])(
    "are found by their domain as %s",
    async (domain) => {
      await using instance = startInstance({ intent });
      await know(instance, "ada@bücher.example");
      const { status, body } = await instance.getSecret<Full>(`/accounts/${encodeURIComponent(domain)}`);
      expect([status, body.domain]).toEqual([200, "bücher.example"]);
    },
  );

  test("are for the secret key only, and what makes no sense is refused", async () => {
    await using instance = startInstance({ intent });
    for (const path of ["/accounts", "/accounts/acme.example"]) expect((await instance.get(path)).status).toBe(401);
    const table: [path: string, status: number, field: string | null][] = [
      ["/accounts?level=lukewarm", 422, "level"],
      ["/accounts?sort=size", 422, "sort"],
      ["/accounts?limit=0", 422, "limit"],
      ["/accounts?cursor=x", 422, "cursor"],
      ["/accounts?who=x", 422, null],
      ["/accounts/nobody.example", 404, null],
      ["/accounts/nobody.example?at=noon", 422, "at"],
      ["/accounts/acme.example?at=9999999999999999", 422, "at"],
      ["/accounts/ada@acme.example", 404, null],
    ];
    await know(instance, "ada@acme.example");
    for (const [path, status, field] of table) {
      const answer = await instance.getSecret(path);
      expect([path, answer.status, answer.body.error.field ?? null]).toEqual([path, status, field]);
    }
  });
});

type Person = { last_seen_at: string };
