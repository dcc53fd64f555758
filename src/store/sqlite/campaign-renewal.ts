import type { Database } from "bun:sqlite";
import { type LeadColumns, leadColumnsOf, leadTraitsOf } from "../../core/lead-columns.ts";

/** Rows that are looked at in one step; only those that say something new are written. */
const STEP_ROWS = 200;

export const CAMPAIGN_RENEWAL_SQL = {
  header: "select columns from campaign where campaign_id = ?",
  rows: `select l.link_id as linkId, l.columns as cells, d.traits
    from campaign_lead l join lead d on d.link_id = l.link_id
    where l.campaign_id = ? and l.link_id > ? order by l.link_id limit ?`,
  row: `select l.link_id as linkId, l.columns as cells, d.traits
    from campaign_lead l join lead d on d.link_id = l.link_id
    where l.campaign_id = ? and l.link_id = ?`,
  updateLead: "update lead set traits = ? where link_id = ?",
} as const;

type ListedLead = { linkId: string; cells: string; traits: string };

export type RenewalStep = {
  /** Renews, in the caller's transaction. */
  write(): void;
  /** The link id after which the next step begins; null when there is no more. */
  next: string | null;
};

/**
 * Lets a list's word hold for the leads that other lists know: what it says holds from now on, what it does not say
 * stays. It is done once the campaign is there, from its stored rows: a load that is taken back has said nothing.
 */
export function createRenewal(database: Database): (campaignId: number, afterLinkId: string) => RenewalStep {
  const sql = CAMPAIGN_RENEWAL_SQL;
  const selectHeader = database.query<{ columns: string }, [number]>(sql.header);
  const selectRows = database.query<ListedLead, [number, string, number]>(sql.rows);
  const selectRow = database.query<ListedLead, [number, string]>(sql.row);
  const updateLead = database.query(sql.updateLead);
  let header = { campaignId: Number.NaN, columns: null as LeadColumns | null };

  const columnsOf = (campaignId: number): LeadColumns | null => {
    if (header.campaignId !== campaignId) {
      const found = selectHeader.get(campaignId);
      header = { campaignId, columns: found === null ? null : leadColumnsOf(JSON.parse(found.columns)) };
    }
    return header.columns;
  };

  return (campaignId, afterLinkId) => {
    const columns = columnsOf(campaignId);
    if (columns === null) throw new Error("a campaign that is there has a list with addresses");
    const rows = selectRows.all(campaignId, afterLinkId, STEP_ROWS);
    // Looked at before the file is held, since most lists name mostly new leads.
    const differing = rows.filter((row) => renewed(row, columns) !== row.traits);
    const write = (): void => {
      // Read again: somebody may have been erased since.
      for (const { linkId } of differing) {
        const row = selectRow.get(campaignId, linkId);
        if (row !== null) updateLead.run(renewed(row, columns), linkId);
      }
    };
    return { write, next: rows.length < STEP_ROWS ? null : (rows.at(-1)?.linkId ?? null) };
  };
}

function renewed({ cells, traits }: ListedLead, columns: LeadColumns): string {
  return JSON.stringify({ ...JSON.parse(traits), ...leadTraitsOf(JSON.parse(cells), columns) });
}
