import { Database } from "bun:sqlite";
import { expect, spyOn, test } from "bun:test";
import { join } from "node:path";
import { BUSY_WAIT_MS } from "../../src/engine/held.ts";
import { eventually } from "../support/eventually.ts";
import { startInstance, type TestInstance, withSecret } from "../support/instance.ts";

const intent = {
  public_url: "https://intent.example",
  destinations: [{ type: "http", name: "chat", url: "https://receiver.example/", body: "{{who}}" }],
};

/** What administers, each with the row by which it is seen to have been done. */
const requests: [method: string, path: string, body: object | null, done: string][] = [
  ["DELETE", "/people?user_id=u1", null, "select 1 from audit where action = 'person_erase' limit 1 offset 1"],
  ["GET", "/people/u1/export", null, "select 1 from audit where action = 'person_export'"],
  ["DELETE", "/suppressions?user_id=gone", null, "select 1 from audit where action = 'suppression_lift'"],
  ["POST", "/keys", { name: "second", kind: "write" }, "select 1 from api_key where name = 'second'"],
  ["DELETE", "/keys/FIRST", null, "select 1 from api_key where revoked_at is not null"],
  ["GET", "/campaigns/spring/export.csv", null, "select 1 from audit where action = 'campaign_export'"],
  ["POST", "/backup", null, "select 1 from audit where action = 'backup'"],
  ["POST", "/destinations/chat/pause", null, "select 1 from destination where paused_at is not null"],
  ["POST", "/destinations/chat/resume", null, "select 1 from destination where paused_at is null"],
];

async function ask(house: TestInstance, method: string, path: string, body: object | null): Promise<number> {
  const text = body === null ? null : JSON.stringify(body);
  const answer = await house.app.handle(
    new Request(`http://localhost${path}`, { method, body: text, headers: withSecret }),
  );
  await answer.text();
  return answer.status;
}

/** As an import or the command line does: until the work has found the file held, and has gone to wait for it. */
async function holding(house: TestInstance, work: () => Promise<number>): Promise<number> {
  const other = new Database(join(house.dataFolder, "do-intent.db"));
  // The log may just be emptied beside it.
  other.run("pragma busy_timeout = 5000");
  other.run("begin immediate");
  using timers = spyOn(globalThis, "setTimeout");
  const waiting = work();
  await eventually(
    () => timers.mock.calls.some(([, durationMs]) => durationMs === BUSY_WAIT_MS),
    "a wait for the file",
  );
  other.run("rollback");
  other.close();
  return waiting;
}

test.each(requests)("%s %s beside one who holds the file is done all the same", async (method, path, body, done) => {
  await using house = startInstance({ intent });
  house.keys.persist();
  for (const user_id of ["u1", "gone"]) await house.postSecret("/identify", { identity: { user_id } });
  await ask(house, "DELETE", "/people?user_id=gone", null);
  const leads = [{ email: "ada@acme.example" }];
  await house.postSecret("/campaigns", { name: "spring", base_url: "https://acme.example", leads });
  const { keys } = (await house.getSecret<{ keys: { key_id: string; kind: string }[] }>("/keys")).body;
  const first = keys.find(({ kind }) => kind === "write")?.key_id ?? "";
  const status = await holding(house, () => ask(house, method, path.replace("FIRST", first), body));
  expect([status, house.rows(done).length]).toEqual([200, 1]);
});
