import { describe, expect, test } from "bun:test";
import type { TrackAnswer } from "../../../src/features/track/track.ts";
import { mintKey, SCOPES, type Scope } from "../../../src/http/keys.ts";
import { eventually } from "../../support/eventually.ts";
import { SECRET_KEY, startInstance, type TestInstance, withSecret } from "../../support/instance.ts";
import { expectRefusal, MARKER } from "../../support/secrecy.ts";

type Key = {
  key_id: string;
  kind: string;
  name: string;
  scopes: string[];
  key: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
};

const event = { event: "page_view", anonymous_id: "visitor-1", url: "/pricing" };
const person = { anonymous_id: "visitor-1", identity: { email: "ada@acme.example" } };
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** An instance whose first keys are stored, as after a start. */
function startStored(intent: object = {}): TestInstance {
  const house = startInstance({ intent });
  house.keys.persist();
  return house;
}

async function makeKey(house: TestInstance, asked: object): Promise<Key & { key: string }> {
  const { status, body } = await house.postSecret<Key & { key: string }>("/keys", asked);
  expect(status).toBe(200);
  return body;
}

const revoke = (house: TestInstance, keyId: string, key = SECRET_KEY) =>
  house.app
    .handle(new Request(`http://localhost/keys/${keyId}`, { method: "DELETE", headers: bearer(key) }))
    .then(async (response) => {
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
    });

const idOfFirst = async (house: TestInstance): Promise<string> => {
  const { body } = await house.getSecret<{ keys: Key[] }>("/keys");
  return body.keys.find(({ kind }) => kind === "secret")?.key_id ?? "";
};

describe("a secret key does what its scopes say", () => {
  const ways: [
    Scope,
    string,
    (house: TestInstance, headers: { authorization: string }) => Promise<{ status: number }>,
  ][] = [
    ["ingest", "POST /track", (house, headers) => house.post("/track", event, headers)],
    ["ingest", "POST /identify", (house, headers) => house.post("/identify", person, headers)],
    ["read", "GET /people", (house, headers) => house.get("/people", headers)],
    ["read", "GET /signals", (house, headers) => house.get("/signals", headers)],
    ["read", "GET /accounts", (house, headers) => house.get("/accounts", headers)],
    ["read", "GET /destinations", (house, headers) => house.get("/destinations", headers)],
    ["admin", "GET /keys", (house, headers) => house.get("/keys", headers)],
    ["admin", "POST /keys", (house, headers) => house.post("/keys", { name: "a", scopes: ["read"] }, headers)],
  ];
  const table = ways.flatMap(([scope, name, ask]) => SCOPES.map((held) => ({ name, scope, held, ask })));
  test.each(table)("$name needs $scope, asked with $held", async ({ scope, held, ask }) => {
    await using house = startStored();
    const { key, scopes } = await makeKey(house, { name: `only ${held}`, scopes: [held] });
    expect(scopes).toEqual([held]);
    const answer = await ask(house, bearer(key));
    if (scope === held) expect(answer.status).toBe(200);
    else {
      const refused = { status: 403, code: "forbidden", field: "authorization", says: `the scope ${scope};` };
      expectRefusal(house, answer as never, refused);
      expect(house.rows("select 1 from event")).toEqual([]);
    }
  });

  test("one that may only ingest vouches and learns nothing", async () => {
    await using house = startStored();
    const { key } = await makeKey(house, { name: "backend", scopes: ["ingest"] });
    const tracked = await house.post<TrackAnswer>("/track", { ...event, event_id: "a" }, bearer(key));
    expect(tracked.body.events).toEqual([{ event_id: "a", status: "accepted" }]);
    const identified = await house.post("/identify", person, bearer(key));
    expect(identified.text).toBe('{"ok":true}');
    expect(house.rows("select is_verified from identity where kind = 'email'")).toEqual([{ is_verified: 1 }]);
  });
});

describe("keys are made", () => {
  test("shown once, stored as a hash, and named in the audit", async () => {
    await using house = startStored();
    const { key, key_id } = await makeKey(house, { name: "reports", scopes: ["read"] });
    expect(key).toMatch(/^sk_[\w-]{32}$/);
    const listed = await house.getSecret<{ keys: Key[] }>("/keys");
    expect(listed.text).not.toContain(key);
    expect(listed.body.keys.map(({ kind, name, scopes }) => ({ kind, name, scopes }))).toEqual([
      { kind: "secret", name: "first run", scopes: ["ingest", "read", "admin"] },
      { kind: "write", name: "first run", scopes: [] },
      { kind: "secret", name: "reports", scopes: ["read"] },
    ]);
    expect(JSON.stringify(house.rows("select * from api_key"))).not.toContain(key);
    expect(house.rows("select key_id, action, subject, detail from audit where action like 'key%'")).toEqual([
      {
        key_id: await idOfFirst(house),
        action: "key_create",
        subject: key_id,
        detail: '{"kind":"secret","scopes":"read"}',
      },
    ]);
  });

  const refused: [string, unknown, string | undefined][] = [
    ["no name", { scopes: ["read"] }, "name"],
    ["a blank name", { name: " ", scopes: ["read"] }, "name"],
    ["a name of control characters", { name: "a\u0000", scopes: ["read"] }, "name"],
    ["a long name", { name: "a".repeat(101), scopes: ["read"] }, "name"],
    ["no scopes", { name: MARKER }, "scopes"],
    ["a scope that there is none of", { name: "a", scopes: [MARKER] }, "scopes.0"],
    ["scopes as text", { name: "a", scopes: "read" }, "scopes"],
    ["another kind", { name: "a", kind: MARKER, scopes: ["read"] }, "kind"],
    ["a write key with scopes", { name: "a", kind: "write", scopes: ["read"] }, "scopes"],
  ];
  test.each(refused)("not with %s", async (_, asked, field) => {
    await using house = startStored();
    expectRefusal(house, await house.postSecret("/keys", asked), { status: 422, code: "invalid", field });
    expect(house.rows("select 1 from api_key")).toHaveLength(2);
  });

  test("up to a hundred", async () => {
    await using house = startStored();
    for (let count = 2; count < 100; count += 1) await makeKey(house, { name: "more", kind: "write" });
    expectRefusal(house, await house.postSecret("/keys", { name: "more", kind: "write" }), {
      status: 409,
      code: "conflict",
    });
  });

  test("write keys, several of them", async () => {
    await using house = startStored({ ingest: { require_write_key: true } });
    const { key: second, key_id } = await makeKey(house, { name: "shop", kind: "write" });
    expect(second).toMatch(/^wk_/);
    const send = (write_key: string) => house.post("/track", { events: [event], write_key });
    expect((await send(house.keys.writeKey)).status).toBe(200);
    expect((await send(second)).status).toBe(200);
    expect((await revoke(house, key_id)).status).toBe(200);
    expect((await send(second)).status).toBe(401);
    expect((await send(house.keys.writeKey)).status).toBe(200);
  });

  test("a write key opens nothing that a secret key does, and the other way round", async () => {
    await using house = startStored();
    expect((await house.get("/people", bearer(house.keys.writeKey))).status).toBe(401);
    expect((await house.post("/track", { events: [event], write_key: SECRET_KEY })).status).toBe(401);
  });
});

describe("keys are revoked", () => {
  test("at once, for good, and the audit says who did it", async () => {
    await using house = startStored();
    const { key, key_id } = await makeKey(house, { name: "leaked", scopes: ["read", "admin"] });
    expect((await house.get("/people", bearer(key))).status).toBe(200);
    expect((await revoke(house, key_id)).body).toMatchObject({ key_id, revoked_at: "2026-06-01T12:00:00.000Z" });
    expectRefusal(house, await house.get("/people", bearer(key)), {
      status: 401,
      code: "unauthorized",
      field: "authorization",
    });
    const { body } = await revoke(house, key_id);
    expect(body.revoked_at).toBe("2026-06-01T12:00:00.000Z");
    expect(house.rows("select action from audit where subject = ?", key_id)).toEqual([
      { action: "key_create" },
      { action: "key_revoke" },
    ]);
  });

  test("the last one that may administer stays, until there is another", async () => {
    await using house = startStored();
    const first = await idOfFirst(house);
    await makeKey(house, { name: "reports", scopes: ["read"] });
    expectRefusal(house, await revoke(house, first), { status: 409, code: "conflict", says: "--scope admin" });
    const { key } = await makeKey(house, { name: "new", scopes: ["admin"] });
    expect((await revoke(house, first)).status).toBe(200);
    expect((await house.getSecret("/people")).status).toBe(401);
    expect((await house.get("/keys", bearer(key))).status).toBe(200);
  });

  test("an id that there is none of is not found", async () => {
    await using house = startStored();
    expectRefusal(house, await revoke(house, `key_${MARKER}`), { status: 404, code: "not_found" });
  });

  test("from elsewhere too: a running server looks again after a second", async () => {
    await using house = startStored();
    expect((await house.getSecret("/people")).status).toBe(200);
    await house.engine.administer(() => undefined);
    const { createKeyStore } = await import("../../../src/store/sqlite/keys.ts");
    const { openBeside } = await import("../../../src/store/sqlite/database.ts");
    const [{ file } = { file: "" }] = house.rows<{ file: string }>("pragma database_list");
    const beside = openBeside(file.replace(/\/[^/]+$/, ""));
    const store = createKeyStore(beside);
    for (const { hash, kind } of store.list()) if (kind === "secret") store.revoke(hash, house.clock.nowMs);
    beside.close();
    house.clock.nowMs += 1_000;
    expect((await house.getSecret("/people")).status).toBe(401);
  });
});

describe("when a key was last used", () => {
  const used = (house: TestInstance) =>
    house.rows<{ at: number | null }>("select last_used_at as at from api_key where kind = 'secret'")[0]?.at ?? null;

  test("is kept after the answer, at most once a minute", async () => {
    await using house = startStored();
    const started = house.clock.nowMs;
    expect(used(house)).toBeNull();
    await house.getSecret("/people");
    await eventually(() => used(house) === started, "the first use");
    house.clock.nowMs += 59_000;
    await house.getSecret("/people");
    // What is noted is noted right after the answer.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(used(house)).toBe(started);
    house.clock.nowMs += 1_000;
    await house.getSecret("/people");
    await eventually(() => used(house) !== started, "the use a minute later");
    expect(used(house)).toBe(started + 60_000);
  });

  test("a wrong one leaves no trace", async () => {
    await using house = startStored();
    await house.get("/people", bearer(mintKey("sk_")));
    await house.post("/track", event);
    expect(used(house)).toBeNull();
  });

  test("write keys are noted too", async () => {
    await using house = startStored();
    await house.post("/track", { events: [event], write_key: house.keys.writeKey });
    await eventually(
      () => house.rows("select 1 from api_key where kind = 'write' and last_used_at is not null").length === 1,
      "the use",
    );
  });
});

test("a fresh key works before it is stored, and is revoked like any other afterwards", async () => {
  await using house = startInstance();
  expect((await house.get("/people", withSecret)).status).toBe(200);
  house.keys.persist();
  const { key } = await makeKey(house, { name: "new", scopes: ["admin"] });
  expect((await revoke(house, await idOfFirst(house), key)).status).toBe(200);
  expect((await house.get("/people", withSecret)).status).toBe(401);
});
