import { DAY_MS } from "./duration.ts";
import type { Traits } from "./traits.ts";

/** What a page has seen of a human hand; `visible` is merely that it was looked at for a while. */
export const EVIDENCES = ["moved", "scrolled", "touched", "typed", "visible"] as const;

export type Evidence = (typeof EVIDENCES)[number];

/** The event by which a tracker tells the evidence. */
export const CLICK_EVENT = "campaign_click";

export type ClickVerdict = "pending" | "human" | "machine";

/** Why a click is a machine's; of a human's, why it binds nobody to the lead. */
export type ClickReason =
  | "head"
  | "prefetch"
  | "user_agent"
  | "no_user_agent"
  | "honeypot"
  | "burst"
  | "webdriver"
  | "no_evidence"
  | "other_person"
  | "shared_link";

/** Somebody or something followed a lead's link. `clickId` null is one that is not stored yet. */
export type Click = {
  clickId: number | null;
  campaignId: number;
  linkId: string;
  clickedMs: number;
  via: "redirect" | "direct";
  verdict: ClickVerdict;
  reason: string | null;
  identityId: number | null;
};

/** Somebody who can be written to, as the operator's lists have them. */
export type Lead = { linkId: string; email: string; traits: Traits };

/** A campaign that a lead is in, and the utm_campaign that its links carry. */
export type LeadCampaign = { campaignId: number; utmCampaign: string | null };

/** What is known of a link. */
export type Link = {
  lead: Lead;
  /** The campaigns the lead is in, the latest first. */
  campaigns: LeadCampaign[];
  /** Its redirects of late that evidence may still decide, the newest first. */
  undecided: Click[];
};

/** Rows of one link in a day, beside the first of each kind: a link that is opened a million times must not fill the disk. */
export const CLICKS_PER_LINK_DAY_MAX = 100;
/** So long after its redirect a page may still show the hand that opened it: tabs wait, and trackers send late. */
export const EVIDENCE_WITHIN_MS = DAY_MS;
/** A browser's clock and ours never agree to the second. */
const CLOCKS_APART_MS = 5 * 60_000;

/** Guesses from the request alone, which a hand on the page outweighs. */
const OUTWEIGHED: ReadonlySet<string | null> = new Set(["no_evidence", "prefetch", "burst"]);

/** The redirects that may have led to what a page shows, the newest first. */
export function redirectsBehind(link: Link, utmCampaign: string | null, occurredMs: number): Click[] {
  const told = campaignsTold(link, utmCampaign);
  return link.undecided.filter(
    ({ campaignId, clickedMs }) =>
      told.some((campaign) => campaign.campaignId === campaignId) &&
      clickedMs >= occurredMs - EVIDENCE_WITHIN_MS &&
      clickedMs <= occurredMs + CLOCKS_APART_MS,
  );
}

/** The one of them that a hand decides; null when the link was followed without one. */
export function decidableOf(redirects: readonly Click[]): Click | null {
  return (
    redirects.find(({ verdict }) => verdict === "pending") ??
    redirects.find(({ reason }) => OUTWEIGHED.has(reason)) ??
    null
  );
}

/** The campaign of a link that was followed without a redirect: the one its address names, else the latest. */
export function campaignOf(link: Link, utmCampaign: string | null): number | null {
  return campaignsTold(link, utmCampaign)[0]?.campaignId ?? null;
}

function campaignsTold({ campaigns }: Link, utmCampaign: string | null): LeadCampaign[] {
  const named = campaigns.filter((campaign) => utmCampaign !== null && campaign.utmCampaign === utmCampaign);
  return named.length > 0 ? named : campaigns;
}
