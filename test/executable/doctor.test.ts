import { Database } from "bun:sqlite";
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { startReceiver } from "../destinations/receiver.ts";
import { SECRET } from "../destinations/sample.ts";
import { temporaryFolder } from "../support/folder.ts";
import { canMount, mountSmallDisk } from "../support/mount.ts";
import { buildExecutable, EXECUTABLE, run, startServer } from "./executable.ts";

setDefaultTimeout(60_000);
beforeAll(buildExecutable, 120_000);

type Finding = { check: string; state: "ok" | "warn" | "fail"; says: string; remedy: string | null };
type Told = { code: number; findings: Finding[] };

async function doctor(folder: string, args: string[] = [], env: { [variable: string]: string } = {}): Promise<Told> {
  const { code, out } = await run(folder, ["doctor", "--json", ...args], env);
  const { ok, findings } = JSON.parse(out) as { ok: boolean; findings: Finding[] };
  expect(ok).toBe(code === 0);
  // Whatever is not well says what to do.
  expect(findings.filter(({ state, remedy }) => (state === "ok") !== (remedy === null))).toEqual([]);
  return { code, findings };
}

const statesOf = ({ findings }: Told): { [check: string]: string } =>
  Object.fromEntries(findings.map(({ check, state }) => [check, state]));

const WELL = {
  permissions: "ok",
  server: "ok",
  "write-ahead log": "ok",
  integrity: "ok",
  schema: "ok",
  keys: "ok",
  room: "ok",
  clock: "ok",
  config: "ok",
};

/** A data folder with something in it, at rest. */
async function fill(folder: string): Promise<string> {
  await using server = await startServer(folder);
  const events = Array.from({ length: 300 }, (_, index) => ({ event: "page_view", anonymous_id: `visitor-${index}` }));
  await fetch(`${server.url}/track`, { method: "POST", body: JSON.stringify(events) });
  await server.end("SIGTERM");
  return join(folder, "data", "do-intent.db");
}

function change(file: string, sql: string): void {
  using database = new Database(file, { readwrite: true, strict: true });
  database.run(sql);
}

describe("do-intent doctor", () => {
  test("beside a running server and without one: what is well is well, and nothing is changed", async () => {
    using folder = temporaryFolder();
    await using server = await startServer(folder.path);
    const beside = await doctor(folder.path);
    expect(beside.code).toBe(0);
    expect(statesOf(beside)).toMatchObject(WELL);
    expect(beside.findings.find(({ check }) => check === "server")?.says).toContain("a server runs");
    await server.end("SIGTERM");
    const file = join(folder.path, "data", "do-intent.db");
    const before = readFileSync(file);
    const alone = await doctor(folder.path, ["--full"]);
    expect(statesOf(alone)).toMatchObject(WELL);
    expect(alone.findings.find(({ check }) => check === "server")?.says).toContain("no server runs");
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test("for people: a line each, and below what is not well what to do", async () => {
    using folder = temporaryFolder();
    const { code, out } = await run(folder.path, ["doctor"]);
    expect(code).toBe(1);
    expect(out).toMatch(/^fail {2}data folder +\.\/data is not there\n +-> name the data folder with --data/);
  });

  const damages: [string, (file: string) => void, string, Finding["state"], string][] = [
    [
      "a corrupted page",
      (file) => {
        const { size } = statSync(file);
        const opened = openSync(file, "r+");
        writeSync(opened, Buffer.alloc(4096, "damage "), 0, 4096, Math.floor(size / 4096 / 2) * 4096);
        closeSync(opened);
      },
      "integrity",
      "fail",
      "the database is damaged",
    ],
    ["no database at all", (file) => writeFileSync(file, "no database ".repeat(500)), "database", "fail", "NOTADB"],
    [
      "a newer version's file",
      (file) => change(file, "insert into migration (tag, applied_at) values ('9999_future', 0)"),
      "schema",
      "fail",
      "9999_future",
    ],
    [
      "an older version's file",
      (file) => change(file, "delete from migration where tag = (select max(tag) from migration)"),
      "schema",
      "ok",
      "brings it up to date",
    ],
    ["a folder that all may read", (file) => chmodSync(file, 0o644), "permissions", "warn", "others than the owner"],
    [
      "a revoked last key",
      (file) => change(file, "update api_key set revoked_at = 1 where kind = 'secret'"),
      "keys",
      "fail",
      "no secret key",
    ],
    [
      "events from the future",
      (file) => change(file, "update event set received_at = received_at + 86400000"),
      "clock",
      "warn",
      "put back",
    ],
    [
      "a file that never gives room back",
      (file) => change(file, "pragma journal_mode = delete; pragma auto_vacuum = none; vacuum"),
      "room",
      "warn",
      "never gives room back",
    ],
  ];
  test.each(damages)("%s is explained", async (_, damage, check, state, says) => {
    using folder = temporaryFolder();
    damage(await fill(folder.path));
    const { code, findings } = await doctor(folder.path);
    const found = findings.find((finding) => finding.check === check);
    expect(found).toMatchObject({ state, says: expect.stringContaining(says) });
    expect(code).toBe(state === "fail" ? 1 : 0);
  });

  test("a file that its user may not read", async () => {
    using folder = temporaryFolder();
    const file = await fill(folder.path);
    const data = join(folder.path, "data");
    const program = join(folder.path, "do-intent");
    copyFileSync(EXECUTABLE, program);
    // Whoever may read everything looks as somebody who may not.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) for (const path of [folder.path, data]) chmodSync(path, 0o755);
    chmodSync(file, 0o000);
    const as = isRoot ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    const { stdout, exitCode } = Bun.spawnSync([...as, program, "doctor", "--json", "--data", data], {
      cwd: folder.path,
    });
    const { findings } = JSON.parse(String(stdout)) as { findings: Finding[] };
    const found = findings.find(({ check }) => check === "permissions");
    expect(found).toMatchObject({ state: "fail", says: expect.stringMatching(/^user \d+ may not read and write .+/) });
    expect(found?.remedy).toContain("run this as the server's user");
    expect(exitCode).toBe(1);
  });

  test("a broken config, with every place", async () => {
    using folder = temporaryFolder();
    await fill(folder.path);
    writeFileSync(join(folder.path, "intent.json"), '{"thresholds":{"warm":"soon"},"groups":7}');
    const { code, findings } = await doctor(folder.path, ["--config", "intent.json"]);
    const found = findings.find(({ check }) => check === "config");
    expect(code).toBe(1);
    expect(found?.says).toContain("thresholds");
    expect(found?.says).toContain("groups");
  });

  test("destinations: connected to and nothing sent, one that is not there, a name that is none, a missing secret", async () => {
    using folder = temporaryFolder();
    await fill(folder.path);
    await using receiver = await startReceiver();
    const webhook = { type: "webhook", url: receiver.url, secret: SECRET, allow_private: true };
    const destinations = [
      { ...webhook, name: "well" },
      { ...webhook, name: "closed", url: "http://127.0.0.1:1/" },
      { ...webhook, name: "private", allow_private: false },
      { ...webhook, name: "nameless", url: "https://nobody.invalid/" },
      { ...webhook, name: "secretless", secret: "env:NOT_SET_ANYWHERE" },
      { type: "file", name: "nowhere", path: "/not/there/signals.jsonl" },
      { type: "file", name: "here", path: join(folder.path, "signals.jsonl") },
      { type: "log", name: "stdout" },
    ];
    writeFileSync(join(folder.path, "intent.json"), JSON.stringify({ destinations }));
    const told = await doctor(folder.path, ["--config", "intent.json"]);
    expect(statesOf(told)).toMatchObject({
      "destination well": "ok",
      "destination closed": "fail",
      "destination private": "fail",
      "destination nameless": "fail",
      "destination secretless": "warn",
      "destination nowhere": "fail",
      "destination here": "ok",
      "destination stdout": "ok",
    });
    expect(told.code).toBe(1);
    expect(receiver.received).toEqual([]);
    expect(JSON.stringify(told.findings)).not.toContain(SECRET);
  });

  test.if(canMount)("a disk that is nearly full", async () => {
    using disk = mountSmallDisk(8);
    if (disk === null) throw new Error("it could be mounted a moment ago");
    const data = join(disk.path, "data");
    mkdirSync(data, { mode: 0o700 });
    const { code, findings } = await doctor(disk.path, ["--data", data]);
    expect(code).toBe(1);
    expect(findings.find(({ check }) => check === "free space")).toMatchObject({ state: "fail" });
  });

  test("--compact gives room back, keeps every row, and only where no server runs", async () => {
    using folder = temporaryFolder();
    const file = await fill(folder.path);
    change(file, "create table ballast (text); insert into ballast select randomblob(2000000); drop table ballast");
    const before = statSync(file).size;
    {
      await using _server = await startServer(folder.path);
      const { code, err } = await run(folder.path, ["doctor", "--compact"]);
      expect(code).toBe(1);
      expect(err).toContain("another do-intent is running");
    }
    const { code, out } = await run(folder.path, ["doctor", "--compact", "--full"]);
    expect(out).toMatch(/^the database was \S+ MB and is \S+ KB\n/);
    expect(code).toBe(0);
    expect(statSync(file).size).toBeLessThan(before / 2);
    using database = new Database(file, { readonly: true, strict: true });
    expect(database.query("select count(*) as count from event").get()).toEqual({ count: 300 });
  });
});
