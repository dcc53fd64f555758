import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runRestore } from "../../../src/commands/restore.ts";
import { eventually } from "../../support/eventually.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { NOON_MS, startInstance, type TestInstance, withSecret } from "../../support/instance.ts";

async function fetchBackup(instance: TestInstance, query: string): Promise<Response> {
  const request = new Request(`http://localhost/backup${query}`, { method: "POST", headers: withSecret });
  return instance.app.handle(request);
}

test.each([
  ["", "application/vnd.sqlite3", "do-intent-2026-06-01.db"],
  ["?compress=gzip", "application/gzip", "do-intent-2026-06-01.db.gz"],
])("POST /backup%s brings the whole folder as one file, and leaves nothing behind", async (query, type, name) => {
  using folder = temporaryFolder();
  using other = temporaryFolder();
  await using instance = startInstance();
  await instance.post("/track", { event: "page_view", anonymous_id: "laptop" });
  const response = await fetchBackup(instance, query);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
  expect(response.headers.get("content-disposition")).toBe(`attachment; filename="${name}"`);
  const backupFile = join(folder.path, name);
  writeFileSync(backupFile, new Uint8Array(await response.arrayBuffer()));
  const left = () => readdirSync(instance.dataFolder).filter((file) => file.includes("backup"));
  await eventually(() => left().length === 0, "the copy to be gone");
  await runRestore({ backupFile, data: other.path, replace: false }, NOON_MS, () => undefined);
  await using second = startInstance({ dataFolder: other.path });
  expect((await second.getSecret("/people/laptop")).status).toBe(200);
  expect(instance.rows("select action from audit")).toContainEqual({ action: "backup" });
});

test("one backup is made at a time, and one that nobody takes makes room for the next", async () => {
  await using instance = startInstance();
  const first = await fetchBackup(instance, "");
  expect((await fetchBackup(instance, "")).status).toBe(409);
  await first.body?.cancel();
  let next = await fetchBackup(instance, "");
  while (next.status === 409) {
    await Bun.sleep(1);
    next = await fetchBackup(instance, "");
  }
  expect(next.status).toBe(200);
});

test("is for who may administer", async () => {
  await using instance = startInstance();
  expect((await instance.post("/backup", "")).status).toBe(401);
  expect((await instance.postSecret("/backup?compress=zip", "")).status).toBe(422);
});
