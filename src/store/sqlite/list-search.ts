import type { Database } from "bun:sqlite";
import { createMentions, spellingsOf } from "./mentions.ts";

const STEP_ROWS = 500;
/** As far as SQLite folds letters, without what JSON escapes. */
const FOLDED_PATTERN = /[ !#-[\]-~]+/g;

export const LIST_SEARCH_SQL = {
  nextCampaign: "select min(campaign_id) as campaignId from campaign_lead where campaign_id > ?",
  /** The lists have no column to be found by: they are read through, and only what may name the address comes out. */
  naming: `select link_id as linkId,
      case when instr(replace(lower(columns), '%40', '@'), ?3) > 0 then columns end as columns
    from campaign_lead where campaign_id = ?1 and link_id > ?2 order by link_id limit ?4`,
  row: "select columns from campaign_lead where campaign_id = ? and link_id = ?",
  /** Nobody writes to their rows any more. */
  isSettled: `select 1 from campaign where campaign_id = ?1
    and not exists (select 1 from campaign_load where campaign_load.campaign_id = ?1)`,
} as const;

type RowKey = { campaignId: number; linkId: string };

/** A row of a list that names an address, whoever the lead is. */
export type NamingRow = RowKey & { cells: string[]; isNamed: (text: string) => boolean };

/** Where an address stands in lists that do not change any more; only an erasure empties cells there. */
type Foreseen = { campaignIds: ReadonlySet<number>; rows: readonly RowKey[] };
export type ForeseenLists = ReadonlyMap<string, Foreseen>;

export type ListSearch = {
  /** With what was foreseen the rest is short. */
  rowsNaming(email: string, foreseen?: ForeseenLists): Generator<NamingRow>;
  /** Reads the lists in steps, outside of any transaction, for somebody who holds the file afterwards. */
  foresee(emails: readonly string[]): Generator<void, ForeseenLists>;
};

export function createListSearch(database: Database): ListSearch {
  const sql = LIST_SEARCH_SQL;
  const selectNext = database.query<{ campaignId: number | null }, [number]>(sql.nextCampaign);
  const selectNaming = database.query<{ linkId: string; columns: string | null }, [number, string, string, number]>(
    sql.naming,
  );
  const selectRow = database.query<{ columns: string }, [number, string]>(sql.row);
  const selectSettled = database.query<unknown, [number]>(sql.isSettled);

  function* campaigns(): Generator<number> {
    let campaignId = selectNext.get(-1)?.campaignId ?? null;
    while (campaignId !== null) {
      yield campaignId;
      campaignId = selectNext.get(campaignId)?.campaignId ?? null;
    }
  }
  /** Those of one step, which may be none. */
  function* stepsIn(campaignId: number, { parts, isNamed }: Sought): Generator<NamingRow[]> {
    const found = new Set<string>();
    for (const part of parts) {
      let after: string | undefined = "";
      while (after !== undefined) {
        const rows = selectNaming.all(campaignId, after, part, STEP_ROWS);
        yield rows.flatMap(({ linkId, columns }) => {
          if (columns === null || found.has(linkId)) return [];
          const cells: string[] = JSON.parse(columns);
          if (!cells.some(isNamed)) return [];
          found.add(linkId);
          return [{ campaignId, linkId, cells, isNamed }];
        });
        after = rows[STEP_ROWS - 1]?.linkId;
      }
    }
  }
  function* foreseeOne(email: string): Generator<void, Foreseen> {
    const sought = soughtOf(email);
    const campaignIds = new Set<number>();
    const keys: RowKey[] = [];
    for (const campaignId of campaigns()) {
      if (selectSettled.get(campaignId) === null) continue;
      campaignIds.add(campaignId);
      for (const rows of stepsIn(campaignId, sought)) {
        for (const { linkId } of rows) keys.push({ campaignId, linkId });
        yield;
      }
    }
    return { campaignIds, rows: keys };
  }
  return {
    *rowsNaming(email, lists) {
      const sought = soughtOf(email);
      const foreseen = lists?.get(email);
      for (const { campaignId, linkId } of foreseen?.rows ?? []) {
        const cells: string[] = JSON.parse(selectRow.get(campaignId, linkId)?.columns ?? "[]");
        if (cells.some(sought.isNamed)) yield { campaignId, linkId, cells, isNamed: sought.isNamed };
      }
      for (const campaignId of campaigns()) {
        if (foreseen?.campaignIds.has(campaignId)) continue;
        for (const rows of stepsIn(campaignId, sought)) yield* rows;
      }
    },
    *foresee(emails) {
      const lists = new Map<string, Foreseen>();
      for (const email of emails) lists.set(email, yield* foreseeOne(email));
      return lists;
    },
  };
}

type Sought = { parts: string[]; isNamed: (text: string) => boolean };

function soughtOf(email: string): Sought {
  const parts = spellingsOf(email.toLowerCase()).map(longestPartOf);
  return { parts: [...new Set(parts)], isNamed: createMentions([{ kind: "email", value: email }]) };
}

/** What of a spelling SQLite can look for in any case of its letters. */
function longestPartOf(spelling: string): string {
  const parts = spelling.match(FOLDED_PATTERN) ?? [];
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), "");
}
