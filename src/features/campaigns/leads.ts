import { z } from "zod";
import { landingUrls, redirectUrl } from "../../core/campaign.ts";
import type { Rules } from "../../core/compile.ts";
import { formatId } from "../../core/id.ts";
import type { Traits } from "../../core/traits.ts";
import { hashEmail } from "../../http/hash-email.ts";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import type { StoredCampaign, StoredLead } from "../../store/sqlite/campaigns.ts";
import type { LeadStatus, LeadsQuery } from "./schema.ts";
import {
  type ClickCounts,
  createJudge,
  freshStanding,
  isOfStatus,
  type JudgedLead,
  type StandingDeps,
  standingsOf,
} from "./standing.ts";

/** Leads read at once on the way to those that are asked for. */
const CHUNK = 1_000;

export type LeadAnswer = {
  link_id: string;
  email?: string;
  email_sha256?: string;
  traits: Traits;
  status: LeadStatus;
  clicks: ClickCounts;
  machine_reasons: { [reason: string]: number };
  first_clicked_at: string | null;
  last_opened_at: string | null;
  person_id: string | null;
  score: number | null;
  level: string | null;
  conversions: number;
  tracking_url: string | null;
  direct_url: string;
};

export type LeadsAnswer = { leads: LeadAnswer[]; next_cursor: string | null };

const cursorSchema = z.tuple([z.int().min(-1)]);

/** The leads of a campaign in the order of its list, each with what came of it. It looks at all clicks, so it runs beside the loop. */
export function listLeads(
  { status, limit, cursor, hash }: LeadsQuery,
  campaign: StoredCampaign,
  deps: StandingDeps,
  { rules, nowMs, publicUrl }: { rules: Rules; nowMs: number; publicUrl: string | null },
): LeadsAnswer {
  const standings = standingsOf(deps.campaigns.clicksOf(campaign.campaignId));
  const judge = createJudge(deps, rules, nowMs);
  const describe = describer(campaign, publicUrl, hash === "email");
  const found: { lead: StoredLead; answer: LeadAnswer }[] = [];
  const position = decodeCursor(cursorSchema, cursor)?.[0] ?? -1;
  const isHeardOf = status !== undefined && status !== "sent";
  const candidates = isHeardOf ? leadsHeardOf(standings, campaign, position, deps) : allLeads(campaign, position, deps);
  for (const lead of candidates) {
    const standing = standings.get(lead.linkId) ?? null;
    if (standing !== null && status === "sent") continue;
    const judged = judge(standing ?? freshStanding(lead.linkId));
    if (status !== undefined && !isOfStatus(judged, status)) continue;
    found.push({ lead, answer: describe(lead, judged) });
    if (found.length > limit) break;
  }
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    leads: page.map(({ answer }) => answer),
    next_cursor: found.length > limit && last !== undefined ? encodeCursor([last.lead.position]) : null,
  };
}

function* allLeads({ campaignId }: StoredCampaign, after: number, { campaigns }: StandingDeps): Generator<StoredLead> {
  let position = after;
  for (;;) {
    const chunk = campaigns.leadsAfter(campaignId, position, CHUNK);
    yield* chunk;
    position = chunk.at(-1)?.position ?? position;
    if (chunk.length < CHUNK) return;
  }
}

/** Most of a list is never heard of again, and need not be read to find those who were. */
function leadsHeardOf(
  standings: ReadonlyMap<string, unknown>,
  { campaignId }: StoredCampaign,
  after: number,
  { campaigns }: StandingDeps,
): StoredLead[] {
  return [...standings.keys()]
    .flatMap((linkId) => campaigns.leadOf(campaignId, linkId) ?? [])
    .filter(({ position }) => position > after)
    .sort((a, b) => a.position - b.position);
}

function describer(campaign: StoredCampaign, publicUrl: string | null, isHashed: boolean) {
  const direct = landingUrls(campaign);
  return ({ linkId, email, traits }: StoredLead, judged: JudgedLead): LeadAnswer => ({
    link_id: linkId,
    ...(isHashed ? { email_sha256: hashEmail(email) } : { email }),
    traits,
    status: judged.status,
    clicks: judged.clicks,
    machine_reasons: judged.reasons,
    first_clicked_at: timeOf(judged.firstHumanMs),
    last_opened_at: timeOf(judged.lastMs),
    person_id: judged.best === null ? null : formatId("person", judged.best.personId),
    score: judged.best?.score ?? null,
    level: judged.best?.level ?? null,
    conversions: judged.people.reduce((sum, { convertedMs }) => sum + convertedMs.length, 0),
    tracking_url: publicUrl === null ? null : redirectUrl(publicUrl, campaign.slug, linkId),
    direct_url: direct(linkId),
  });
}

function timeOf(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
