import { z } from "zod";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import type { View } from "./view.ts";

const cursorSchema = z.tuple([z.int().min(0)]);

export const campaignPerformance: View = {
  help: "what came of each campaign, the newest first",
  columns: ({ rules }) => [
    "campaign_id",
    "slug",
    "name",
    "created_at",
    "sent",
    "clicked",
    "click_rate",
    "identified",
    ...rules.thresholds.map(({ name }) => name),
    "converted",
    "conversions",
    "forwarded",
    "machines_only",
    "pending",
    "human_clicks",
    "machine_clicks",
  ],
  read: ({ limit, cursor }, { campaigns, figuresOf }, { rules }) => {
    const before = decodeCursor(cursorSchema, cursor)?.[0] ?? Number.MAX_SAFE_INTEGER;
    const found = campaigns.newest(before, limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      rows: page.map((campaign) => {
        const { levels, clicks, ...figures } = figuresOf(campaign);
        return {
          ...Object.fromEntries(rules.thresholds.map(({ name }) => [name, levels[name] ?? 0])),
          campaign_id: figures.campaign_id,
          slug: campaign.slug,
          name: campaign.name,
          created_at: new Date(campaign.createdMs).toISOString(),
          sent: campaign.leadCount,
          clicked: figures.clicked,
          click_rate: campaign.leadCount === 0 ? 0 : figures.clicked / campaign.leadCount,
          identified: figures.identified,
          converted: figures.converted,
          conversions: figures.conversions,
          forwarded: figures.forwarded,
          machines_only: figures.machines_only,
          pending: figures.pending,
          human_clicks: clicks.human,
          machine_clicks: clicks.machine,
        };
      }),
      nextCursor: found.length > limit && last !== undefined ? encodeCursor([last.campaignId]) : null,
    };
  },
};
