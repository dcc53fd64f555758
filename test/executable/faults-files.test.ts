import { Database } from "bun:sqlite";
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { buildExecutable, type Run, run, startServer } from "./executable.ts";

setDefaultTimeout(60_000);
beforeAll(buildExecutable, 120_000);

const PAGE_BYTES = 4096;
const EVENTS = 400;

const start = (folder: string, ...args: string[]): Promise<Run> => run(folder, ["serve", "--port", "0", ...args]);

/** A data folder with something in it, at rest. */
async function fill(folder: string): Promise<string> {
  await using server = await startServer(folder);
  const events = Array.from({ length: EVENTS }, (_, index) => ({
    event: "page_view",
    anonymous_id: `visitor-${index}`,
    url: `/${index}`,
  }));
  const response = await fetch(`${server.url}/track`, { method: "POST", body: JSON.stringify(events) });
  expect(await response.json()).toMatchObject({ accepted: EVENTS });
  expect(await server.end("SIGTERM")).toBe(0);
  return join(folder, "data", "do-intent.db");
}

/** The first page of a table, which every look into the table goes through. */
function rootPageOf(file: string, table: string): number {
  using database = new Database(file, { readonly: true, strict: true });
  const row = database
    .query<{ rootpage: number }, [string]>("select rootpage from sqlite_schema where name = ?")
    .get(table);
  return row?.rootpage ?? 0;
}

function overwritePage(file: string, page: number): void {
  const opened = openSync(file, "r+");
  writeSync(opened, Buffer.alloc(PAGE_BYTES, "not a page of any table "), 0, PAGE_BYTES, (page - 1) * PAGE_BYTES);
  closeSync(opened);
}

const DAMAGED = "do-intent: the database is damaged; keep its files, run do-intent doctor";

describe("a damaged database is refused with advice, and left as it is", () => {
  const damages: [string, (file: string) => void][] = [
    ["a page of the events is overwritten", (file) => overwritePage(file, rootPageOf(file, "event"))],
    ["a page of an index is overwritten", (file) => overwritePage(file, rootPageOf(file, "identity_by_value"))],
    ["the last page is overwritten", (file) => overwritePage(file, statSync(file).size / PAGE_BYTES)],
    ["the second half is missing", (file) => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ["it ends within a page", (file) => truncateSync(file, statSync(file).size - PAGE_BYTES / 2)],
  ];
  test.each(damages)("%s", async (_, damage) => {
    using folder = temporaryFolder();
    const file = await fill(folder.path);
    damage(file);
    const before = readFileSync(file);
    const { code, err } = await start(folder.path);
    expect({ code, err: err.slice(0, DAMAGED.length) }).toEqual({ code: 1, err: DAMAGED });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test("while it is served: the reason stands in the answers and in /health", async () => {
    using folder = temporaryFolder();
    const file = await fill(folder.path);
    await using server = await startServer(folder.path, [], { DO_INTENT_SECRET_KEY: "sk_does_not_matter_here" });
    overwritePage(file, rootPageOf(file, "event"));
    // What somebody else wrote makes the server read again what it holds in memory.
    const beside = new Database(file, { readwrite: true, strict: true });
    beside.run("insert into heartbeat (heartbeat_id, beaten_at) values (2, 0)");
    beside.close();
    const event = { event: "page_view", anonymous_id: "visitor-1" };
    const refused = await fetch(`${server.url}/track`, { method: "POST", body: JSON.stringify(event) });
    expect(refused.status).toBe(503);
    const told = await refused.json();
    expect(told).toMatchObject({ error: { code: "damaged", message: expect.stringContaining("do-intent doctor") } });
    const health = await fetch(`${server.url}/health`);
    expect(health.status).toBe(503);
    expect(await health.json()).toEqual(told);
  });
});

describe("what stands in the place of a file", () => {
  const strangers: [string, (data: string) => void, RegExp][] = [
    [
      "a folder instead of the database",
      (data) => mkdirSync(join(data, "do-intent.db"), { recursive: true }),
      /^do-intent: the data folder .+ cannot be used \(SQLITE_\w+\); look at its permissions and files/,
    ],
    [
      "a folder instead of the lock",
      (data) => mkdirSync(join(data, "do-intent.lock"), { recursive: true }),
      /^do-intent: the data folder .+ cannot be used \(SQLITE_\w+\); look at its permissions and files/,
    ],
    [
      "a file instead of the data folder",
      (data) => writeFileSync(data, ""),
      /^do-intent: the data folder .+ cannot be used \((EEXIST|ENOTDIR)\); look at its permissions and files/,
    ],
    [
      "text instead of the database",
      (data) => {
        mkdirSync(data);
        writeFileSync(join(data, "do-intent.db"), "minutes of a meeting ".repeat(300));
      },
      /^do-intent: the data folder .+ cannot be used \(SQLITE_NOTADB\); look at its permissions and files/,
    ],
    [
      "another program's database",
      (data) => {
        mkdirSync(data);
        using database = new Database(join(data, "do-intent.db"));
        database.run("create table event (a, b)");
        database.run("insert into event values (1, 2)");
      },
      /^do-intent: the data folder .+ holds a database of another program/,
    ],
  ];
  test.each(strangers)("%s: the start says so", async (_, place, says) => {
    using folder = temporaryFolder();
    place(join(folder.path, "data"));
    const { code, err } = await start(folder.path);
    expect(err).toMatch(says);
    expect(code).toBe(1);
  });

  const configs: [string, (path: string) => void, string][] = [
    ["a folder", (path) => mkdirSync(path), "the path is a folder"],
    ["bytes that are no text", (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00, 0x9c])), "not UTF-8"],
    ["half a file", (path) => writeFileSync(path, '{"thresholds":{"warm":'), "does not hold"],
    ["nothing", (path) => writeFileSync(path, ""), "does not hold"],
    ["another file altogether", (path) => writeFileSync(path, "<!doctype html><title>404</title>"), "does not hold"],
  ];
  test.each(configs)(
    "%s instead of the config: a start is refused, a running server goes on",
    async (_, place, says) => {
      using folder = temporaryFolder();
      const config = join(folder.path, "intent.json");
      writeFileSync(config, '{"thresholds":{"warm":33}}');
      await using server = await startServer(folder.path, ["--config", config]);
      rmSync(config);
      place(config);
      await server.printed("config_broken");
      const event = { event: "page_view", anonymous_id: "visitor-1" };
      const answer = await fetch(`${server.url}/track`, { method: "POST", body: JSON.stringify(event) });
      expect(answer.status).toBe(200);
      const health = await fetch(`${server.url}/health`);
      expect({ status: health.status, body: await health.json() }).toMatchObject({
        status: 200,
        body: { config_problem: expect.any(String) },
      });
      const refused = await start(folder.path, "--data", "other", "--config", config);
      expect(refused.code).toBe(1);
      expect(refused.err).toContain(says);
      rmSync(config, { recursive: true });
      writeFileSync(config, '{"thresholds":{"warm":34}}');
      await server.printed("config_changed");
      expect(await (await fetch(`${server.url}/health`)).json()).not.toHaveProperty("config_problem");
    },
  );
});

test("two instances on one folder: the second is refused, the first goes on, and after kill -9 the next one may", async () => {
  using folder = temporaryFolder();
  await using first = await startServer(folder.path);
  const [second, rescore] = await Promise.all([start(folder.path), run(folder.path, ["rescore"])]);
  for (const { code, err } of [second, rescore]) {
    expect(code).toBe(1);
    expect(err).toContain("another do-intent is running on");
  }
  const event = { event: "page_view", anonymous_id: "visitor-1" };
  const send = (url: string) => fetch(`${url}/track`, { method: "POST", body: JSON.stringify(event) });
  expect((await send(first.url)).status).toBe(200);
  await first.end("SIGKILL");
  await using third = await startServer(folder.path);
  expect((await send(third.url)).status).toBe(200);
});
