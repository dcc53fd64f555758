import { expect, test } from "bun:test";
import { openReadOnly } from "../../../src/store/sqlite/database.ts";
import { createPeopleReader } from "../../../src/store/sqlite/people.ts";
import { allScores } from "../../../src/store/sqlite/scores.ts";
import { startInstance, withSecret } from "../../support/instance.ts";

test("who is erased or merged while a report is read is whole in it", async () => {
  await using instance = startInstance();
  for (const anonymous_id of ["laptop", "phone"]) await instance.post("/track", { event: "page_view", anonymous_id });
  await instance.post("/identify", { anonymous_id: "laptop", identity: { email: "ada@acme.example" } });
  const database = openReadOnly(instance.dataFolder);
  const people = createPeopleReader(database);
  const scores = allScores(database);
  const first = scores.next().value;
  await instance.post("/identify", { anonymous_id: "phone", identity: { email: "ada@acme.example" } });
  const request = new Request("http://localhost/people/ada@acme.example", { method: "DELETE", headers: withSecret });
  expect((await instance.app.handle(request)).status).toBe(200);
  const all = [first, ...scores].flatMap((score) => score ?? []);
  expect(all).toHaveLength(2);
  for (const { personId } of all) expect(people.personOf(personId).score.personId).toBe(personId);
  database.close(false);
  expect((await instance.getSecret<{ people: unknown[] }>("/people")).body.people).toEqual([]);
});
