import { z } from "zod";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import type { CampaignReader } from "../../store/sqlite/campaigns.ts";
import { type CampaignAnswer, describeCampaign } from "./campaign.ts";
import type { CampaignsQuery } from "./schema.ts";

export type CampaignsAnswer = { campaigns: CampaignAnswer[]; next_cursor: string | null };

const cursorSchema = z.tuple([z.int().min(0)]);

/** The campaigns, the newest first; what came of one takes asking for it. */
export function listCampaigns({ limit, cursor }: CampaignsQuery, campaigns: CampaignReader): CampaignsAnswer {
  const before = decodeCursor(cursorSchema, cursor)?.[0] ?? Number.MAX_SAFE_INTEGER;
  const found = campaigns.newest(before, limit + 1);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    campaigns: page.map(describeCampaign),
    next_cursor: found.length > limit && last !== undefined ? encodeCursor([last.campaignId]) : null,
  };
}
