import { LINK_PARAMETER, landingUrls } from "../../core/campaign.ts";
import type { ClickReason } from "../../core/click.ts";
import { isMailScanner } from "../../core/mail-scanner.ts";
import type { Clock } from "../../engine/clock.ts";
import { botReasonOf } from "../../http/bots.ts";
import type { Limits } from "../../http/limits.ts";
import { type Honour, refusesToBeKnown } from "../../http/visitor.ts";
import type { CampaignOfLink, ClickStore } from "../../store/sqlite/clicks.ts";
import { honeypotIdOf } from "../../store/sqlite/link-id.ts";
import type { ClickRecorder } from "./recorder.ts";
import type { ClickWatch } from "./watch.ts";

export type ClickDeps = {
  secret: Buffer;
  now: Clock;
  honour: () => Honour;
  limits: Pick<Limits, "networkOf">;
  clickStore: ClickStore;
  clickRecorder: ClickRecorder;
  clickWatch: ClickWatch;
};

/** A request as far as its verdict goes; `network` is where it came from, null for this very machine. */
export type Asked = { isHead: boolean; headers: Headers; network: string | null };

const SLUG_PATTERN = /^[a-z0-9-]{1,64}$/;
const LINK_ID_PATTERN = /^[\w-]{4,64}$/;

/**
 * Where a campaign's link leads, and a note of who followed it. Everybody is led to the same place, scanners too: a page
 * that looks different to them looks like phishing. An id that is nobody's leads to the landing page as it is.
 */
export function openLink(slug: string, linkId: string, asked: Asked, deps: ClickDeps): string | null {
  const campaign = SLUG_PATTERN.test(slug) ? deps.clickStore.campaignBySlug(slug) : null;
  if (campaign === null) return null;
  const isTrap = linkId === honeypotIdOf(deps.secret, slug);
  const isLead = !isTrap && LINK_ID_PATTERN.test(linkId) && deps.clickStore.isLead(campaign.campaignId, linkId);
  if ((!isTrap && !isLead) || refusesToBeKnown(asked.headers, deps.honour())) return landingWithoutLink(campaign);
  noteOpening(campaign, linkId, isTrap, asked, deps);
  return isTrap ? landingWithoutLink(campaign) : landingUrls(campaign)(linkId);
}

function noteOpening(
  { campaignId }: CampaignOfLink,
  linkId: string,
  isTrap: boolean,
  { isHead, headers, network }: Asked,
  { clickRecorder, clickWatch, now }: ClickDeps,
): void {
  const nowMs = now();
  const opening = { campaignId, linkId, atMs: nowMs };
  const place = clickWatch.placeOf(network, headers.get("user-agent"));
  const watched = isTrap
    ? { reason: "honeypot" as const, suspected: clickWatch.trap(place, nowMs) }
    : clickWatch.open(opening, place);
  const reason = isTrap ? "honeypot" : (requestReason(isHead, headers) ?? watched.reason);
  const verdict = reason === null ? ("pending" as const) : ("machine" as const);
  const click = { clickId: null, campaignId, linkId, clickedMs: nowMs, via: "redirect", identityId: null } as const;
  const why = isTrap ? "honeypot" : "burst";
  clickRecorder.note(
    { click: { ...click, verdict, reason } },
    ...watched.suspected.map((suspected) => ({ suspected, reason: why })),
  );
}

/** What one request tells by itself. */
function requestReason(isHead: boolean, headers: Headers): ClickReason | null {
  const userAgent = headers.get("user-agent")?.trim() ?? "";
  if (isHead) return "head";
  if (userAgent === "") return "no_user_agent";
  const reason = botReasonOf(headers);
  if (reason === "prefetch") return "prefetch";
  return reason !== null || isMailScanner(userAgent) ? "user_agent" : null;
}

function landingWithoutLink(campaign: CampaignOfLink): string {
  const url = new URL(landingUrls(campaign)("none"));
  url.searchParams.delete(LINK_PARAMETER);
  return url.href;
}
