import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { createListEraser } from "../../src/store/sqlite/erase-lists.ts";
import { createListSearch, type ForeseenLists } from "../../src/store/sqlite/list-search.ts";
import { startInstance, type TestInstance } from "../support/instance.ts";

const EMAIL = "ünal@acme.com";
const ROWS = 1_200;

async function addList(instance: TestInstance, name: string, cell: string, rows = 1): Promise<void> {
  const others = Array.from({ length: rows - 1 }, (_, index) => `lead${index}@other.example,nobody@acme.com`);
  const list = ["email,colleague", `grace@${name}.example,${cell}`, ...others].join("\n");
  const path = `/campaigns?name=${name}&base_url=https://acme.example`;
  expect((await instance.postSecret(path, list, { "content-type": "text/csv" })).status).toBe(200);
}

function openFile(instance: TestInstance): Database {
  return new Database(join(instance.dataFolder, "do-intent.db"));
}

function foreseen(database: Database): { lists: ForeseenLists; steps: number } {
  const found = createListSearch(database).foresee([EMAIL]);
  let steps = 0;
  for (let step = found.next(); ; step = found.next()) {
    if (step.done === true) return { lists: step.value, steps };
    steps += 1;
  }
}

const listsNaming = (instance: TestInstance): string[] =>
  instance
    .rows<{ slug: string }>(
      `select campaign.slug from campaign_lead join campaign using (campaign_id) where campaign_lead.columns like '%nal@acme.com%' order by slug`,
    )
    .map(({ slug }) => slug);

test("what was foreseen in steps is all that is read of a list that was there, and others are read whole", async () => {
  await using instance = startInstance();
  await addList(instance, "spring", EMAIL.toUpperCase(), ROWS);
  using database = openFile(instance);
  const { lists, steps } = foreseen(database);
  expect(steps).toBeGreaterThanOrEqual(3);
  await addList(instance, "summer", EMAIL);
  const spring = "(select campaign_id from campaign where slug = 'spring')";
  // It never happens, and shows that the whole list is not read again while the file is held.
  database.run(`update campaign_lead set columns = ? where position = ${ROWS - 1} and campaign_id = ${spring}`, [
    JSON.stringify(["lead1@other.example", EMAIL]),
  ]);
  expect(createListEraser(database)({ emails: [EMAIL] }, lists)).toBe(2);
  expect(listsNaming(instance)).toEqual(["spring"]);
  expect(createListEraser(database)({ emails: [EMAIL] })).toBe(1);
  expect(listsNaming(instance)).toEqual([]);
});

test("a list that is still being written is not foreseen, nor an address that came to light since", async () => {
  await using instance = startInstance();
  await addList(instance, "spring", EMAIL);
  using database = openFile(instance);
  database.run(`insert into campaign_load (campaign_id, slug, token, beaten_at)
    select campaign_id, slug, 'token', 0 from campaign`);
  expect(foreseen(database)).toMatchObject({ steps: 0 });
  const { lists } = foreseen(database);
  database.run("delete from campaign_load");
  expect(createListEraser(database)({ emails: [EMAIL] }, lists)).toBe(1);
  await addList(instance, "summer", EMAIL);
  expect(createListEraser(database)({ emails: [EMAIL] }, new Map())).toBe(1);
  expect(listsNaming(instance)).toEqual([]);
});

test("of an address the longest part that SQLite can look for picks the rows, however it begins and is written", async () => {
  await using instance = startInstance();
  await addList(instance, "capitals", "Ünal@ACME.com");
  await addList(instance, "parted", "u\u0308nal@acme.com");
  await addList(instance, "encoded", "x?m=ünal%40acme.com");
  await addList(instance, "others", "vünal@acme.com");
  using database = openFile(instance);
  database.run("update campaign_lead set columns = replace(columns, 'grace', 'nobody')");
  const naming = [...createListSearch(database).rowsNaming(EMAIL)];
  expect(naming.map(({ cells }) => cells[1]).sort()).toEqual(
    ["x?m=ünal%40acme.com", "u\u0308nal@acme.com", "Ünal@ACME.com"].sort(),
  );
});
