import type { Database } from "bun:sqlite";
import type { Campaign } from "../../core/campaign.ts";
import type { ClickVerdict } from "../../core/click.ts";
import type { Traits } from "../../core/traits.ts";

export type StoredCampaign = Campaign & {
  campaignId: number;
  /** The names of the list's columns. */
  columns: string[];
  leadCount: number;
  createdMs: number;
};

export type StoredLead = { linkId: string; email: string; traits: Traits; cells: string[]; position: number };

export type StoredClick = {
  linkId: string;
  clickedMs: number;
  verdict: ClickVerdict;
  reason: string | null;
  /** How many openings it stands for. */
  times: number;
  /** Whose visitor it was that gave the evidence. */
  personId: number | null;
};

export type CampaignReader = {
  bySlug(slug: string): StoredCampaign | null;
  byId(campaignId: number): StoredCampaign | null;
  /** The newest below an id. */
  newest(beforeId: number, limit: number): StoredCampaign[];
  /** In the order of the list. */
  leadsAfter(campaignId: number, position: number, limit: number): StoredLead[];
  leadOf(campaignId: number, linkId: string): StoredLead | null;
  /** The oldest first. */
  clicksOf(campaignId: number): IterableIterator<StoredClick>;
  campaignsOf(linkId: string): { slug: string; createdMs: number }[];
};

const CAMPAIGN_COLUMNS = `campaign_id as campaignId, slug, name, base_url as baseUrl, landing, utm, columns,
  lead_count as leadCount, created_at as createdMs`;
const LEAD_COLUMNS = "r.link_id as linkId, l.email, l.traits, r.columns as cells, r.position";

export const CAMPAIGNS_SQL = {
  bySlug: `select ${CAMPAIGN_COLUMNS} from campaign where slug = ?`,
  byId: `select ${CAMPAIGN_COLUMNS} from campaign where campaign_id = ?`,
  newest: `select ${CAMPAIGN_COLUMNS} from campaign where campaign_id < ? order by campaign_id desc limit ?`,
  leads: `select ${LEAD_COLUMNS} from campaign_lead r join lead l on l.link_id = r.link_id
    where r.campaign_id = ? and r.position > ? order by r.position limit ?`,
  lead: `select ${LEAD_COLUMNS} from campaign_lead r join lead l on l.link_id = r.link_id
    where r.campaign_id = ? and r.link_id = ?`,
  clicks: `select c.link_id as linkId, c.clicked_at as clickedMs, c.verdict, c.reason, c.times, i.person_id as personId
    from campaign_click c left join identity i on i.identity_id = c.identity_id
    where c.campaign_id = ? order by c.clicked_at`,
  campaignsOf: `select c.slug, c.created_at as createdMs from campaign_lead r join campaign c on c.campaign_id = r.campaign_id
    where r.link_id = ?`,
} as const;

type CampaignRow = Omit<StoredCampaign, "utm" | "columns"> & { utm: string; columns: string };
type LeadRow = Omit<StoredLead, "traits" | "cells"> & { traits: string; cells: string };

export function createCampaignReader(database: Database): CampaignReader {
  const bySlug = database.query<CampaignRow, [string]>(CAMPAIGNS_SQL.bySlug);
  const byId = database.query<CampaignRow, [number]>(CAMPAIGNS_SQL.byId);
  const newest = database.query<CampaignRow, [number, number]>(CAMPAIGNS_SQL.newest);
  const leads = database.query<LeadRow, [number, number, number]>(CAMPAIGNS_SQL.leads);
  const lead = database.query<LeadRow, [number, string]>(CAMPAIGNS_SQL.lead);
  const clicks = database.query<StoredClick, [number]>(CAMPAIGNS_SQL.clicks);
  const campaignsOf = database.query<{ slug: string; createdMs: number }, [string]>(CAMPAIGNS_SQL.campaignsOf);
  return {
    bySlug: (slug) => campaignOf(bySlug.get(slug)),
    byId: (campaignId) => campaignOf(byId.get(campaignId)),
    newest: (beforeId, limit) => newest.all(beforeId, limit).flatMap((row) => campaignOf(row) ?? []),
    leadsAfter: (campaignId, position, limit) => leads.all(campaignId, position, limit).map(leadOf),
    leadOf: (campaignId, linkId) => {
      const row = lead.get(campaignId, linkId);
      return row === null ? null : leadOf(row);
    },
    clicksOf: (campaignId) => clicks.iterate(campaignId),
    campaignsOf: (linkId) => campaignsOf.all(linkId),
  };
}

function campaignOf(row: CampaignRow | null): StoredCampaign | null {
  return row === null ? null : { ...row, utm: JSON.parse(row.utm), columns: JSON.parse(row.columns) };
}

function leadOf(row: LeadRow): StoredLead {
  return { ...row, traits: JSON.parse(row.traits), cells: JSON.parse(row.cells) };
}
