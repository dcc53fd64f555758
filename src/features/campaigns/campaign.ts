import type { Utm } from "../../core/campaign.ts";
import type { Rules } from "../../core/compile.ts";
import { formatId } from "../../core/id.ts";
import { COLD } from "../../core/threshold.ts";
import type { StoredCampaign } from "../../store/sqlite/campaigns.ts";
import type { LeadStatus } from "./schema.ts";
import {
  type ClickCounts,
  createJudge,
  hasConversions,
  isOfStatus,
  type JudgedLead,
  type StandingDeps,
  standingsOf,
} from "./standing.ts";

/** The days of an answer, the newest; a campaign of last year has said what it had to say. */
const DAYS_MAX = 366;

export type CampaignAnswer = {
  campaign_id: string;
  slug: string;
  name: string;
  base_url: string;
  landing: string;
  utm: Utm;
  sent: number;
  created_at: string;
};

export type CampaignDay = {
  day: string;
  clicked: number;
  human_clicks: number;
  machine_clicks: number;
  pending_clicks: number;
  conversions: number;
};

export type FullCampaignAnswer = CampaignAnswer & {
  at: string;
  config_hash: string;
  clicked: number;
  identified: number;
  /** Leads by the level that the highest of the people behind their links has now. */
  levels: { [level: string]: number };
  converted: number | null;
  conversions: number | null;
  /** Leads whose links nothing but machines followed. */
  machines_only: number;
  pending: number;
  forwarded: number;
  clicks: ClickCounts;
  machine_reasons: { [reason: string]: number };
  by_day: CampaignDay[];
};

export function describeCampaign(campaign: StoredCampaign): CampaignAnswer {
  return {
    campaign_id: formatId("campaign", campaign.campaignId),
    slug: campaign.slug,
    name: campaign.name,
    base_url: campaign.baseUrl,
    landing: campaign.landing,
    utm: campaign.utm,
    sent: campaign.leadCount,
    created_at: new Date(campaign.createdMs).toISOString(),
  };
}

/** What came of a campaign. It looks at everybody behind its links, so it runs beside the loop and never in it. */
export function readCampaignStanding(
  campaign: StoredCampaign,
  deps: StandingDeps,
  rules: Rules,
  nowMs: number,
): FullCampaignAnswer {
  const judge = createJudge(deps, rules, nowMs);
  const judged = [...standingsOf(deps.campaigns.clicksOf(campaign.campaignId)).values()].map(judge);
  // A honeypot's link is followed too, and nobody's.
  const leads = judged.filter(({ linkId }) => deps.campaigns.leadOf(campaign.campaignId, linkId) !== null);
  const count = (status: LeadStatus): number => leads.filter((lead) => isOfStatus(lead, status)).length;
  const conversions = conversionsOf(leads);
  const hasAny = hasConversions(rules);
  return {
    ...describeCampaign(campaign),
    at: new Date(nowMs).toISOString(),
    config_hash: rules.hash,
    clicked: count("clicked"),
    identified: count("identified"),
    levels: levelsOf(leads, rules),
    converted: hasAny ? count("converted") : null,
    conversions: hasAny ? conversions.length : null,
    machines_only: count("machine"),
    pending: count("pending"),
    forwarded: leads.filter(({ forwarded }) => forwarded > 0).length,
    ...clicksOf(judged),
    by_day: daysOf(campaign, deps, leads, conversions),
  };
}

function clicksOf(judged: readonly JudgedLead[]): Pick<FullCampaignAnswer, "clicks" | "machine_reasons"> {
  const clicks = { human: 0, machine: 0, pending: 0 };
  const reasons: { [reason: string]: number } = {};
  for (const lead of judged) {
    clicks.human += lead.clicks.human;
    clicks.machine += lead.clicks.machine;
    clicks.pending += lead.clicks.pending;
    for (const [reason, times] of Object.entries(lead.reasons)) reasons[reason] = (reasons[reason] ?? 0) + times;
  }
  return { clicks, machine_reasons: reasons };
}

function levelsOf(leads: readonly JudgedLead[], { thresholds }: Rules): { [level: string]: number } {
  const levels = Object.fromEntries([COLD, ...thresholds.map(({ name }) => name)].map((level) => [level, 0]));
  for (const { best } of leads) if (best !== null) levels[best.level] = (levels[best.level] ?? 0) + 1;
  return levels;
}

/** When there were conversions; one of somebody who stands behind two leads is one. */
function conversionsOf(leads: readonly JudgedLead[]): number[] {
  const found = new Map<string, number>();
  for (const { people } of leads) {
    for (const { personId, convertedMs } of people)
      convertedMs.forEach((atMs, index) => void found.set(`${personId} ${atMs} ${index}`, atMs));
  }
  return [...found.values()];
}

function daysOf(
  { campaignId }: StoredCampaign,
  { campaigns }: StandingDeps,
  leads: readonly JudgedLead[],
  conversions: readonly number[],
): CampaignDay[] {
  const days = new Map<string, CampaignDay>();
  const dayOf = (atMs: number): CampaignDay => {
    const day = new Date(atMs).toISOString().slice(0, 10);
    const known = days.get(day) ?? {
      day,
      clicked: 0,
      human_clicks: 0,
      machine_clicks: 0,
      pending_clicks: 0,
      conversions: 0,
    };
    days.set(day, known);
    return known;
  };
  for (const { clickedMs, verdict, times } of campaigns.clicksOf(campaignId))
    dayOf(clickedMs)[`${verdict}_clicks`] += times;
  for (const { firstHumanMs } of leads) if (firstHumanMs !== null) dayOf(firstHumanMs).clicked += 1;
  for (const atMs of conversions) dayOf(atMs).conversions += 1;
  return [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1)).slice(-DAYS_MAX);
}
