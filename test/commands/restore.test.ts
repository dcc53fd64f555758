import { expect, test } from "bun:test";
import { join } from "node:path";
import { runBackup } from "../../src/commands/backup.ts";
import { runRestore } from "../../src/commands/restore.ts";
import { openBeside } from "../../src/store/sqlite/database.ts";
import { createKeyStore } from "../../src/store/sqlite/keys.ts";
import { writeOlderFolder } from "../store/older-schema.ts";
import { temporaryFolder } from "../support/folder.ts";
import { NOON_MS, startInstance, type TestInstance, withSecret } from "../support/instance.ts";

const silent = (): void => undefined;
const ERASED = "ada@acme.com";

async function restored(backupFile: string, data: string): Promise<string> {
  const lines: string[] = [];
  expect(await runRestore({ backupFile, data, replace: true }, NOON_MS, (line) => lines.push(line))).toBe(0);
  return lines.join("\n");
}

/** What a backup is made of, and what happens after it; then the folder is as it was in the backup. */
async function restoredAfter(
  data: string,
  before: (instance: TestInstance) => Promise<unknown>,
  after: (instance: TestInstance) => Promise<unknown>,
): Promise<string> {
  using folder = temporaryFolder();
  const backupFile = join(folder.path, "whole.db");
  {
    await using instance = startInstance({ dataFolder: data });
    await before(instance);
    await runBackup({ backupFile, data }, silent);
    instance.clock.nowMs += 1_000;
    await after(instance);
  }
  return await restored(backupFile, data);
}

async function remove(instance: TestInstance, path: string): Promise<void> {
  const { status } = await instance.app.handle(
    new Request(`http://localhost${path}`, { method: "DELETE", headers: withSecret }),
  );
  expect(status).toBe(200);
}

const identify = (instance: TestInstance, identity: object, visitor: string | null = null) =>
  instance.postSecret<{ person_id: string }>("/identify", { anonymous_id: visitor, identity });

test("a key that was revoked since opens nothing again, also where it is listed no more; the others hold", async () => {
  using target = temporaryFolder();
  const made: { key: string; key_id: string }[] = [];
  const told = await restoredAfter(
    target.path,
    async (instance) => {
      for (const name of ["leaked", "older", "kept"]) {
        made.push(
          (await instance.postSecret<{ key: string; key_id: string }>("/keys", { name, scopes: ["read"] })).body,
        );
      }
    },
    async (instance) => {
      for (const { key_id } of made.slice(0, 2)) await remove(instance, `/keys/${key_id}`);
      const database = openBeside(instance.dataFolder);
      // As 200 keys that were revoked after it push it out.
      database.run("delete from api_key where name = 'older'");
      database.close();
    },
  );
  expect(told).toContain("2 keys that were revoked since stay revoked");
  await using instance = startInstance({ dataFolder: target.path });
  const statuses = await Promise.all(
    made.map(async ({ key }) => (await instance.get("/people", { authorization: `Bearer ${key}` })).status),
  );
  expect(statuses).toEqual([401, 401, 200]);
  const database = openBeside(target.path);
  const leaked = createKeyStore(database)
    .list()
    .find(({ name }) => name === "leaked");
  database.close();
  expect(leaked?.revokedMs).toBe(NOON_MS + 1_000);
});

test.each([6, 9, 12, 14])("a restore of a version with %d migrations stands in the audit", async (count) => {
  using old = temporaryFolder();
  using target = temporaryFolder();
  await using instance = startInstance();
  await identify(instance, { email: ERASED });
  writeOlderFolder(old.path, instance.dataFolder, count);
  await restored(join(old.path, "do-intent.db"), target.path);
  const noted = openBeside(target.path);
  const notes = noted.query("select key_id, action, detail from audit where action = 'restore'").all();
  noted.close();
  expect(notes).toEqual([{ key_id: "command line", action: "restore", detail: '{"erased_again":0}' }]);
});
