import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runBackup } from "../../src/commands/backup.ts";
import { runRestore } from "../../src/commands/restore.ts";
import { AppError } from "../../src/core/error.ts";
import { openBeside, openReadOnly } from "../../src/store/sqlite/database.ts";
import { writeOlderFolder } from "../store/older-schema.ts";
import { tablesWith } from "../support/everything.ts";
import { temporaryFolder } from "../support/folder.ts";
import { NOON_MS, startInstance, type TestInstance, withSecret } from "../support/instance.ts";

const silent = (): void => undefined;
const PAGE_BYTES = 4_096;

async function visit(instance: TestInstance, anonymous_id: string): Promise<void> {
  const { status } = await instance.post("/track", { event: "page_view", anonymous_id, url: "/pricing" });
  expect(status).toBe(200);
}

/** Who is known in a folder, by a server that is started on it. */
async function peopleIn(dataFolder: string): Promise<unknown> {
  await using instance = startInstance({ dataFolder });
  return (await instance.getSecret("/people")).body;
}

async function restored(backupFile: string, data: string, replace = false): Promise<string> {
  const lines: string[] = [];
  expect(await runRestore({ backupFile, data, replace }, NOON_MS, (line) => lines.push(line))).toBe(0);
  return lines.join("\n");
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (thrown) => thrown,
  );
  if (!(error instanceof AppError)) throw new Error("it was not refused");
  return `${error.code}: ${error.message}`;
}

describe("a backup", () => {
  test.each(["whole.db", "whole.db.gz"])(
    "is made beside a running server, and brings all of it back: %s",
    async (name) => {
      using folder = temporaryFolder();
      using other = temporaryFolder();
      const backupFile = join(folder.path, name);
      await using instance = startInstance();
      for (let visitor = 0; visitor < 50; visitor += 1) await visit(instance, `visitor-${visitor}`);
      const { body: before } = await instance.getSecret("/people");
      expect(await runBackup({ backupFile, data: instance.dataFolder }, silent)).toBe(0);
      await visit(instance, "later");
      expect(statSync(backupFile).mode & 0o777).toBe(0o600);
      expect(readdirSync(folder.path)).toEqual([name]);
      await restored(backupFile, other.path);
      expect(readdirSync(other.path).sort()).toEqual(["do-intent.db", "do-intent.lock"]);
      const noted = openReadOnly(other.path);
      expect(noted.query("select key_id from audit where action = 'restore'").all()).toEqual([
        { key_id: "command line" },
      ]);
      noted.close();
      expect(await peopleIn(other.path)).toEqual(before);
    },
  );

  test("takes the place of what is there only where that is asked for, and what was there is kept", async () => {
    using folder = temporaryFolder();
    using old = temporaryFolder();
    const backupFile = join(folder.path, "whole.db");
    await using instance = startInstance();
    await visit(instance, "visitor-1");
    await runBackup({ backupFile, data: instance.dataFolder }, silent);
    await using before = startInstance({ dataFolder: old.path });
    await visit(before, "somebody-else");
    expect(await refusal(runRestore({ backupFile, data: old.path, replace: true }, NOON_MS, silent))).toContain(
      "another do-intent is running",
    );
    await before.close();
    expect(await refusal(runRestore({ backupFile, data: old.path, replace: false }, NOON_MS, silent))).toContain(
      "--replace",
    );
    const said = await restored(backupFile, old.path, true);
    const kept = /what was there before is (\S+)/.exec(said)?.[1] ?? "";
    expect(existsSync(kept)).toBe(true);
    const identities = new Database(kept, { readonly: true }).query("select value from identity").all();
    expect(identities).toEqual([{ value: "somebody-else" }]);
    expect(await peopleIn(old.path)).toEqual((await instance.getSecret("/people")).body);
  });

  test("goes nowhere where a file is, no server was, or no folder is", async () => {
    using folder = temporaryFolder();
    await using instance = startInstance();
    const taken = join(folder.path, "taken.db");
    writeFileSync(taken, "mine");
    const table: [backupFile: string, data: string, says: string][] = [
      [taken, instance.dataFolder, "is there already"],
      [join(folder.path, "new.db"), folder.path, "there is no do-intent.db"],
      [join(folder.path, "none", "new.db"), instance.dataFolder, "ENOENT"],
    ];
    for (const [backupFile, data, says] of table) {
      expect(await refusal(runBackup({ backupFile, data }, silent))).toContain(says);
    }
    expect(readFileSync(taken, "utf8")).toBe("mine");
    expect(readdirSync(folder.path)).toEqual(["taken.db"]);
  });

  test("that does not hold is refused before anything is touched", async () => {
    using folder = temporaryFolder();
    using target = temporaryFolder();
    await using instance = startInstance();
    for (let visitor = 0; visitor < 20; visitor += 1) await visit(instance, `visitor-${visitor}`);
    const make = async (name: string): Promise<string> => {
      const backupFile = join(folder.path, name);
      await runBackup({ backupFile, data: instance.dataFolder }, silent);
      return backupFile;
    };
    const half = await make("half.db.gz");
    truncateSync(half, Math.floor(statSync(half).size / 2));
    const holed = await make("holed.db");
    const bytes = readFileSync(holed);
    bytes.fill(0x5a, 10 * PAGE_BYTES, 14 * PAGE_BYTES);
    writeFileSync(holed, bytes);
    const newer = await make("newer.db");
    new Database(newer).run("insert into migration values ('9999_later', 0)");
    const garbage = join(folder.path, "garbage.db");
    writeFileSync(garbage, "this is no database at all".repeat(1_000));
    const foreign = join(folder.path, "foreign.db");
    new Database(foreign, { create: true, readwrite: true }).run("create table theirs (a)");
    const table: [file: string, says: string][] = [
      [half, "cannot be read to its end"],
      [holed, "is damaged"],
      [newer, "newer do-intent"],
      [garbage, "is no backup of do-intent"],
      [foreign, "is no backup of do-intent"],
      [join(folder.path, "none.db"), "there is no file"],
    ];
    for (const [backupFile, says] of table) {
      const told = await refusal(runRestore({ backupFile, data: target.path, replace: true }, NOON_MS, silent));
      expect(told).toContain(says);
    }
    expect(readdirSync(target.path).filter((name) => name !== "do-intent.lock")).toEqual([]);
  });

  test("does not mix with the log of a database that is gone, and nobody begins in the middle of a restore", async () => {
    using folder = temporaryFolder();
    using target = temporaryFolder();
    const backupFile = join(folder.path, "whole.db");
    await using instance = startInstance();
    await visit(instance, "visitor-1");
    const { body: before } = await instance.getSecret("/people");
    await runBackup({ backupFile, data: instance.dataFolder }, silent);
    expect(statSync(backupFile).mode & 0o777).toBe(0o600);
    await visit(instance, "later");
    copyFileSync(join(instance.dataFolder, "do-intent.db-wal"), join(target.path, "do-intent.db-wal"));
    expect(await refusal(runRestore({ backupFile, data: target.path, replace: false }, NOON_MS, silent))).toContain(
      "--replace",
    );
    await restored(backupFile, target.path, true);
    expect(await peopleIn(target.path)).toEqual(before);
    writeFileSync(join(target.path, "do-intent.restoring"), "");
    expect(() => startInstance({ dataFolder: target.path })).toThrow("was cut off");
    await restored(backupFile, target.path, true);
    expect(await peopleIn(target.path)).toEqual(before);
  });

  test("what a killed backup or restore has left is gone with the next start", async () => {
    using folder = temporaryFolder();
    const left = [
      "do-intent.backup.sending",
      "do-intent.backup.sending.unfinished-journal",
      "do-intent.restore.unfinished",
    ];
    for (const name of left) writeFileSync(join(folder.path, name), "ada@acme.example");
    await using _ = startInstance({ dataFolder: folder.path });
    expect(left.filter((name) => existsSync(join(folder.path, name)))).toEqual([]);
  });

  test("is made of what an older version has written; other commands say what to do first", async () => {
    using folder = temporaryFolder();
    await using instance = startInstance();
    await visit(instance, "visitor-1");
    await instance.close();
    const database = new Database(join(instance.dataFolder, "do-intent.db"));
    database.run("delete from migration where tag = (select max(tag) from migration)");
    database.close();
    expect(() => openReadOnly(instance.dataFolder)).toThrow("older do-intent");
    expect(() => openBeside(instance.dataFolder)).toThrow("older do-intent");
    await runBackup({ backupFile: join(folder.path, "older.db"), data: instance.dataFolder }, silent);
    const later = new Database(join(instance.dataFolder, "do-intent.db"));
    later.run("insert into migration select '9999_later', 0 union all select '0000_x', 0");
    later.close();
    expect(() => openReadOnly(instance.dataFolder)).toThrow("do-intent");
  });
});

describe("an older backup", () => {
  const EMAIL = "ada@acme.com";
  const identify = (instance: TestInstance, identity: object) =>
    instance.postSecret<{ person_id: string }>("/identify", { identity });
  const erase = async (instance: TestInstance, who: string) => {
    const request = new Request(`http://localhost/people/${who}`, { method: "DELETE", headers: withSecret });
    expect((await instance.app.handle(request)).status).toBe(200);
  };

  test.each(["whole.db", "whole.db.gz"])(
    "brings nobody back who was erased since, nor loses who did it: %s",
    async (name) => {
      using folder = temporaryFolder();
      using target = temporaryFolder();
      const backupFile = join(folder.path, name);
      {
        await using instance = startInstance({ dataFolder: target.path });
        await identify(instance, { email: EMAIL, user_id: "u-1" });
        await identify(instance, { email: "grace@acme.com" });
        const leads = [{ email: "lead@acme.com" }, { email: "fred@acme.com", personal_email: EMAIL }];
        await instance.postSecret("/campaigns", { name: "spring", base_url: "https://acme.example", leads });
        await runBackup({ backupFile, data: target.path }, silent);
        await erase(instance, EMAIL);
        await erase(instance, "lead@acme.com");
      }
      const told = await restored(backupFile, target.path, true);
      expect(told).toContain("2 who were erased since are erased from it again");
      expect(told).toContain("an erasure does not reach into it");
      for (const suffix of ["", "-wal"]) {
        const path = join(target.path, `do-intent.db${suffix}`);
        if (existsSync(path)) expect(readFileSync(path).includes(EMAIL)).toBe(false);
      }
      await using instance = startInstance({ dataFolder: target.path });
      expect(tablesWith(instance, EMAIL)).toEqual([]);
      expect(tablesWith(instance, "lead@acme.com")).toEqual([]);
      expect((await instance.getSecret("/people/grace@acme.com")).status).toBe(200);
      expect((await identify(instance, { email: EMAIL })).body as unknown).toEqual({ suppressed: true });
      const actions = instance
        .rows<{ action: string }>("select action from audit order by audit_id")
        .map(({ action }) => action);
      expect(actions.filter((action) => action === "person_erase")).toHaveLength(2);
      // What the backup held of it already is there once.
      expect(actions.filter((action) => action === "campaign_create")).toHaveLength(1);
      expect(actions).toContain("restore");
    },
  );

  test.each([6, 9, 12])(
    "of a version with %d migrations is brought up to date where somebody is erased from it",
    async (count) => {
      using old = temporaryFolder();
      using target = temporaryFolder();
      {
        await using instance = startInstance({ dataFolder: target.path });
        await identify(instance, { email: EMAIL, user_id: "u-1" });
        writeOlderFolder(old.path, target.path, count);
        await erase(instance, EMAIL);
      }
      const told = await restored(join(old.path, "do-intent.db"), target.path, true);
      // Before there was a secret, none was hashed with it; the audit tells who it was.
      expect(told).toContain("1 who were erased since are erased from it again");
      await using instance = startInstance({ dataFolder: target.path });
      expect(tablesWith(instance, EMAIL)).toEqual([]);
      expect((await instance.getSecret(`/people/${EMAIL}`)).status).toBe(404);
    },
  );

  test("tells of somebody who is one there with another who stays, and leaves both", async () => {
    using folder = temporaryFolder();
    using target = temporaryFolder();
    const backupFile = join(folder.path, "whole.db");
    let personId = "";
    {
      await using instance = startInstance({ dataFolder: target.path });
      await identify(instance, { user_id: "grace" });
      instance.clock.nowMs += 1_000;
      await identify(instance, { email: EMAIL });
      personId = (await identify(instance, { user_id: "grace", email: EMAIL })).body.person_id;
      await runBackup({ backupFile, data: target.path }, silent);
      instance.clock.nowMs += 1_000;
      const { merges } = (await instance.getSecret<{ merges: { merge_id: string }[] }>("/merges")).body;
      expect((await instance.postSecret(`/merges/${merges[0]?.merge_id}/undo`, {})).status).toBe(200);
      await erase(instance, EMAIL);
    }
    const told = await restored(backupFile, target.path, true);
    expect(told).toContain(`${personId} is one there with somebody who was erased since`);
    await using instance = startInstance({ dataFolder: target.path });
    expect((await instance.getSecret("/people/grace")).status).toBe(200);
  });

  test("of another instance keeps its own suppressions, and whom the replaced one had erased is erased from it", async () => {
    using folder = temporaryFolder();
    using target = temporaryFolder();
    const backupFile = join(folder.path, "other.db");
    await using other = startInstance();
    await identify(other, { email: EMAIL });
    await identify(other, { email: "erased@acme.com" });
    await erase(other, "erased@acme.com");
    await runBackup({ backupFile, data: other.dataFolder }, silent);
    {
      await using instance = startInstance({ dataFolder: target.path });
      await identify(instance, { email: EMAIL, user_id: "u-1" });
      await erase(instance, EMAIL);
    }
    const told = await restored(backupFile, target.path, true);
    expect(told).toContain("2 suppressions are another instance's, and hold no more");
    await using instance = startInstance({ dataFolder: target.path });
    for (const email of [EMAIL, "erased@acme.com"]) {
      expect((await identify(instance, { email })).body as unknown).toEqual({ suppressed: true });
    }
  });

  test("takes the place of a damaged database, which cannot say who was erased", async () => {
    using folder = temporaryFolder();
    using target = temporaryFolder();
    const backupFile = join(folder.path, "whole.db");
    {
      await using instance = startInstance({ dataFolder: target.path });
      await identify(instance, { email: EMAIL });
      await runBackup({ backupFile, data: target.path }, silent);
      await erase(instance, EMAIL);
    }
    writeFileSync(join(target.path, "do-intent.db"), "x".repeat(PAGE_BYTES * 10));
    expect(await restored(backupFile, target.path, true)).toContain("cannot say who was erased since");
    await using instance = startInstance({ dataFolder: target.path });
    expect((await instance.getSecret(`/people/${EMAIL}`)).status).toBe(200);
  });
});
