import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runAudit } from "../../src/commands/audit.ts";
import { runDoctor } from "../../src/commands/doctor.ts";
import { runPeopleErase, runPeopleExport } from "../../src/commands/people.ts";
import { openReadOnly } from "../../src/store/sqlite/database.ts";
import { filesWith, tablesWith } from "../support/everything.ts";
import { temporaryFolder } from "../support/folder.ts";
import { NOON_MS, startInstance, type TestInstance } from "../support/instance.ts";

const EMAIL = "ada@acme.com";
const view = { event: "page_view", anonymous_id: "one", url: "/pricing" };

async function live(instance: TestInstance): Promise<string> {
  await instance.post("/track", view);
  const said = { anonymous_id: "one", identity: { email: EMAIL } };
  return (await instance.postSecret<{ person_id: string }>("/identify", said)).body.person_id;
}

test("people erase works beside a running server, which neither brings them back nor trips over them", async () => {
  using folder = temporaryFolder();
  await using instance = startInstance({ dataFolder: folder.path });
  const personId = await live(instance);
  const lines: string[] = [];
  expect(runPeopleErase({ person: EMAIL, data: folder.path }, NOON_MS, (line) => lines.push(line))).toBe(0);
  expect(lines[0]).toBe(`${personId} is erased, and 2 identifiers stay away`);
  expect(lines.join("\n")).toMatch(/event +2\n/);
  // What the server remembers of its last visitors must not be believed any more.
  expect((await instance.postSecret("/track", view)).body as unknown).toMatchObject({ suppressed: 1 });
  expect((await instance.post("/track", { ...view, anonymous_id: "two" })).body as unknown).toMatchObject({
    accepted: 1,
  });
  expect(tablesWith(instance, EMAIL)).toEqual([]);
  expect(filesWith(folder.path, EMAIL)).toEqual([]);
  expect(instance.rows("select key_id, action, subject from audit where action = 'person_erase'")).toEqual([
    { key_id: "command line", action: "person_erase", subject: personId },
  ]);
  expect(() => runPeopleErase({ person: EMAIL, data: folder.path }, NOON_MS, () => undefined)).toThrow(
    "nobody is known",
  );
});

test("people erase says so where somebody reads the log, which then keeps what it holds", async () => {
  using folder = temporaryFolder();
  await using instance = startInstance({ dataFolder: folder.path });
  await live(instance);
  const reader = openReadOnly(folder.path);
  const lines: string[] = [];
  expect(runPeopleErase({ person: EMAIL, data: folder.path }, NOON_MS, (line) => lines.push(line))).toBe(0);
  expect(lines.at(-1)).toStartWith("do-intent.db-wal is being read");
  expect(filesWith(folder.path, EMAIL)).not.toEqual([]);
  reader.close();
});

test("people erase and doctor name the copies of before, which an erasure does not reach", async () => {
  using folder = temporaryFolder();
  await using instance = startInstance({ dataFolder: folder.path });
  await live(instance);
  const copies = ["do-intent.before-0012_open_reviews.db", "do-intent.db.before-restore-2026-06-01T12-00-00-000Z"];
  for (const name of [...copies, `${copies[1]}-wal`, "do-intent.before.unfinished"]) {
    writeFileSync(join(folder.path, name), "");
  }
  const lines: string[] = [];
  expect(runPeopleErase({ person: EMAIL, data: folder.path }, NOON_MS, (line) => lines.push(line))).toBe(0);
  expect(lines.filter((line) => line.includes("may hold them still")).map((line) => line.split(" ")[0])).toEqual(
    copies,
  );
  const found: string[] = [];
  const options = { data: folder.path, config: null, origins: [], full: false, compact: false, json: false };
  await runDoctor(options, NOON_MS, (line) => found.push(line));
  expect(found.filter((line) => line.includes("old copies"))).toEqual([
    expect.stringContaining(`${copies.join(", ")}: whoever was erased since is still in them`),
  ]);
});

test("people export writes what GET /people/ID/export answers, and is noted", async () => {
  using folder = temporaryFolder();
  await using instance = startInstance({ dataFolder: folder.path });
  const personId = await live(instance);
  let text = "";
  const write = async (piece: string): Promise<void> => {
    text += piece;
  };
  expect(await runPeopleExport({ person: "one", data: folder.path, config: null }, NOON_MS, write)).toBe(0);
  expect(JSON.parse(text)).toEqual((await instance.getSecret(`/people/${personId}/export`)).body);
  const lines: string[] = [];
  runAudit({ subject: personId, auditSinceMs: null, data: folder.path }, (line) => lines.push(line));
  expect(lines.map((line) => line.split(/ {2,}/).slice(1, 4))).toEqual([
    [expect.stringMatching(/^key_/), "person_export", personId],
    ["command line", "person_export", personId],
  ]);
});
