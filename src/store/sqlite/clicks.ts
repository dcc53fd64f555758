import type { Database } from "bun:sqlite";
import type { Campaign } from "../../core/campaign.ts";
import { CLICKS_PER_LINK_DAY_MAX, type Click, type ClickVerdict } from "../../core/click.ts";
import { DAY_MS } from "../../core/duration.ts";
import type { Opening } from "../../core/opening.ts";
import { createUnsynced } from "./unsynced.ts";

export const CLICK_COLUMNS = "click_id, campaign_id, link_id, clicked_at, via, verdict, reason, identity_id";

export type ClickRow = [number, number, string, number, string, string, string | null, number | null];

export function clickOf([clickId, campaignId, linkId, clickedMs, via, verdict, reason, identityId]: ClickRow): Click {
  return {
    clickId,
    campaignId,
    linkId,
    clickedMs,
    via: via === "direct" ? "direct" : "redirect",
    verdict: verdict as ClickVerdict,
    reason,
    identityId,
  };
}

export const CLICKS_SQL = {
  insert: `insert into campaign_click (campaign_id, link_id, clicked_at, via, verdict, reason, identity_id)
    values (?, ?, ?, ?, ?, ?, ?)`,
  decide: "update campaign_click set verdict = ?2, reason = ?3, identity_id = ?4 where click_id = ?1 and times = 1",
  takeOne: "update campaign_click set times = times - 1 where click_id = ? and times > 1",
  countOfDay: "select count(*) as rows from campaign_click where link_id = ? and clicked_at >= ? and clicked_at < ?",
  /** Of a human's click that binds somebody, also of the same visitor: the row says who it was. */
  count: `update campaign_click set times = times + 1 where click_id = (
    select click_id from campaign_click where link_id = ?1 and clicked_at >= ?2 and clicked_at < ?3
      and campaign_id = ?4 and via = ?5 and verdict = ?6 and reason is ?7 and (?7 is not null or identity_id is ?8)
    order by clicked_at desc limit 1)`,
  suspect: `update campaign_click set verdict = 'machine', reason = ?4
    where link_id = ?1 and clicked_at = ?2 and campaign_id = ?3 and verdict = 'pending'`,
  settle: `update campaign_click set verdict = 'machine', reason = 'no_evidence' where click_id in (
    select click_id from campaign_click where verdict = 'pending' and clicked_at < ? order by clicked_at limit ?)`,
  campaign: `select campaign_id as campaignId, slug, name, base_url as baseUrl, landing, utm
    from campaign where slug = ?`,
  lead: "select 1 from campaign_lead where campaign_id = ? and link_id = ?",
} as const;

/** Where a campaign leads, as much as following a link needs; a reader of campaigns has more. */
export type CampaignOfLink = Campaign & { campaignId: number };

/** Something to be kept of what followed a link: its own row, or that an earlier one was a machine's. */
export type ClickNote = { click: Click } | { suspected: Opening; reason: string };

export type ClickStore = {
  campaignBySlug(slug: string): CampaignOfLink | null;
  isLead(campaignId: number, linkId: string): boolean;
  /** Keeps what was noted, in one short transaction of its own. */
  keep(notes: readonly ClickNote[]): void;
  /** Gives up the oldest of those that have waited for evidence since before then; says how many they were. */
  settle(beforeMs: number, limit: number): number;
};

export function createClickStore(database: Database): ClickStore {
  const selectCampaign = database.query<Omit<CampaignOfLink, "utm"> & { utm: string }, [string]>(CLICKS_SQL.campaign);
  const selectLead = database.query<unknown, [number, string]>(CLICKS_SQL.lead);
  const insert = clickInserter(database);
  const suspect = database.query(CLICKS_SQL.suspect);
  const settle = database.query(CLICKS_SQL.settle);
  const giveUp = createUnsynced(database, (values: [number, number]) => settle.run(...values).changes);
  /** Notes wait for the file in memory: whoever is erased meanwhile must not come back with one. Traps are nobody's. */
  const isStillThere = ({ campaignId, linkId, reason }: Click): boolean =>
    reason === "honeypot" || selectLead.get(campaignId, linkId) !== null;
  return {
    campaignBySlug: (slug) => {
      const row = selectCampaign.get(slug);
      return row === null ? null : { ...row, utm: JSON.parse(row.utm) };
    },
    isLead: (campaignId, linkId) => selectLead.get(campaignId, linkId) !== null,
    keep: database.transaction((notes: readonly ClickNote[]): void => {
      for (const note of notes) {
        if ("click" in note) {
          if (isStillThere(note.click)) insert(note.click);
        } else {
          const { linkId, atMs, campaignId } = note.suspected;
          suspect.run(linkId, atMs, campaignId, note.reason);
        }
      }
    }).immediate,
    settle: (beforeMs, limit) => giveUp([beforeMs, limit]),
  };
}

/**
 * A row of its own while the link's day has room for one; after that the day's latest row of the same campaign and kind
 * counts it, so that no opening changes what it is taken for. The first of a kind always has a row.
 */
function clickInserter(database: Database): (click: Click) => void {
  const insert = database.query(CLICKS_SQL.insert);
  const countOfDay = database.query<{ rows: number }, [string, number, number]>(CLICKS_SQL.countOfDay);
  const count = database.query(CLICKS_SQL.count);
  return ({ campaignId, linkId, clickedMs, via, verdict, reason, identityId }) => {
    const dayMs = clickedMs - (clickedMs % DAY_MS);
    const day = [linkId, dayMs, dayMs + DAY_MS] as const;
    const isFull = (countOfDay.get(...day)?.rows ?? 0) >= CLICKS_PER_LINK_DAY_MAX;
    if (isFull && count.run(...day, campaignId, via, verdict, reason, identityId).changes > 0) return;
    insert.run(campaignId, linkId, clickedMs, via, verdict, reason, identityId);
  };
}

/** Writes what a decision says of clicks; a part of the transaction that decided. */
export function clickWriter(database: Database): (click: Click) => void {
  const insert = clickInserter(database);
  const decide = database.query(CLICKS_SQL.decide);
  const takeOne = database.query(CLICKS_SQL.takeOne);
  return (click) => {
    const { clickId, verdict, reason, identityId } = click;
    // Of a row that stands for many, one is decided: the others stay what they were.
    if (clickId === null || takeOne.run(clickId).changes > 0) insert(click);
    else decide.run(clickId, verdict, reason, identityId);
  };
}
