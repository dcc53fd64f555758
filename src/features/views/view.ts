import type { Rules } from "../../core/compile.ts";
import type { Json } from "../../core/json.ts";
import type { IntentScore } from "../../core/state.ts";
import type { CampaignReader, StoredCampaign } from "../../store/sqlite/campaigns.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import type { RankStore } from "../../store/sqlite/ranks.ts";
import type { SessionReader } from "../../store/sqlite/sessions.ts";

export type ViewRow = { readonly [column: string]: Json };

export type ViewPage = { rows: ViewRow[]; nextCursor: string | null };

/** What came of a campaign, as far as a row of a table tells it. */
export type CampaignFigures = {
  campaign_id: string;
  clicked: number;
  identified: number;
  forwarded: number;
  machines_only: number;
  pending: number;
  levels: { [level: string]: number };
  converted: number | null;
  conversions: number | null;
  clicks: { human: number; machine: number; pending: number };
};

export type ViewSources = {
  people: PeopleReader;
  ranks: Pick<RankStore, "walk">;
  sessions: SessionReader;
  campaigns: CampaignReader;
  /** Everybody, read once. */
  scores: Iterable<IntentScore>;
  figuresOf: (campaign: StoredCampaign) => CampaignFigures;
};

export type ViewQuery = {
  limit: number;
  cursor: string | undefined;
  level: string | undefined;
  /** Addresses leave as their SHA-256. */
  isHashed: boolean;
};

export type ViewContext = { rules: Rules; nowMs: number };

/** A table that a sales team looks at every morning. */
export type View = {
  help: string;
  columns(context: ViewContext, query: Pick<ViewQuery, "isHashed">): string[];
  read(query: ViewQuery, sources: ViewSources, context: ViewContext): ViewPage;
};

export function emailColumn(isHashed: boolean): string {
  return isHashed ? "email_sha256" : "email";
}
