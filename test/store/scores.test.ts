import { expect, test } from "bun:test";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { allScores, scoresByAccount } from "../../src/store/sqlite/scores.ts";
import { temporaryFolder } from "../support/folder.ts";

const DAY_MS = 86_400_000;
const PEOPLE = 5_000;
/** One large company, some small ones, and people of none between them. */
const accountOf = (personId: number): number | null =>
  personId % 5 === 0 ? null : personId % 2 === 0 ? 3 : 4 + (personId % 700);

test("everybody comes once when they come by company: its people together, those of none last", () => {
  using folder = temporaryFolder();
  const { database, close } = openDatabase(folder.path, "normal");
  try {
    const insert = database.query(`insert into intent_score (person_id, sums, thresholds, first_seen_at, last_seen_at,
      session_count, score, score_bound, scored_at, rank, account_id, seen_day)
      values (?1, '{}', '{}', 0, ?2 * ${DAY_MS}, 0, 0, 0, 0, 0, ?3, ?2)`);
    database.transaction(() => {
      for (let personId = 1; personId <= PEOPLE; personId += 1) insert.run(personId, personId % 3, accountOf(personId));
    })();
    const everybody = [...allScores(database)].map(({ personId }) => personId);
    const byAccount = [...scoresByAccount(database)];
    expect(everybody).toHaveLength(PEOPLE);
    expect(byAccount.map(({ personId }) => personId).sort((a, b) => a - b)).toEqual(everybody);
    const accountIds = byAccount.map(({ accountId }) => accountId ?? Number.POSITIVE_INFINITY);
    expect(accountIds).toEqual([...accountIds].sort((a, b) => a - b));
  } finally {
    close();
  }
});
