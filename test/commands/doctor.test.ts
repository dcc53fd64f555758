import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { chmodSync, chownSync, closeSync, openSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runDoctor } from "../../src/commands/doctor.ts";
import { temporaryFolder } from "../support/folder.ts";
import { NOON_MS, startInstance } from "../support/instance.ts";

type Finding = { check: string; state: "ok" | "warn" | "fail"; says: string; remedy: string | null };
type Looked = { config?: object; origins?: string[]; nowMs?: number };

const NOBODY_UID = 65_534;
const isRoot = process.getuid?.() === 0;

async function look(data: string, { config, origins = [], nowMs = NOON_MS }: Looked = {}): Promise<Finding[]> {
  const path = config === undefined ? null : join(data, "..", "intent.json");
  if (path !== null) writeFileSync(path, JSON.stringify(config));
  const lines: string[] = [];
  const options = { name: "doctor", data, config: path, origins, json: true, full: false, compact: false } as const;
  const code = await runDoctor(options, nowMs, (line) => lines.push(line));
  const { findings } = JSON.parse(lines.join("\n")) as { findings: Finding[] };
  expect(code === 0).toBe(findings.every(({ state }) => state !== "fail"));
  return findings;
}

/** A data folder with something in it, at rest. */
async function fill(folder: string): Promise<string> {
  const data = join(folder, "data");
  await using house = startInstance({ dataFolder: data });
  house.keys.persist();
  await house.post("/track", { event: "page_view", anonymous_id: "visitor-1" });
  return data;
}

function change(data: string, sql: string): void {
  using database = new Database(join(data, "do-intent.db"), { readwrite: true, strict: true });
  database.run(sql);
}

describe("doctor says of the config", () => {
  const looks: [what: string, looked: Looked, check: string, state: Finding["state"], says: string][] = [
    ["that there is no address", {}, "public_url", "warn", "is not set"],
    [
      "that the address is without TLS",
      { config: { public_url: "http://intent.example" } },
      "public_url",
      "warn",
      "http://intent.example is not https",
    ],
    [
      "that the address is this machine's",
      { config: { public_url: "http://localhost:8080" } },
      "public_url",
      "warn",
      "http://localhost:8080 is this machine only",
    ],
    [
      "which address it is",
      { config: { public_url: "https://intent.example" } },
      "public_url",
      "ok",
      "https://intent.example",
    ],
    ["that any site may send", {}, "origins", "warn", "any site may send"],
    ["which sites may send", { origins: ["https://acme.example"] }, "origins", "ok", "https://acme.example"],
  ];
  test.each(looks)("%s", async (_, looked, check, state, says) => {
    using folder = temporaryFolder();
    const found = (await look(await fill(folder.path), looked)).find((finding) => finding.check === check);
    expect(found).toMatchObject({ state, says: expect.stringContaining(says) });
    expect(found?.remedy === null).toBe(state === "ok");
  });
});

describe("doctor says of a destination that can be reached", () => {
  const looks: [what: string, sql: string, state: Finding["state"], says: string, remedy: string][] = [
    [
      "that it is paused",
      `insert into destination (name, paused_at, pause_reason) values ('kept', ${NOON_MS}, 'gone')`,
      "warn",
      "is paused since 2026-06-01T12:00:00.000Z (gone), 0 waiting",
      "POST /destinations/kept/resume",
    ],
    [
      "that it fails",
      `insert into destination (name, failing_since) values ('kept', ${NOON_MS})`,
      "warn",
      "fails since 2026-06-01T12:00:00.000Z",
      "do-intent destinations test kept",
    ],
    [
      "that deliveries were given up",
      `insert into delivery (signal_id, person_id, destination, state, body, attempts, created_at)
       values (1, 1, 'kept', 'dead', '{}', 9, ${NOON_MS}), (2, 1, 'kept', 'dead', '{}', 9, ${NOON_MS})`,
      "warn",
      "2 deliveries were given up",
      "do-intent destinations replay",
    ],
    ["that it is well", "select 1", "ok", "can be reached, 0 waiting", ""],
  ];
  test.each(looks)("%s", async (_, sql, state, says, remedy) => {
    using folder = temporaryFolder();
    const data = await fill(folder.path);
    change(data, sql);
    const destinations = [{ type: "file", name: "kept", path: join(folder.path, "signals.jsonl") }];
    const found = (await look(data, { config: { destinations } })).find(({ check }) => check === "destination kept");
    expect(found).toMatchObject({ state, says: expect.stringContaining(says) });
    expect(found?.remedy ?? "").toContain(remedy);
  });
});

describe("doctor says of the data folder", () => {
  const ballast = "create table ballast (data); insert into ballast select zeroblob(1e8); drop table ballast";
  const looks: [what: string, harm: (data: string) => void, check: string, state: Finding["state"], says: string][] = [
    [
      "that much of the file is unused",
      (data) => change(data, ballast),
      "room",
      "warn",
      "95 MB of 96 MB in the database are unused",
    ],
    [
      "that there is no write key",
      (data) => change(data, "update api_key set revoked_at = 1 where kind = 'write'"),
      "keys",
      "warn",
      "there is no write key",
    ],
    [
      "that there is nothing to sign links with",
      (data) => change(data, "delete from instance_secret"),
      "keys",
      "warn",
      "no secret to sign links with",
    ],
    [
      "that the log is large",
      (data) => {
        const wal = join(data, "do-intent.db-wal");
        closeSync(openSync(wal, "a"));
        chmodSync(wal, 0o600);
        // Nothing but room: it takes none on the disk.
        truncateSync(wal, 300 * 1_024 * 1_024);
      },
      "write-ahead log",
      "warn",
      "300 MB beside the database",
    ],
  ];
  test.each(looks)("%s", async (_, harm, check, state, says) => {
    using folder = temporaryFolder();
    const data = await fill(folder.path);
    harm(data);
    const found = (await look(data)).find((finding) => finding.check === check);
    expect(found).toMatchObject({ state, says: expect.stringContaining(says), remedy: expect.any(String) });
  });

  test("that the clock is in the past", async () => {
    using folder = temporaryFolder();
    const findings = await look(await fill(folder.path), { nowMs: Date.UTC(2020, 0, 1) });
    expect(findings.find(({ check }) => check === "clock")).toMatchObject({
      state: "fail",
      says: "it says 2020-01-01T00:00:00.000Z, which is in the past",
    });
  });

  test.if(isRoot)("that its files belong to different users", async () => {
    using folder = temporaryFolder();
    const data = await fill(folder.path);
    chownSync(join(data, "do-intent.db"), NOBODY_UID, NOBODY_UID);
    const found = (await look(data)).find(({ check }) => check === "permissions");
    expect(found).toMatchObject({ state: "fail", says: expect.stringContaining(`(0, ${NOBODY_UID})`) });
  });
});
