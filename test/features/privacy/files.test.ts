import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { writeBackup } from "../../../src/store/sqlite/backup.ts";
import { openReadOnly } from "../../../src/store/sqlite/database.ts";
import { eventually } from "../../support/eventually.ts";
import { filesWith } from "../../support/everything.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { startInstance, type TestInstance } from "../../support/instance.ts";
import { send } from "./house.ts";

const MARK = "m4rk3r";

/** Each event rewrites rows that are there: what they were before must go as well. */
async function live(instance: TestInstance): Promise<void> {
  const identity = { user_id: "u1", email: `${MARK}@acme.com`, name: MARK };
  await instance.postSecret("/identify", { anonymous_id: "one", identity });
  for (let visit = 0; visit < 50; visit += 1) {
    const event = { event: "page_view", anonymous_id: "one", url: `https://acme.example/${MARK}/${visit}` };
    await instance.post("/track", event);
    await instance.post("/track", { ...event, anonymous_id: `other-${visit}`, url: "https://acme.example/" });
  }
}

test("after an erasure nobody is left in the files of a running server, neither in rows and gaps nor in the log", async () => {
  await using instance = startInstance();
  await live(instance);
  expect(filesWith(instance.dataFolder, MARK)).not.toEqual([]);
  expect((await send(instance, "DELETE", "/people/u1")).status).toBe(200);
  await eventually(() => filesWith(instance.dataFolder, MARK).length === 0, "the log to be emptied");
  expect((await instance.post("/track", { event: "page_view", anonymous_id: "two" })).status).toBe(200);
});

/** Traits that grow and shrink, so that rows move and pages are divided; among others who do the same. */
async function grow(instance: TestInstance): Promise<void> {
  for (let round = 0; round < 8; round += 1) {
    for (let person = 0; person < 30; person += 1) {
      const own = person === 11 ? MARK : `p${person}`;
      const note = `${own}${"t".repeat((person * 37 + round * 211) % 900)}`;
      const identity = { user_id: `u${person}`, email: `${own}@acme.com`, name: own, note, [`k${round}`]: own };
      await instance.postSecret("/identify", { anonymous_id: `a${person}`, identity });
      const metadata = { text: own + "x".repeat((person * 53 + round * 97) % 1_500) };
      await instance.post("/track", {
        event: "form_submit",
        anonymous_id: `a${person}`,
        url: `https://acme.example/${own}`,
        metadata,
      });
    }
    instance.clock.nowMs += 3_600_000;
  }
}

test("nor is anybody left whose traits were changed again and again, and not in a backup either", async () => {
  using copies = temporaryFolder();
  await using instance = startInstance();
  await grow(instance);
  expect((await send(instance, "DELETE", "/people/u11")).status).toBe(200);
  await eventually(() => filesWith(instance.dataFolder, MARK).length === 0, "the log to be emptied");
  writeBackup(instance.dataFolder, join(copies.path, "backup.db"));
  expect(filesWith(copies.path, MARK)).toEqual([]);
  expect(filesWith(copies.path, "p12@acme.com")).not.toEqual([]);
});

test("what was kept long enough is not in the file any more, not even in pages that were given up", async () => {
  using folder = temporaryFolder();
  {
    await using instance = startInstance({ dataFolder: folder.path, intent: { ingest: { accept_days: 1 } } });
    for (let sent = 0; sent < 40; sent += 1) {
      const metadata = { text: MARK + "x".repeat(3_000) };
      await instance.post("/track", { event: "page_view", anonymous_id: `a${sent}`, url: `/${MARK}`, metadata });
    }
    instance.clock.nowMs += 3 * 86_400_000;
    instance.configureIntent({ ingest: { accept_days: 1 }, retain: { events: "2d" } });
    await eventually(() => instance.rows("select 1 from event").length === 0, "the sweep");
  }
  expect(filesWith(folder.path, MARK)).toEqual([]);
});

test("whoever reads what is older keeps the log, until they are through or the server starts anew", async () => {
  using copies = temporaryFolder();
  await using instance = startInstance();
  await live(instance);
  const reader = openReadOnly(instance.dataFolder);
  expect((await send(instance, "DELETE", "/people/u1")).status).toBe(200);
  expect(filesWith(instance.dataFolder, MARK)).not.toEqual([]);
  // As a kill would leave them.
  for (const name of ["do-intent.db", "do-intent.db-wal"])
    copyFileSync(join(instance.dataFolder, name), join(copies.path, name));
  expect((await instance.post("/track", { event: "page_view", anonymous_id: "two" })).status).toBe(200);
  reader.close();
  await eventually(() => filesWith(instance.dataFolder, MARK).length === 0, "the log to be emptied");
  expect(filesWith(copies.path, MARK)).not.toEqual([]);
  await using restarted = startInstance({ dataFolder: copies.path });
  expect(filesWith(copies.path, MARK)).toEqual([]);
  expect(restarted.rows("select 1 from event")).toHaveLength(50);
});
