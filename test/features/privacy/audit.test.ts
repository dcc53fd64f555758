import { expect, test } from "bun:test";
import type { AuditAnswer } from "../../../src/features/privacy/audit.ts";
import { tablesWith } from "../../support/everything.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { startInstance, type TestInstance, withSecret } from "../../support/instance.ts";
import { KEY_ID, send } from "./house.ts";

const EMAIL = "ada@acme.com";

/** Oldest first, without what starting the instance has written. */
async function entries(instance: TestInstance, query = ""): Promise<AuditAnswer["entries"]> {
  const { body } = await send<AuditAnswer>(instance, "GET", `/audit?limit=500${query}`);
  return body.entries.filter(({ action }) => action !== "config_change").reverse();
}

test("who read, exported, erased and lifted what, when, by ids of ours; who sends events is not noted", async () => {
  await using instance = startInstance();
  await instance.postSecret("/track", { event: "page_view", anonymous_id: "one" });
  const said = await instance.postSecret<{ person_id: string }>("/identify", {
    anonymous_id: "one",
    identity: { email: EMAIL },
  });
  const personId = said.body.person_id;
  const paths = [
    `/people/${EMAIL}`,
    `/people/${EMAIL}/explain`,
    "/people/one/events",
    `/people?email=${EMAIL}`,
    "/signals",
  ];
  for (const path of paths) await send(instance, "GET", path);
  await send(instance, "GET", "/people/nobody");
  instance.clock.nowMs += 60_000;
  await send(instance, "GET", `/people/${EMAIL}/export`);
  await send(instance, "DELETE", `/people/${EMAIL}`);
  await send(instance, "DELETE", `/suppressions?email=${EMAIL}`);
  const told = await entries(instance);
  expect(told.map(({ action, subject, detail }) => [action, subject, detail?.address ?? null])).toEqual(
    expect.arrayContaining([
      ["read", personId, "GET /people/:id"],
      ["read", personId, "GET /people/:id/explain"],
      ["read", personId, "GET /people/:id/events"],
      ["read", personId, "GET /people"],
      ["read", null, "GET /signals"],
      ["person_export", personId, null],
      ["person_erase", personId, null],
      ["suppression_lift", null, null],
    ]),
  );
  expect(told).toHaveLength(8);
  expect(new Set(told.map(({ key_id }) => key_id))).toEqual(new Set([KEY_ID]));
  expect(told.find(({ action }) => action === "person_erase")).toMatchObject({
    at: "2026-06-01T12:01:00.000Z",
    detail: { person: 1, event: 2 },
  });
  const ofPerson = await entries(instance, `&subject=${personId}`);
  expect(ofPerson).toHaveLength(6);
  const late = await entries(instance, "&since=2026-06-01T12:00:30Z");
  expect(late.map(({ action }) => action).sort()).toEqual([
    "person_erase",
    "person_export",
    "read",
    "read",
    "suppression_lift",
  ]);
  expect(tablesWith(instance, EMAIL)).toEqual([]);
});

test("who fetched a campaign's list, and whether its addresses were hashed", async () => {
  await using instance = startInstance({ intent: { public_url: "https://intent.acme.example" } });
  const list = { name: "spring", base_url: "https://acme.example", leads: [{ email: EMAIL }] };
  await instance.postSecret("/campaigns", list);
  for (const query of ["", "?hash=email"]) {
    const request = new Request(`http://localhost/campaigns/spring/export.csv${query}`, { headers: withSecret });
    expect((await (await instance.app.handle(request)).text()).includes(EMAIL)).toBe(query === "");
  }
  expect((await instance.get("/campaigns/spring/export.csv")).status).toBe(401);
  const told = (await entries(instance)).filter(({ action }) => action === "campaign_export");
  expect(told).toMatchObject([
    { key_id: KEY_ID, subject: expect.stringMatching(/^cmp_/), detail: { hashed: false } },
    { key_id: KEY_ID, subject: expect.stringMatching(/^cmp_/), detail: { hashed: true } },
  ]);
});

test("nobody without a key writes the audit, but with a link that was signed; what machines ask for is not noted", async () => {
  const intent = {
    public_url: "https://intent.acme.example",
    groups: { any: { max: 100 } },
    rules: [{ name: "asked", group: "any", event: "asked", points: 60 }],
    thresholds: { hot: 60 },
    destinations: [{ type: "http", name: "chat", url: "https://receiver.example/", body: "{{link}}" }],
  };
  await using instance = startInstance({ intent });
  await send(instance, "POST", "/destinations/chat/pause");
  await instance.postSecret("/identify", { identity: { email: EMAIL } });
  await instance.postSecret("/track", { event: "asked", email: EMAIL });
  const [delivery] = instance.rows<{ body: string }>("select body from delivery");
  const link = new URL(JSON.parse(delivery?.body ?? '""'));
  const noted = async () => (await entries(instance)).filter(({ detail }) => detail?.address !== "GET /audit");
  const before = (await noted()).length;
  const machines = ["/health", "/ready", "/openapi.json", "/docs", "/metrics"];
  for (const path of [...machines, "/c/none/none", "/people", "/people/nobody/explanation"])
    await instance.get(`${path}?expires=9&signature=x`);
  for (const path of machines) await instance.getSecret(path);
  expect((await noted()).slice(before)).toEqual([]);
  expect((await instance.get(link.pathname + link.search)).status).toBe(200);
  expect((await noted()).slice(before)).toMatchObject([
    { key_id: "signed link", action: "read", detail: { address: "GET /people/:id/explanation" } },
  ]);
});

test("who merged: the key whose identify said that two are one", async () => {
  await using instance = startInstance();
  await instance.postSecret("/identify", { identity: { user_id: "u-1" } });
  await instance.postSecret("/identify", { identity: { email: EMAIL } });
  await instance.postSecret("/identify", { identity: { user_id: "u-1", email: EMAIL } });
  const [merge, ...others] = await entries(instance);
  expect(merge).toMatchObject({ action: "merge", key_id: KEY_ID, subject: expect.stringMatching(/^mrg_/) });
  expect(merge?.detail).toMatchObject({
    survivor: expect.stringMatching(/^per_/),
    absorbed: expect.stringMatching(/^per_/),
  });
  expect(others).toEqual([]);
});

test("what was read is written in a while, at the latest when the server stops", async () => {
  using folder = temporaryFolder();
  {
    await using instance = startInstance({ dataFolder: folder.path });
    await send(instance, "GET", "/people");
    expect(instance.rows("select 1 from audit where action = 'read'")).toEqual([]);
  }
  await using instance = startInstance({ dataFolder: folder.path });
  expect(instance.rows("select key_id, subject from audit where action = 'read'")).toEqual([
    { key_id: KEY_ID, subject: null },
  ]);
});

test("a config that takes the place of another one, also over a restart", async () => {
  using folder = temporaryFolder();
  const changes = (instance: TestInstance): object[] =>
    instance
      .rows<{ detail: string }>("select detail from audit where action = 'config_change' order by audit_id")
      .map(({ detail }) => JSON.parse(detail));
  let first = "";
  {
    await using instance = startInstance({ dataFolder: folder.path });
    instance.configureIntent({ thresholds: { hot: 50 } });
    instance.configureIntent({ thresholds: { hot: 50 } });
    const [start, change] = changes(instance) as { before: string | null; after: string }[];
    expect(changes(instance)).toHaveLength(2);
    expect(start?.before).toBeNull();
    expect(change?.before).toBe(start?.after ?? "");
    first = change?.after ?? "";
  }
  await using instance = startInstance({ dataFolder: folder.path });
  expect(changes(instance)).toHaveLength(3);
  expect(changes(instance)[2]).toMatchObject({ before: first });
});

test("a long audit comes in pages", async () => {
  await using instance = startInstance();
  for (let read = 0; read < 7; read += 1) await send(instance, "GET", "/signals");
  const { body: first } = await send<AuditAnswer>(instance, "GET", "/audit?limit=5");
  const { body: second } = await send<AuditAnswer>(instance, "GET", `/audit?limit=5&cursor=${first.next_cursor}`);
  expect([first.entries.length, second.entries.length, second.next_cursor]).toEqual([5, 3, null]);
});
