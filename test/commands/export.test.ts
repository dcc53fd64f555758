import { expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { runExport } from "../../src/commands/export.ts";
import { DAY_MS } from "../../src/core/duration.ts";
import { hashEmail } from "../../src/http/hash-email.ts";
import { startInstance, type TestInstance } from "../support/instance.ts";

type Table = "events" | "people" | "accounts" | "signals";
type Options = { exportFormat?: "csv" | "jsonl"; changedSinceMs?: number; hash?: "email" };

const EMAIL = "ada@acme.example";

/** Ada came by an ad, asked for a demo and said who she was; a day later somebody else looked at a page. */
async function house(): Promise<TestInstance> {
  const instance = startInstance();
  const say = async (path: string, body: object) => expect((await instance.post(path, body)).status).toBe(200);
  const url = "https://acme.example/pricing?utm_source=news";
  await say("/track", { event: "page_view", event_id: "e1", anonymous_id: "laptop", url, metadata: { title: "=1+1" } });
  await say("/track", { event: "demo_request", event_id: "e2", anonymous_id: "laptop", url });
  await say("/identify", { anonymous_id: "laptop", identity: { email: EMAIL, name: "Ada, Countess" } });
  instance.clock.nowMs += DAY_MS;
  await say("/track", { event: "page_view", event_id: "e3", anonymous_id: "phone", url: "/" });
  return instance;
}

async function exported(instance: TestInstance, table: Table, options: Options = {}): Promise<string> {
  let text = "";
  const given = { table, exportFormat: "jsonl" as const, changedSinceMs: null, hash: undefined, config: null };
  const sink = async (piece: string): Promise<boolean> => {
    text += piece;
    return true;
  };
  const all = { ...given, data: instance.dataFolder, ...options };
  expect(await runExport(all, instance.clock.nowMs, sink, null)).toBe(0);
  return text;
}

const rowsOf = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

test("events come with who did them, in the order they came", async () => {
  await using instance = await house();
  const rows = rowsOf(await exported(instance, "events"));
  expect(rows.map(({ event, kind, value }) => [event, kind, value])).toEqual([
    ["page_view", "anonymous_id", "laptop"],
    ["demo_request", "anonymous_id", "laptop"],
    ["identify", "anonymous_id", "laptop"],
    ["page_view", "anonymous_id", "phone"],
  ]);
  expect(rows[0]).toMatchObject({ event_id: "e1", timestamp: "2026-06-01T12:00:00.000Z", metadata: { title: "=1+1" } });
  expect(rows[0]?.person_id).toBe(rows[2]?.person_id);
  const since = { changedSinceMs: instance.clock.nowMs };
  expect(rowsOf(await exported(instance, "events", since)).map(({ event_id }) => event_id)).toEqual(["e3"]);
});

test("people, accounts and signals say what the addresses say", async () => {
  await using instance = await house();
  const { body: person } = await instance.getSecret<Record<string, unknown>>(`/people/${EMAIL}`);
  const [first, second] = rowsOf(await exported(instance, "people"));
  expect(first).toMatchObject({
    person_id: person.person_id,
    email: EMAIL,
    account: "acme.example",
    score: person.score,
    level: person.level,
    identities: person.identities,
    traits: person.traits,
    first_touch: { source: "news" },
  });
  expect(second).toMatchObject({ email: null, account: null, traits: {} });
  const { body: account } = await instance.getSecret<Record<string, unknown>>("/accounts/acme.example");
  expect(rowsOf(await exported(instance, "accounts"))).toMatchObject([
    { domain: "acme.example", score: account.score },
  ]);
  const { body: told } = await instance.getSecret<{ signals: { signal_id: string }[] }>("/signals");
  const signals = rowsOf(await exported(instance, "signals"));
  expect(signals.map(({ signal_id }) => signal_id)).toEqual(told.signals.map(({ signal_id }) => signal_id).reverse());
  expect(signals.length).toBeGreaterThan(0);
  const since = { changedSinceMs: instance.clock.nowMs };
  for (const [table, count] of [
    ["people", 1],
    ["accounts", 0],
    ["signals", 0],
  ] as const) {
    expect([table, rowsOf(await exported(instance, table, since)).length]).toEqual([table, count]);
  }
});

test("who was brought by a machine only is among those seen since then, as their last_seen_at says", async () => {
  await using instance = await house();
  instance.clock.nowMs += DAY_MS;
  const robot = { "user-agent": "Googlebot/2.1" };
  await instance.post("/track", { event: "page_view", anonymous_id: "robot", url: "/" }, robot);
  const since = { changedSinceMs: instance.clock.nowMs };
  const rows = rowsOf(await exported(instance, "people", since));
  expect(rows.map(({ last_seen_at }) => last_seen_at)).toEqual([new Date(instance.clock.nowMs).toISOString()]);
});

test("CSV has a head, quotes what needs it, and no formulas; addresses leave hashed where that is asked for", async () => {
  await using instance = await house();
  const csv = await exported(instance, "people", { exportFormat: "csv", hash: "email" });
  const [head, ada] = csv.split("\r\n");
  expect(head).toStartWith("person_id,email,user_id,phone,account,score,level,");
  expect(ada).toContain(hashEmail(EMAIL));
  expect(ada).toContain('""name"":""Ada, Countess""');
  expect(csv).not.toContain(EMAIL);
  for (const table of ["events", "signals"] as const) {
    expect(await exported(instance, table, { hash: "email" })).not.toContain(EMAIL);
  }
});

test("in CSV a cell of a visitor's making is no formula, in any table", async () => {
  await using instance = await house();
  const formula = '=HYPERLINK("https://evil.example","look")';
  const said = { event: "page_view", anonymous_id: formula, session_id: "@SUM(1)", url: "/" };
  expect((await instance.post("/track", said)).status).toBe(200);
  const email = "eve@evil.example";
  await instance.post("/identify", { anonymous_id: formula, identity: { email, user_id: "+cmd|calc" } });
  const cells: string[] = [];
  for (const table of ["events", "people", "accounts", "signals"] as const) {
    const [, ...rows] = parse(await exported(instance, table, { exportFormat: "csv" })) as string[][];
    cells.push(...rows.flat());
  }
  expect(cells.filter((cell) => /^[=+\-@]/.test(cell) && !/^[+-]?\d/.test(cell))).toEqual([]);
  expect(cells).toEqual(expect.arrayContaining([`'${formula}`, "'@SUM(1)", "'+cmd|calc"]));
});

test("whoever stops reading ends it", async () => {
  await using instance = startInstance();
  const events = Array.from({ length: 400 }, () => ({
    event: "page_view",
    anonymous_id: "laptop",
    url: "/a/long/path",
  }));
  await instance.post("/track", events);
  let pieces = 0;
  const options = {
    table: "events",
    exportFormat: "csv",
    changedSinceMs: null,
    hash: undefined,
    config: null,
  } as const;
  const code = await runExport(
    { ...options, data: instance.dataFolder },
    instance.clock.nowMs,
    async () => {
      pieces += 1;
      return false;
    },
    null,
  );
  expect([code, pieces]).toEqual([0, 1]);
});
