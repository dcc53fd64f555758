import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
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
