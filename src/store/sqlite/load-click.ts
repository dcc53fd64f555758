import type { Database } from "bun:sqlite";
import { landingUrls } from "../../core/campaign.ts";
import {
  CLICKS_PER_LINK_DAY_MAX,
  type Click,
  EVIDENCE_WITHIN_MS,
  type LeadCampaign,
  type Link,
} from "../../core/click.ts";
import type { ClickCommand } from "../../core/decide-click.ts";
import type { Event } from "../../core/event.ts";
import type { Identifier } from "../../core/identifier.ts";
import { emptyState, type State } from "../../core/state.ts";
import { type CampaignOfLink, CLICK_COLUMNS, type ClickRow, clickOf } from "./clicks.ts";

/** Campaigns that a lead's click is looked up in: somebody who is written to every week for a year. */
const CAMPAIGNS_MAX = 50;
/** The rows of its days between then and now: as good as all of them. */
const CLICKS_MAX = 3 * CLICKS_PER_LINK_DAY_MAX;

type LeadRow = { email: string; traits: string };
type CampaignRow = Omit<CampaignOfLink, "utm"> & { utm: string };

type ClickParts = {
  isStored(eventId: string): boolean;
  /** Brings into the state all that it takes to put these together. */
  loadNamed(state: State, named: readonly Identifier[], event: Event): State;
};

/** Brings a link with whoever it may bind: its lead by link and by e-mail, and the visitor. */
export function createClickLoader(
  database: Database,
  { isStored, loadNamed }: ClickParts,
): (command: ClickCommand) => State {
  const loadLink = createLinkLoader(database);
  return ({ link, visitor, event }) => {
    const state = emptyState();
    if (isStored(event.eventId)) state.knownEventIds.add(event.eventId);
    state.link = loadLink(link.value, event);
    const lead: Identifier[] = state.link === null ? [] : [link, { kind: "email", value: state.link.lead.email }];
    return loadNamed(state, [...lead, visitor], event);
  };
}

function createLinkLoader(database: Database): (linkId: string, event: Event) => Link | null {
  const selectLead = database.query<LeadRow, [string]>("select email, traits from lead where link_id = ?");
  const selectCampaigns = database.query<CampaignRow, [string, number]>(
    `select c.campaign_id as campaignId, c.slug, c.name, c.base_url as baseUrl, c.landing, c.utm
     from campaign_lead l join campaign c on c.campaign_id = l.campaign_id
     where l.link_id = ? order by l.campaign_id desc limit ?`,
  );
  const selectClicks = database.query<ClickRow, [string, number, number]>(
    `select ${CLICK_COLUMNS} from campaign_click where link_id = ? and clicked_at >= ?
     order by clicked_at desc limit ?`,
  );
  return (linkId, { occurredMs }) => {
    const lead = selectLead.get(linkId);
    if (lead === null) return null;
    const sinceMs = occurredMs - EVIDENCE_WITHIN_MS;
    const clicks = (selectClicks.values(linkId, sinceMs, CLICKS_MAX) as ClickRow[]).map(clickOf);
    return {
      lead: { linkId, email: lead.email, traits: JSON.parse(lead.traits) },
      campaigns: selectCampaigns.all(linkId, CAMPAIGNS_MAX).map(campaignOf),
      undecided: clicks.filter(isUndecided),
    };
  };
}

function isUndecided({ via, verdict }: Click): boolean {
  return via === "redirect" && verdict !== "human";
}

/** What its links say by themselves, so that an address is recognized however its parts were put together. */
function campaignOf({ utm, ...row }: CampaignRow): LeadCampaign {
  const url = new URL(landingUrls({ ...row, utm: JSON.parse(utm) })(row.slug));
  return { campaignId: row.campaignId, utmCampaign: url.searchParams.get("utm_campaign") };
}
