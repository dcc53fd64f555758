import { describe, expect, test } from "bun:test";
import { parseId } from "../../../src/core/id.ts";
import type { MergesAnswer } from "../../../src/features/merges/merges.ts";
import type { EraseAnswer } from "../../../src/features/privacy/erase.ts";
import { compact } from "../../../src/store/sqlite/compact.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { answering, startReceiver } from "../../destinations/receiver.ts";
import { SECRET } from "../../destinations/sample.ts";
import { filesWith, tablesWith } from "../../support/everything.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { startInstance, type TestInstance } from "../../support/instance.ts";
import { send } from "./house.ts";

/** Stands in everything that is about the person, and in nothing else. */
const MARK = "m4rk3r";
const EMAIL = `${MARK}@acme.com`;
const FRIEND = "grace@acme.com";

const intentOf = (url: string) => ({
  destinations: [{ type: "webhook", name: "crm", url, secret: SECRET, allow_private: true }],
  groups: { any: { max: 100 } },
  rules: [{ name: "asked", group: "any", event: "asked", points: 60 }],
  thresholds: { warm: 10, hot: 60 },
  accounts: { thresholds: { hot: 60 } },
});

const track = (instance: TestInstance, visitor: string, event: string, more: object = {}) =>
  instance.post("/track", { event, anonymous_id: visitor, session_id: "s1", ...more });
const identify = (instance: TestInstance, visitor: string | null, identity: object) =>
  instance.postSecret<{ person_id: string }>("/identify", { anonymous_id: visitor, identity });
const erase = (instance: TestInstance, path: string) => send<EraseAnswer>(instance, "DELETE", path);
const count = (instance: TestInstance, table: string) =>
  instance.rows<{ count: number }>(`select count(*) as count from ${table}`)[0]?.count;

async function importLeads(instance: TestInstance, name: string, leads: object[]): Promise<{ suppressed: number }> {
  const body = { name, base_url: "https://acme.example", landing: "/demo", leads };
  const answer = await instance.postSecret<{ suppressed: number }>("/campaigns", body);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body;
}

/** Filled while a list is being stored, and by what is swept: nothing of anybody stands in them. */
const NOT_FILLED = ["campaign_load", "retention"];

/** Somebody with a past in every table there is, and a colleague beside them. */
async function live(instance: TestInstance): Promise<string> {
  await send(instance, "POST", "/destinations/crm/pause");
  await instance.get("/health");
  await instance.postSecret("/keys", { name: "crm", scopes: ["read"] });
  // Somebody else was erased before.
  await track(instance, "gone-before", "asked");
  await erase(instance, "/people/gone-before");
  await importLeads(instance, "spring", [{ email: EMAIL, first_name: MARK }, { email: FRIEND }]);
  for (const visitor of [`${MARK}-one`, `${MARK}-two`]) {
    const url = `https://acme.example/${MARK}?gclid=${MARK}-click&utm_source=${MARK}`;
    const referrer = `https://${MARK}.example/from`;
    await track(instance, visitor, "asked", { url, referrer, metadata: { note: MARK } });
    await identify(instance, visitor, { email: EMAIL, name: MARK, phone: "+49 30 1234567" });
  }
  await track(instance, "grace-one", "asked");
  await identify(instance, "grace-one", { email: FRIEND });
  await claimAndClick(instance);
  await partFromAnother(instance);
  // Refused, and kept as it came.
  await track(instance, `${MARK}-one`, "identify");
  await instance.post("/track", {
    event: "asked",
    anonymous_id: "x".repeat(99),
    metadata: { email: EMAIL.toUpperCase() },
  });
  await instance.post("/track", { event: "", anonymous_id: "other", metadata: { tel: "0049 (0)30 123-4567" } });
  await instance.post("/track", { event: "", anonymous_id: "other", metadata: { tel: "no number" } });
  return (await identify(instance, null, { email: EMAIL })).body.person_id;
}

/** A claim that waits for somebody to look at it, and a click on a colleague's link. */
async function claimAndClick(instance: TestInstance): Promise<void> {
  await identify(instance, null, { email: EMAIL, user_id: `${MARK}-id` });
  // One more than a person may have.
  for (const number of [2, 3, 4, 5, 6]) {
    await identify(instance, null, { user_id: `${MARK}-id`, email: `${MARK}-${number}@acme.com` });
  }
  const links = instance.rows<{ email: string; link: string }>("select email, link_id as link from lead");
  for (const { link } of links) {
    const url = `https://acme.example/demo?i=${link}`;
    await track(instance, `${MARK}-one`, "campaign_click", { url, metadata: { link, evidence: "moved" } });
  }
}

/** A merge that was undone, so that two people are held apart. */
async function partFromAnother(instance: TestInstance): Promise<void> {
  await identify(instance, null, { phone: "+49307654321" });
  instance.clock.nowMs += 1_000;
  await identify(instance, null, { email: EMAIL, phone: "+49307654321" });
  const { merges } = (await instance.getSecret<MergesAnswer>("/merges")).body;
  expect((await instance.postSecret(`/merges/${merges[0]?.merge_id}/undo`, "")).status).toBe(200);
}

test("everything about a person goes, in one transaction, by every way to name them; the counts say what", async () => {
  await using receiver = await startReceiver(answering(200, ""));
  const names = [
    (id: string) => `/people/${id}`,
    () => `/people/${EMAIL.toUpperCase()}`,
    () => `/people?email=${EMAIL}`,
    () => `/people?phone=+49301234567`,
    () => `/people?anonymous_id=${MARK}-two`,
  ];
  for (const name of names) {
    await using instance = startInstance({ intent: intentOf(receiver.url) });
    const personId = await live(instance);
    const tables = instance.rows<{ name: string }>("select name from sqlite_schema where type = 'table'");
    const empty = tables.map(({ name }) => name).filter((name) => count(instance, name) === 0);
    expect(empty.sort()).toEqual(NOT_FILLED);
    expect(tablesWith(instance, MARK).sort()).toEqual([
      "campaign_lead",
      "delivery",
      "event",
      "identity",
      "intent_score",
      "lead",
      "merge",
      "merge_review",
      "person",
      "rejected_event",
      "session",
      "signal",
    ]);
    const before = { event: count(instance, "event"), delivery: count(instance, "delivery") };
    const { status, body } = await erase(instance, name(personId));
    expect(status).toBe(200);
    expect(tablesWith(instance, MARK)).toEqual([]);
    expect(tablesWith(instance, "301234567")).toEqual([]);
    expect(body).toMatchObject({ person_id: personId, suppressed: 10, stripped: { campaign_click: 1 } });
    expect(body.erased).toMatchObject({ person: 2, intent_score: 1, lead: 1, campaign_lead: 1, campaign_click: 1 });
    expect(body.erased).toMatchObject({ merge: 2, apart: 2, merge_review: 1, rejected_event: 3 });
    for (const table of ["merge", "apart", "merge_review"]) expect([table, count(instance, table)]).toEqual([table, 0]);
    expect(body.erased.event).toBe((before.event ?? 0) - (count(instance, "event") ?? 0));
    expect(body.erased.delivery).toBe((before.delivery ?? 0) - (count(instance, "delivery") ?? 0));
    // The colleague, the company and the refused event of somebody else are as they were.
    expect(instance.rows("select body from rejected_event")).toHaveLength(1);
    expect((await instance.getSecret<{ score: number }>(`/people/${FRIEND}`)).body.score).toBe(60);
    const account = await instance.getSecret<{ score: number; contributions: object[] }>("/accounts/acme.com");
    expect(account.body).toMatchObject({ score: 60 });
    expect(account.body.contributions).toHaveLength(1);
    expect(instance.logged.join("\n")).not.toContain(MARK);
    expect((await erase(instance, `/people/${EMAIL}`)).status).toBe(404);
  }
});

test("what waited to be sent is not sent any more, and whoever stands behind it is not held up", async () => {
  await using receiver = await startReceiver(answering(200, ""));
  await using instance = startInstance({ intent: intentOf(receiver.url) });
  await live(instance);
  await erase(instance, `/people/${EMAIL}`);
  await send(instance, "POST", "/destinations/crm/resume");
  while (instance.rows("select 1 from delivery where state = 'pending'").length > 0) await Bun.sleep(5);
  expect(receiver.received.length).toBeGreaterThan(0);
  expect(JSON.stringify(receiver.received)).not.toContain(MARK);
});

test("what somebody else waits for behind what was of both is sent", async () => {
  await using receiver = await startReceiver(answering(200, ""));
  await using instance = startInstance({ intent: { ...intentOf(receiver.url), accounts: { thresholds: {} } } });
  await send(instance, "POST", "/destinations/crm/pause");
  await identify(instance, "grace-one", { user_id: "grace" });
  instance.clock.nowMs += 1_000;
  await identify(instance, null, { email: EMAIL });
  instance.clock.nowMs += 1_000;
  await identify(instance, null, { user_id: "grace", email: EMAIL });
  instance.clock.nowMs += 1_000;
  // Told of both, and first in the line of whoever stays.
  await track(instance, "grace-one", "asked");
  const { merges } = (await instance.getSecret<MergesAnswer>("/merges")).body;
  expect((await instance.postSecret(`/merges/${merges[0]?.merge_id}/undo`, "")).status).toBe(200);
  // A level that was not told of both.
  instance.configureIntent({
    ...intentOf(receiver.url),
    accounts: { thresholds: {} },
    thresholds: { warm: 10, hot: 60, burning: 61 },
  });
  instance.clock.nowMs += 1_000;
  await track(instance, "grace-one", "asked");
  const waiting = () =>
    instance.rows<{ next: number | null }>("select next_attempt_at as next from delivery order by delivery_id");
  expect(waiting().at(0)?.next).not.toBeNull();
  expect(waiting().at(-1)?.next).toBeNull();
  expect((await erase(instance, `/people/${EMAIL}`)).status).toBe(200);
  expect(waiting()).toHaveLength(1);
  expect(waiting()[0]?.next).not.toBeNull();
});

test("a company that nobody is left of goes as well", async () => {
  await using instance = startInstance({ intent: { ...intentOf("https://example.com/"), destinations: [] } });
  await track(instance, "one", "asked");
  await identify(instance, "one", { email: EMAIL });
  const { body } = await erase(instance, `/people/${EMAIL}`);
  expect(body.erased).toMatchObject({ account: 1, signal: 3 });
  expect([count(instance, "account"), count(instance, "signal")]).toEqual([0, 0]);
});

test("once the file is compacted not a byte is left either", async () => {
  using folder = temporaryFolder();
  const intent = { ...intentOf("https://example.com/"), destinations: [] };
  {
    await using instance = startInstance({ dataFolder: folder.path, intent });
    for (let visit = 0; visit < 50; visit += 1) {
      await track(instance, `${MARK}-one`, "asked", { metadata: { note: `${MARK} ${"x".repeat(500)}` } });
      await track(instance, `other-${visit}`, "asked", { metadata: { note: "x".repeat(500) } });
    }
  }
  expect(filesWith(folder.path, MARK)).not.toEqual([]);
  {
    await using instance = startInstance({ dataFolder: folder.path, intent });
    await erase(instance, `/people/${MARK}-one`);
  }
  // Older versions of a row may still stand in the gaps of a page; the file written anew has none.
  const { database, close } = openDatabase(folder.path, "normal");
  compact(database);
  close();
  expect(filesWith(folder.path, MARK)).toEqual([]);
});

describe("whoever was erased stays away", () => {
  test("until an operator lifts it; the public is told nothing, the secret key is", async () => {
    await using instance = startInstance();
    await track(instance, "one", "page_view", { event_id: "e1" });
    await identify(instance, "one", { email: EMAIL, user_id: "u-1" });
    await erase(instance, `/people/${EMAIL}`);
    const replayed = await track(instance, "one", "page_view", { event_id: "e1" });
    expect(replayed.body as unknown).toEqual({
      accepted: 1,
      duplicate: 0,
      rejected: 0,
      events: [{ event_id: "e1", status: "accepted" }],
    });
    const said = { event: "page_view", event_id: "e2", user_id: "u-1" };
    expect((await instance.postSecret("/track", said)).body as unknown).toEqual({
      accepted: 0,
      duplicate: 0,
      rejected: 0,
      suppressed: 1,
      events: [{ event_id: "e2", status: "suppressed" }],
    });
    const open = await instance.post("/identify", { anonymous_id: "one", identity: { email: EMAIL, name: "Ada" } });
    expect(open.body as unknown).toEqual({ ok: true });
    expect((await identify(instance, "two", { email: EMAIL, name: "Ada" })).body as unknown).toEqual({
      suppressed: true,
    });
    for (const table of ["person", "identity", "event", "session", "intent_score", "signal"]) {
      expect([table, count(instance, table)]).toEqual([table, 0]);
    }
    expect((await send(instance, "GET", `/suppressions?email=${EMAIL}`)).body as unknown).toMatchObject({
      suppressed_at: "2026-06-01T12:00:00.000Z",
    });
    expect((await send(instance, "DELETE", `/suppressions?email=${EMAIL}`)).status).toBe(200);
    expect((await send(instance, "DELETE", `/suppressions?email=${EMAIL}`)).status).toBe(404);
    // The browser is not let in with the address.
    const back = await identify(instance, "one", { email: EMAIL });
    expect(back.body.person_id).toStartWith("per_");
    expect(instance.rows("select kind from identity")).toEqual([{ kind: "email" }]);
  });

  test("in the very batch and beside others, who are taken in", async () => {
    await using instance = startInstance();
    await track(instance, "one", "page_view");
    await erase(instance, "/people/one");
    const events = ["one", "two", "one"].map((visitor) => ({ event: "page_view", anonymous_id: visitor }));
    const answers = await Promise.all([instance.postSecret("/track", events), track(instance, "one", "page_view")]);
    expect(answers[0].body as unknown).toMatchObject({ accepted: 1, suppressed: 2 });
    expect(instance.rows("select value from identity")).toEqual([{ value: "two" }]);
  });

  test("also somebody whom only a campaign's list knew, and the next list", async () => {
    await using instance = startInstance();
    await importLeads(instance, "spring", [{ email: EMAIL }, { email: FRIEND }]);
    const { status, body } = await erase(instance, `/people?email=${EMAIL}`);
    expect({ status, person_id: body.person_id }).toEqual({ status: 200, person_id: null });
    expect(body.erased).toMatchObject({ lead: 1, campaign_lead: 1, person: 0 });
    expect(await importLeads(instance, "summer", [{ email: EMAIL }, { email: FRIEND }])).toMatchObject({
      suppressed: 1,
    });
    expect(instance.rows("select email from lead")).toEqual([{ email: FRIEND }]);
  });

  test("also the lead of an address that is somebody's user_id", async () => {
    await using instance = startInstance();
    await importLeads(instance, "spring", [{ email: EMAIL, first_name: MARK }, { email: FRIEND }]);
    await identify(instance, null, { user_id: EMAIL });
    const { body: exported } = await send<{ campaigns: object[] }>(instance, "GET", `/people/${EMAIL}/export`);
    expect(exported.campaigns).toMatchObject([{ email: EMAIL, traits: { first_name: MARK } }]);
    const { body } = await erase(instance, `/people/${EMAIL}`);
    expect(body.erased).toMatchObject({ person: 1, lead: 1, campaign_lead: 1 });
    expect(tablesWith(instance, MARK)).toEqual([]);
    const summer = await importLeads(instance, "summer", [{ email: EMAIL }, { email: FRIEND }]);
    expect(summer).toMatchObject({ suppressed: 1 });
  });

  test("but a browser that somebody else uses by now stays theirs", async () => {
    await using instance = startInstance();
    await track(instance, "shared", "page_view");
    await identify(instance, "shared", { email: EMAIL });
    await identify(instance, "shared", { email: FRIEND });
    expect((await erase(instance, `/people/${EMAIL}`)).body.suppressed).toBe(1);
    expect((await track(instance, "shared", "page_view")).body as unknown).toMatchObject({ accepted: 1 });
    expect(instance.rows("select name from event")).toHaveLength(2);
    expect(tablesWith(instance, EMAIL)).toEqual([]);
  });
});

test.each([
  ["that survived", { email: FRIEND }, { user_id: `${MARK}-id` }],
  ["that was absorbed", { user_id: "grace" }, { email: EMAIL }],
])(
  "after an undone merge the side %s goes by itself, and out of what was told of both meanwhile",
  async (_, hers, theirs) => {
    await using receiver = await startReceiver(answering(200, ""));
    await using instance = startInstance({ intent: intentOf(receiver.url) });
    await send(instance, "POST", "/destinations/crm/pause");
    await track(instance, "grace-one", "page_view");
    await identify(instance, "grace-one", { ...hers, role: "cto" });
    instance.clock.nowMs += 1_000;
    await track(instance, `${MARK}-one`, "page_view");
    await identify(instance, `${MARK}-one`, { ...theirs, nick: MARK });
    instance.clock.nowMs += 1_000;
    expect((await identify(instance, null, { ...hers, ...theirs })).body).toMatchObject({ merged: true });
    instance.clock.nowMs += 1_000;
    await track(instance, "grace-one", "asked");
    const { merges } = (await instance.getSecret<MergesAnswer>("/merges")).body;
    const [merge] = merges.filter(({ through }) => through.includes("email") && through.includes("user_id"));
    expect((await instance.postSecret(`/merges/${merge?.merge_id}/undo`, {})).status).toBe(200);
    instance.clock.nowMs += 1_000;
    const personOf = async (who: string) =>
      (await instance.getSecret<{ person_id: string }>(`/people/${who}`)).body.person_id;
    const [friend, marked] = [
      await personOf(Object.values(hers)[0] ?? ""),
      await personOf(Object.values(theirs)[0] ?? ""),
    ];
    expect(marked).not.toBe(friend);
    const { body } = await erase(instance, `/people/${marked}`);
    expect(body.erased).toMatchObject({ apart: 2 });
    expect(tablesWith(instance, MARK)).toEqual([]);
    const id = parseId("person", marked) ?? 0;
    expect(instance.rows("select 1 from merge where survivor_id = ?1 or absorbed_id = ?1", id)).toEqual([]);
    expect(count(instance, "apart")).toBe(0);
    expect((await instance.getSecret<{ traits: object }>(`/people/${friend}`)).body.traits).toEqual({ role: "cto" });
    // What is left can still be read and goes on.
    await track(instance, "grace-one", "asked");
    expect((await instance.getSecret("/signals")).status).toBe(200);
  },
);

test.each([
  ["DELETE", "/people/nobody", 404, "not_found"],
  ["DELETE", "/people", 422, "invalid"],
  ["DELETE", "/people?email=a@b.example&user_id=u", 422, "invalid"],
  ["DELETE", "/people/one?email=a@b.example", 422, "invalid"],
  ["DELETE", "/suppressions?email=a@b.example", 404, "not_found"],
  ["GET", "/suppressions", 422, "invalid"],
  ["GET", "/people/nobody/export", 404, "not_found"],
])("%s %s is refused with %d %s", async (method, path, status, code) => {
  await using instance = startInstance();
  const answer = await send<{ error: { code: string } }>(instance, method, path);
  expect([answer.status, answer.body.error.code]).toEqual([status, code]);
});

test("a key that may only read erases nothing", async () => {
  await using instance = startInstance();
  await track(instance, "one", "page_view");
  const made = await instance.postSecret<{ key: string }>("/keys", { name: "reader", scopes: ["read"] });
  const headers = { authorization: `Bearer ${made.body.key}` };
  const ask = (method: string, path: string) =>
    instance.app.handle(new Request(`http://localhost${path}`, { method, headers }));
  expect((await ask("DELETE", "/people/one")).status).toBe(403);
  expect((await ask("GET", "/audit")).status).toBe(403);
  expect((await ask("GET", "/people/one/export")).status).toBe(200);
  expect((await instance.app.handle(new Request("http://localhost/people/one", { method: "DELETE" }))).status).toBe(
    401,
  );
  expect(count(instance, "person")).toBe(1);
});
