import { Database } from "bun:sqlite";
import { expect, spyOn, test } from "bun:test";
import { CAMPAIGN_LOAD_SQL } from "../../src/store/sqlite/campaign-load.ts";
import { CAMPAIGN_RENEWAL_SQL } from "../../src/store/sqlite/campaign-renewal.ts";
import { LIST_SEARCH_SQL } from "../../src/store/sqlite/list-search.ts";
import { EXPORT_SQL } from "../../src/store/sqlite/person-export.ts";
import { RESCORE_SQL } from "../../src/store/sqlite/rescore.ts";
import { SCORES_SQL } from "../../src/store/sqlite/scores.ts";
import { startInstance } from "../support/instance.ts";

/** Never more than a handful of rows. */
const SMALL = ["api_key", "campaign_load", "migration", "sqlite_schema"];
/** What a query has made itself: the people one person was merged from, the identifiers in a merge. */
const MADE = ["a", "absorbed", "CONSTANT", "json_each", "w", "whole"];

/** Sorting is for what belongs to one person. */
const SORTS = [
  "from identity where person_id = +? and retired_at is null order by case kind",
  "select distinct a.session_id",
  "person_id in (select person_id from whole)",
  "from merge where survivor_id in (select person_id from whole)",
  "from merge where (survivor_id in (select person_id from whole)",
  "from signal where account_id = ?",
];
/** What waits and what is lost is listed and counted along indexes that hold nothing else. */
const PARTIAL = "from delivery indexed by delivery_";

test("no statement of the server goes through a table that grows", async () => {
  const prepared = new Set<string>();
  const query = spyOn(Database.prototype, "query");
  await using instance = startInstance();
  for (const [sql] of query.mock.calls) prepared.add(sql);
  query.mockRestore();
  // Prepared on a thread or in a process of its own.
  for (const sql of [
    ...Object.values(CAMPAIGN_LOAD_SQL),
    ...Object.values(CAMPAIGN_RENEWAL_SQL),
    ...Object.values(EXPORT_SQL),
    ...Object.values(LIST_SEARCH_SQL),
    ...Object.values(SCORES_SQL),
    ...Object.values(RESCORE_SQL),
  ])
    prepared.add(sql);

  const amiss: string[] = [];
  for (const sql of prepared) {
    if (sql.includes(PARTIAL)) continue;
    for (const { detail } of instance.rows<{ detail: string }>(`explain query plan ${sql}`)) {
      const scanned = /^SCAN (\S+)/.exec(detail)?.[1];
      const isScan = scanned !== undefined && !/^pragma_/.test(scanned) && ![...SMALL, ...MADE].includes(scanned);
      const isSort = detail.includes("TEMP B-TREE") && !SORTS.some((known) => sql.replace(/\s+/g, " ").includes(known));
      if (isScan || isSort) amiss.push(`${detail}: ${sql}`);
    }
  }
  expect(amiss).toEqual([]);
  expect(prepared.size).toBeGreaterThan(50);
});
