import { Database } from "bun:sqlite";
import { expect, mock, spyOn, test } from "bun:test";
import { join } from "node:path";
import { runBackup } from "../../src/commands/backup.ts";
import { runRestore } from "../../src/commands/restore.ts";
import { formatId } from "../../src/core/id.ts";
import { openBeside } from "../../src/store/sqlite/database.ts";
import { createKeyStore } from "../../src/store/sqlite/keys.ts";
import { writeOlderFolder } from "../store/older-schema.ts";
import { tablesWith } from "../support/everything.ts";
import { temporaryFolder } from "../support/folder.ts";
import { NOON_MS, startInstance, type TestInstance, withSecret } from "../support/instance.ts";

const silent = (): void => undefined;
const ERASED = "ada@acme.com";
const PHONE = "+49301234567";

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

/** Refused for want of a name, and kept as it was sent. */
const refuse = (instance: TestInstance, fields: object) =>
  instance.post("/track", { events: [{ event: "", anonymous_id: "somebody", ...fields }] });

const leads = (instance: TestInstance) =>
  instance.rows<{ email: string; columns: string; traits: string }>(
    "select email, columns, traits from campaign_lead natural join lead order by position",
  );

/** How often rows are asked for by statements in which a text stands. */
function readsOf(text: string) {
  const { query } = Database.prototype;
  let count = 0;
  const counting = function (this: Database, sql: string) {
    const statement = query.call(this, sql);
    if (!sql.includes(text)) return statement;
    const all = statement.all.bind(statement);
    const counted = (...values: Parameters<typeof all>) => {
      count += 1;
      return all(...values);
    };
    return Object.assign(statement, { all: counted });
  };
  return {
    start: () => spyOn(Database.prototype, "query").mockImplementation(counting as typeof query),
    count: () => count,
    stop: () => mock.restore(),
  };
}

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

test("whom only rows of others name is erased from these again, and what does not name them stays", async () => {
  using target = temporaryFolder();
  const told = await restoredAfter(
    target.path,
    async (instance) => {
      const rows = [
        `email,colleague,city\nlead@acme.com,Ask ${ERASED.toUpperCase()},Rome\nother@acme.com,grace@acme.com,Bonn\n`,
        `email,second,note\nlead@acme.com,,free\nthird@acme.com,x <${ERASED}>,paid\n`,
      ];
      for (const [index, body] of rows.entries()) {
        const path = `/campaigns?name=list-${index}&base_url=https://acme.example`;
        expect((await instance.postSecret(path, body, { "content-type": "text/csv" })).status).toBe(200);
      }
      await refuse(instance, { note: `ask ${ERASED}` });
      await refuse(instance, { url: "/?m=ada%40acme.com" });
      await refuse(instance, { note: "ask grace@acme.com" });
      // Five addresses are attached, and the sixth waits for somebody to decide.
      for (const number of [0, 1, 2, 3, 4]) await identify(instance, { user_id: "u-1", email: `a${number}@acme.com` });
      await identify(instance, { user_id: "u-1", email: ERASED });
      expect(instance.rows("select claims from merge_review")).toHaveLength(1);
    },
    (instance) => remove(instance, `/people?email=${ERASED}`),
  );
  await using instance = startInstance({ dataFolder: target.path });
  expect(tablesWith(instance, ERASED)).toEqual([]);
  expect(tablesWith(instance, "ada%40acme.com")).toEqual([]);
  // Two of lists, two refused events and a review.
  expect(told).toContain("5 rows of others named somebody who was erased since, and do no more");
  expect(instance.rows("select 1 from merge_review")).toEqual([]);
  expect(instance.rows<{ body: string }>("select body from rejected_event")).toHaveLength(1);
  expect(leads(instance).map(({ email, columns }) => [email, JSON.parse(columns)])).toContainEqual([
    "other@acme.com",
    ["other@acme.com", "grace@acme.com", "Bonn"],
  ]);
  expect(tablesWith(instance, "Rome").sort()).toEqual(["campaign_lead", "lead"]);
});

test("what somebody was called only after the backup is gone from rows of others as well, however it was written", async () => {
  using target = temporaryFolder();
  const named = [
    { note: `ask ${ERASED}` },
    { user_id: "u-77" },
    { tel: "0049 (0)30 / 123-45.67" },
    { tel: 49301234567 },
    { url: "/?visitor=browser-of-hers" },
    // Cut off where it was too long to be kept.
    { filling: "x".repeat(20), anonymous_id: "browser-of-hers", note: "y".repeat(20_000) },
  ];
  const others = [{ user_id: "u-778" }, { tel: "+493012345678" }, { anonymous_id: "browser-of-hers-2" }, { n: 7 }];
  await restoredAfter(
    target.path,
    async (instance) => {
      await identify(instance, { user_id: "before" }, "browser-1");
      const rows = { "content-type": "text/csv" };
      const list = `email,colleague\nlead@acme.com,${ERASED}\n`;
      await instance.postSecret("/campaigns?name=spring&base_url=https://acme.example", list, rows);
      for (const fields of [...named, ...others]) await refuse(instance, fields);
      expect(instance.rows("select 1 from rejected_event")).toHaveLength(named.length + others.length);
    },
    async (instance) => {
      await identify(instance, { user_id: "u-77", email: ERASED, phone: PHONE }, "browser-of-hers");
      await identify(instance, { user_id: "before", loyalty: "x" }, "browser-1");
      await remove(instance, `/people/${ERASED}`);
    },
  );
  await using instance = startInstance({ dataFolder: target.path });
  expect(tablesWith(instance, ERASED)).toEqual([]);
  expect(instance.rows<{ body: string }>("select body from rejected_event").map(({ body }) => body)).toEqual(
    others.map((fields) => expect.stringContaining(JSON.stringify(fields).slice(1, -1))),
  );
  expect((await instance.getSecret("/people/before")).status).toBe(200);
});

test("a backup of another instance is rid of whom the replaced one had erased, in rows of others too", async () => {
  using folder = temporaryFolder();
  using target = temporaryFolder();
  const backupFile = join(folder.path, "other.db");
  await using other = startInstance();
  await refuse(other, { note: `ask ${ERASED}` });
  await refuse(other, { note: "ask grace@acme.com" });
  await runBackup({ backupFile, data: other.dataFolder }, silent);
  {
    await using instance = startInstance({ dataFolder: target.path });
    await identify(instance, { email: ERASED });
    await remove(instance, `/people/${ERASED}`);
  }
  await restored(backupFile, target.path);
  await using instance = startInstance({ dataFolder: target.path });
  expect(tablesWith(instance, ERASED)).toEqual([]);
  expect(instance.rows("select 1 from rejected_event")).toHaveLength(1);
});

test("refused events are read once, however many were erased, whether or not the backup has them", async () => {
  using target = temporaryFolder();
  const erased = 300;
  const refused = 2_000;
  const reads = readsOf("from rejected_event");
  await restoredAfter(
    target.path,
    async (instance) => {
      for (let number = 0; number < erased / 2; number += 1) await identify(instance, { email: `p${number}@acme.com` });
      const database = openBeside(instance.dataFolder);
      const insert = database.query(
        "insert into rejected_event (rejected_at, code, field, message, body) values (0, 'invalid', null, '', ?)",
      );
      database.transaction(() => {
        for (let number = 0; number < refused; number += 1) {
          insert.run(JSON.stringify({ anonymous_id: "somebody", note: "x".repeat(500) + number }));
        }
        insert.run(JSON.stringify({ note: "ask p1@acme.com" }));
      })();
      database.close();
    },
    async (instance) => {
      await remove(instance, "/people/p0@acme.com");
      reads.start();
      const database = openBeside(instance.dataFolder);
      const known = database.query<{ id: number }, []>("select person_id as id from person").all();
      const gone = Array.from({ length: erased / 2 }, (_, index) => 90_000_000_000 + index);
      const note = database.query(
        "insert into audit (occurred_at, key_id, action, subject, detail) values (?, 'key_1', 'person_erase', ?, '{}')",
      );
      database.transaction(() => {
        for (const id of [...known.map((row) => row.id), ...gone]) note.run(NOON_MS, formatId("person", id));
        for (const table of ["person", "identity", "intent_score"]) database.run(`delete from ${table}`);
      })();
      database.close();
    },
  );
  // In steps of 500, and once to see that there are no more.
  expect(reads.count()).toBe(5);
  reads.stop();
  await using instance = startInstance({ dataFolder: target.path });
  expect(instance.rows("select 1 from identity")).toEqual([]);
  expect(instance.rows("select 1 from rejected_event")).toHaveLength(refused);
});

test("a suppression that was lifted since stays lifted, and one that holds goes on holding", async () => {
  using target = temporaryFolder();
  await restoredAfter(
    target.path,
    async (instance) => {
      for (const email of [ERASED, "bob@acme.com", "old@acme.com"]) await identify(instance, { email });
      await remove(instance, "/people/old@acme.com");
    },
    async (instance) => {
      for (const email of [ERASED, "bob@acme.com"]) await remove(instance, `/people/${email}`);
      for (const email of [ERASED, "old@acme.com"]) await remove(instance, `/suppressions?email=${email}`);
    },
  );
  await using instance = startInstance({ dataFolder: target.path });
  expect((await instance.getSecret(`/people/${ERASED}`)).status).toBe(404);
  for (const [email, isTaken] of [
    [ERASED, true],
    ["old@acme.com", true],
    ["bob@acme.com", false],
  ] as const) {
    await identify(instance, { email });
    expect([email, (await instance.getSecret(`/people/${email}`)).status]).toEqual([email, isTaken ? 200 : 404]);
  }
});
