import foundation from "../../../drizzle/0000_foundation.sql" with { type: "text" };
import deliveries from "../../../drizzle/0001_deliveries.sql" with { type: "text" };
import signalReads from "../../../drizzle/0002_signal_reads.sql" with { type: "text" };
import deadDeliveries from "../../../drizzle/0003_dead_deliveries.sql" with { type: "text" };
import touches from "../../../drizzle/0004_touches.sql" with { type: "text" };
import accounts from "../../../drizzle/0005_accounts.sql" with { type: "text" };
import campaignsAndTrust from "../../../drizzle/0006_campaigns_and_trust.sql" with { type: "text" };
import campaignLoads from "../../../drizzle/0007_campaign_loads.sql" with { type: "text" };
import retention from "../../../drizzle/0008_retention.sql" with { type: "text" };
import clickTimes from "../../../drizzle/0009_click_times.sql" with { type: "text" };
import mergesUndone from "../../../drizzle/0010_merges_undone.sql" with { type: "text" };
import leadPositions from "../../../drizzle/0011_lead_positions.sql" with { type: "text" };
import openReviews from "../../../drizzle/0012_open_reviews.sql" with { type: "text" };
import clicksByIdentity from "../../../drizzle/0013_clicks_by_identity.sql" with { type: "text" };
import quietDestinations from "../../../drizzle/0014_quiet_destinations.sql" with { type: "text" };
import failedDestinations from "../../../drizzle/0015_failed_destinations.sql" with { type: "text" };
import journal from "../../../drizzle/meta/_journal.json" with { type: "json" };

/** The generated migrations, embedded; a test holds that this list and drizzle's journal agree. */
const SQL_BY_TAG: { readonly [tag: string]: string } = {
  "0000_foundation": foundation,
  "0001_deliveries": deliveries,
  "0002_signal_reads": signalReads,
  "0003_dead_deliveries": deadDeliveries,
  "0004_touches": touches,
  "0005_accounts": accounts,
  "0006_campaigns_and_trust": campaignsAndTrust,
  "0007_campaign_loads": campaignLoads,
  "0008_retention": retention,
  "0009_click_times": clickTimes,
  "0010_merges_undone": mergesUndone,
  "0011_lead_positions": leadPositions,
  "0012_open_reviews": openReviews,
  "0013_clicks_by_identity": clicksByIdentity,
  "0014_quiet_destinations": quietDestinations,
  "0015_failed_destinations": failedDestinations,
};

const BREAKPOINT = "--> statement-breakpoint";

export type Migration = { tag: string; statements: string[] };

export const MIGRATIONS: readonly Migration[] = journal.entries.map(({ tag }) => {
  const source = SQL_BY_TAG[tag];
  if (source === undefined) throw new Error(`migration ${tag} is in the journal but not embedded`);
  return { tag, statements: source.split(BREAKPOINT) };
});
