import type { Database } from "bun:sqlite";
import { createMentions, spellingsOf } from "./mentions.ts";

const STEP_ROWS = 500;
/** As far as SQLite folds letters. */
const FOLDED_PATTERN = /^[ -~]*/;

export const LIST_SEARCH_SQL = {
  /** The lists have no column to be found by: they are read through, and only what may name the address comes out. */
  naming: `select campaign_id as campaignId, link_id as linkId, columns from campaign_lead
    where (campaign_id, link_id) > (?1, ?2) and instr(lower(columns), ?3) > 0
    order by campaign_id, link_id limit ?4`,
} as const;

type ListRow = { campaignId: number; linkId: string; columns: string };

/** A row of a list that names an address, whoever the lead is. */
export type NamingRow = {
  campaignId: number;
  linkId: string;
  cells: string[];
  isNamed: (text: string) => boolean;
};

export function createListSearch(database: Database): (email: string) => Generator<NamingRow> {
  const selectNaming = database.query<ListRow, [number, string, string, number]>(LIST_SEARCH_SQL.naming);
  function* rowsWith(spelling: string): Generator<ListRow> {
    const [part] = FOLDED_PATTERN.exec(spelling) ?? [""];
    let after: [number, string] = [0, ""];
    while (true) {
      const rows = selectNaming.all(...after, part, STEP_ROWS);
      yield* rows;
      const last = rows[STEP_ROWS - 1];
      if (last === undefined) return;
      after = [last.campaignId, last.linkId];
    }
  }
  return function* (email) {
    const isNamed = createMentions([{ kind: "email", value: email }]);
    for (const spelling of spellingsOf(email)) {
      for (const { columns, ...row } of rowsWith(spelling)) {
        const cells: string[] = JSON.parse(columns);
        if (cells.some(isNamed)) yield { ...row, cells, isNamed };
      }
    }
  };
}
