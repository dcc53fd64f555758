import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLoadSweeper } from "../../src/jobs/sweep-loads.ts";
import { type CampaignLoader, createCampaignLoader } from "../../src/store/sqlite/campaign-load.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { NOON_MS, startInstance } from "../support/instance.ts";

const SECRET = Buffer.from("a secret of this test");
const ROWS = Array.from({ length: 500 }, (_, index) => ({
  email: `lead${index}@acme.com`,
  linkId: `link${String(index).padStart(4, "0")}`,
  position: index,
  traits: "{}",
  cells: "[]",
}));

/** Dies in the middle, as a process does. */
function dieIn(loader: CampaignLoader, slug: string, nowMs: number): void {
  const steps = loader.begin(slug, 0, nowMs);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  loader.add(step.value, ROWS, nowMs);
}

test("a server takes back what a load that died left, without another campaign", async () => {
  using folder = temporaryFolder();
  const { database, close } = openDatabase(folder.path, "normal");
  dieIn(createCampaignLoader({ database, secret: SECRET }), "dead", NOON_MS - 35_000);
  dieIn(createCampaignLoader({ database, secret: SECRET }), "alive", NOON_MS - 10_000);
  expect(existsSync(join(folder.path, "do-intent.campaign-1.reserve"))).toBe(true);
  close();
  await using house = startInstance({ dataFolder: folder.path });
  const left = () => house.rows<{ slug: string }>("select slug from campaign_load");
  await eventually(() => left().length < 2, "the dead one to be gone");
  expect(left()).toEqual([{ slug: "alive" }]);
  expect(house.rows("select distinct campaign_id from campaign_lead")).toEqual([{ campaign_id: 2 }]);
  expect(existsSync(join(folder.path, "do-intent.campaign-1.reserve"))).toBe(false);
  expect(existsSync(join(folder.path, "do-intent.campaign-2.reserve"))).toBe(true);
});

test("what it could not do it does later; a step holds the file for a part only", () => {
  using folder = temporaryFolder();
  const { database, close } = openDatabase(folder.path, "normal");
  const loader = createCampaignLoader({ database, secret: SECRET });
  dieIn(loader, "dead", 0);
  writeFileSync(join(folder.path, "do-intent.campaign-1.reserve"), "");
  const clock = { nowMs: 31_000 };
  const sweeper = createLoadSweeper({ loader, now: () => clock.nowMs, checkpoint: async () => {}, onFault: () => {} });
  const count = () => database.query("select count(*) from campaign_lead").values();
  expect([sweeper.step(), count()]).toEqual([true, [[300]]]);
  database.run("create trigger full before delete on lead begin select raise(abort, 'full'); end");
  expect(() => sweeper.step()).toThrow("full");
  database.run("drop trigger full");
  clock.nowMs += 31_000;
  while (sweeper.step());
  for (const table of ["campaign_load", "campaign_lead", "lead"])
    expect(database.query(`select count(*) from ${table}`).values()).toEqual([[0]]);
  close();
});
