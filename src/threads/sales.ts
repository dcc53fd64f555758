import type { Database } from "bun:sqlite";
import type { Rules } from "../core/compile.ts";
import { formatId } from "../core/id.ts";
import { type FullCampaignAnswer, readCampaignStanding } from "../features/campaigns/campaign.ts";
import { type CreatedAnswer, createCampaign } from "../features/campaigns/create.ts";
import { findCampaign } from "../features/campaigns/find.ts";
import { type LeadsAnswer, listLeads } from "../features/campaigns/leads.ts";
import type { CreateRequest } from "../features/campaigns/routes.ts";
import type { LeadsQuery } from "../features/campaigns/schema.ts";
import { readView, type ViewTable, viewCsv, viewJson } from "../features/views/read.ts";
import type { ViewText } from "../features/views/routes.ts";
import type { ViewQuery } from "../features/views/view.ts";
import { createCampaignReader } from "../store/sqlite/campaigns.ts";
import { openBeside } from "../store/sqlite/database.ts";
import { createRankStore } from "../store/sqlite/ranks.ts";
import { createReaders } from "../store/sqlite/readers.ts";
import { allScores } from "../store/sqlite/scores.ts";
import { createSessionReader } from "../store/sqlite/sessions.ts";

/** What a sales team asks that goes through many people: on a thread of its own, and from the command line. */
export type SalesRequest =
  | { name: "campaign"; campaignId: number }
  | { name: "campaign leads"; campaignId: number; query: LeadsQuery }
  | { name: "view"; view: string; query: ViewQuery; format: "json" | "csv" };

export type SalesContext = { rules: Rules; nowMs: number; publicUrl: string | null };

export function runSales(
  request: SalesRequest,
  database: Database,
  context: SalesContext,
): FullCampaignAnswer | LeadsAnswer | ViewText {
  const deps = { ...createReaders(database), campaigns: createCampaignReader(database) };
  if (request.name === "view") {
    const table = readViewFrom(database, request.view, request.query, context);
    return { text: request.format === "csv" ? viewCsv(table) : viewJson(table), nextCursor: table.next_cursor };
  }
  const campaign = findCampaign(formatId("campaign", request.campaignId), deps.campaigns);
  if (request.name === "campaign") return readCampaignStanding(campaign, deps, context.rules, context.nowMs);
  return listLeads(request.query, campaign, deps, context);
}

export function readViewFrom(database: Database, view: string, query: ViewQuery, context: SalesContext): ViewTable {
  const { rules, nowMs } = context;
  const deps = { ...createReaders(database), campaigns: createCampaignReader(database) };
  const sources = {
    ...deps,
    ranks: createRankStore(database),
    sessions: createSessionReader(database),
    scores: allScores(database),
    figuresOf: (campaign: Parameters<typeof readCampaignStanding>[0]) =>
      readCampaignStanding(campaign, deps, rules, nowMs),
  };
  return readView(view, query, sources, { rules, nowMs });
}

/** Makes a campaign on a thread of its own, which the loop does not wait for. */
export function runCreation(
  { kind, settings, chunks, keyId }: CreateRequest,
  { dataFolder, publicUrl, nowMs }: { dataFolder: string; publicUrl: string | null; nowMs: number },
): CreatedAnswer {
  const database = openBeside(dataFolder);
  const startedMs = performance.now();
  const bytes = Buffer.concat(chunks);
  // Else a list would be held twice.
  chunks.length = 0;
  try {
    return createCampaign(
      { kind, settings, bytes },
      {
        database,
        publicUrl,
        keyId,
        now: () => nowMs + Math.round(performance.now() - startedMs),
        rest: (durationMs) => Bun.sleepSync(durationMs),
        onProgress: () => undefined,
      },
    );
  } finally {
    database.close(false);
  }
}
