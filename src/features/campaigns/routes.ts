import { Elysia } from "elysia";
import { formatId } from "../../core/id.ts";
import type { Engine } from "../../engine/engine.ts";
import { csvHeaders } from "../../http/csv.ts";
import type { Keys } from "../../http/keys.ts";
import { readQuery } from "../../http/query.ts";
import type { Asker } from "../../http/request-id.ts";
import type { AuditStore } from "../../store/sqlite/audit.ts";
import type { CampaignReader } from "../../store/sqlite/campaigns.ts";
import type { FullCampaignAnswer } from "./campaign.ts";
import type { CreatedAnswer } from "./create.ts";
import { CREATE, EXPORT, LEADS, LIST, ONE } from "./documents.ts";
import { findCampaign } from "./find.ts";
import type { LeadsAnswer } from "./leads.ts";
import { listCampaigns } from "./list.ts";
import { createReceiver } from "./receive.ts";
import {
  type CampaignSettings,
  campaignsQuerySchema,
  createQuerySchema,
  exportQuerySchema,
  type LeadsQuery,
  leadsQuerySchema,
  settingsOfQuery,
} from "./schema.ts";

/** So long a connection may say nothing while its list is stored. */
const CREATE_TIMEOUT_S = 255;

/** What a thread of its own makes a campaign of. */
export type CreateRequest = { kind: "csv" | "json"; settings: CampaignSettings; chunks: Uint8Array[]; keyId: string };

export type CampaignsDeps = {
  keys: Keys;
  engine: Pick<Engine, "administer">;
  now: () => number;
  campaigns: CampaignReader;
  audit: AuditStore;
  /** These run beside the loop. */
  createCampaign: (request: CreateRequest) => Promise<CreatedAnswer>;
  readCampaign: (campaignId: number) => Promise<FullCampaignAnswer>;
  listLeads: (campaignId: number, query: LeadsQuery) => Promise<LeadsAnswer>;
  exportCampaign: (
    campaignId: number,
    isHashed: boolean,
    asker: Asker,
  ) => Promise<{ body: ReadableStream<Uint8Array> }>;
};

/** Lists of people who are written to, and what comes of it; for secret keys only. */
export function campaignRoutes(deps: CampaignsDeps) {
  const { keys, campaigns } = deps;
  const create = creation(deps);
  return new Elysia({ name: "campaigns" })
    .onBeforeHandle(({ request }) => void keys.require(request.headers, request.method === "POST" ? "admin" : "read"))
    .post(
      "/campaigns",
      ({ request, query, server }) => create(request, query, () => void server?.timeout(request, CREATE_TIMEOUT_S)),
      // A list is not read before the key is looked at.
      { parse: "none", ...CREATE },
    )
    .get("/campaigns", ({ query }) => listCampaigns(readQuery(campaignsQuerySchema, query), campaigns), LIST)
    .get("/campaigns/:id", ({ params }) => deps.readCampaign(findCampaign(params.id, campaigns).campaignId), ONE)
    .get(
      "/campaigns/:id/leads",
      ({ params, query }) =>
        deps.listLeads(findCampaign(params.id, campaigns).campaignId, readQuery(leadsQuerySchema, query)),
      LEADS,
    )
    .get(
      "/campaigns/:id/export.csv",
      ({ params, query, request }) =>
        exportAnswer(params.id, readQuery(exportQuerySchema, query).hash === "email", request, deps),
      EXPORT,
    );
}

function creation({ keys, createCampaign }: CampaignsDeps) {
  const receive = createReceiver();
  return (request: Request, query: unknown, onReceived: () => void): Promise<CreatedAnswer> => {
    const { keyId } = keys.require(request.headers, "admin");
    const settings = settingsOfQuery(createQuerySchema.parse(query));
    const create = (chunks: Uint8Array[]): Promise<CreatedAnswer> => {
      const kind = kindOf(request.headers.get("content-type") ?? "", chunks);
      return createCampaign({ kind, settings, chunks, keyId });
    };
    return receive(request, { create, onReceived });
  };
}

/** What the body is by its content type; where that says neither, by its first letter. */
function kindOf(contentType: string, [first]: readonly Uint8Array[]): "csv" | "json" {
  if (/\bcsv\b/i.test(contentType)) return "csv";
  if (/\bjson\b/i.test(contentType)) return "json";
  return /^\s*\{/.test(Buffer.from(first?.subarray(0, 100) ?? []).toString("latin1")) ? "json" : "csv";
}

async function exportAnswer(
  id: string,
  isHashed: boolean,
  request: Request,
  { keys, engine, campaigns, audit, exportCampaign, now }: CampaignsDeps,
): Promise<Response> {
  const campaign = findCampaign(id, campaigns);
  const { keyId } = keys.require(request.headers, "read");
  const headers = csvHeaders(`campaign-${campaign.slug}-urls.csv`);
  // Nothing is read out for it; that it was asked is noted with all that is read.
  if (request.method === "HEAD") return new Response(null, { headers });
  const subject = formatId("campaign", campaign.campaignId);
  const entry = { occurredMs: now(), keyId, action: "campaign_export", subject, detail: { hashed: isHashed } };
  const { body } = await exportCampaign(campaign.campaignId, isHashed, request);
  await engine
    .administer(() => audit.record(entry))
    .catch(async (error) => {
      // Nothing leaves without its note, nor keeps a thread.
      await body.cancel();
      throw error;
    });
  return new Response(body, { headers });
}
