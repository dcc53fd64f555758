import type { Database } from "bun:sqlite";
import { redirectUrl } from "../../core/campaign.ts";
import { AppError } from "../../core/error.ts";
import { formatId } from "../../core/id.ts";
import { createAuditStore } from "../../store/sqlite/audit.ts";
import { createCampaignLoader } from "../../store/sqlite/campaign-load.ts";
import { ensureInstanceSecret } from "../../store/sqlite/instance-secret.ts";
import { honeypotIdOf, linkIdOf } from "../../store/sqlite/link-id.ts";
import type { Encoding } from "./decode.ts";
import { type LoadOptions, loadCampaign, type RowProblem } from "./load.ts";
import { readJsonList } from "./read-json.ts";
import { readCsvList } from "./read-list.ts";
import { type CampaignSettings, readCampaign } from "./schema.ts";

/** The settings stand beside a CSV; a JSON has them as well, with the leads under their name. */
export type CampaignRequest = { kind: "csv" | "json"; settings: CampaignSettings; bytes: Buffer };

export type CreatedAnswer = {
  campaign_id: string;
  slug: string;
  name: string;
  leads: number;
  duplicates: number;
  suppressed: number;
  rejected: number;
  problems: RowProblem[];
  encoding: Encoding;
  /** For a link that no person sees; null where this server does not know its own address. */
  honeypot_url: string | null;
};

export type CreateDeps = Pick<LoadOptions, "now" | "rest" | "onProgress"> & {
  /** A connection of one's own, beside the loop's. */
  database: Database;
  publicUrl: string | null;
  /** Who makes it, as the audit names them. */
  keyId: string;
};

/** Makes a campaign of a list: reads, checks and stores it, in as many short transactions as it takes. */
export function createCampaign(request: CampaignRequest, deps: CreateDeps): CreatedAnswer {
  const { database, publicUrl, keyId, now } = deps;
  const { settings, read } = sourceOf(request);
  const campaign = readCampaign(settings);
  const secret = ensureInstanceSecret(database, now());
  // What is lost with a power cut is a load that is not finished: the last transaction brings all of them to the disk.
  database.run("pragma synchronous = normal");
  // In the middle of a commit it would hold up nobody but this; it is done between two of them instead.
  database.run("pragma wal_autocheckpoint = 0");
  const audit = createAuditStore(database);
  const loader = createCampaignLoader({
    database,
    secret,
    onFinish: (campaignId, leads, occurredMs) => {
      const subject = formatId("campaign", campaignId);
      audit.record({ occurredMs, keyId, action: "campaign_create", subject, detail: { leads } });
    },
  });
  const durable: typeof loader = {
    ...loader,
    finish: (...given) => {
      database.run("pragma synchronous = full");
      loader.finish(...given);
      // The load stays until its leads are renewed: what of that is lost, the next one does once more.
      database.run("pragma synchronous = normal");
    },
  };
  const { campaignId, ...answer } = loadCampaign({
    ...deps,
    campaign,
    read,
    loader: durable,
    linkIdOf: (email) => linkIdOf(secret, email, 0),
  });
  const { slug, name } = campaign;
  const honeypotUrl = publicUrl === null ? null : redirectUrl(publicUrl, slug, honeypotIdOf(secret, slug));
  return { campaign_id: formatId("campaign", campaignId), slug, name, ...answer, honeypot_url: honeypotUrl };
}

function sourceOf({ kind, settings, bytes }: CampaignRequest): { settings: unknown; read: LoadOptions["read"] } {
  if (kind === "csv") return { settings, read: (handler) => readCsvList(bytes, handler) };
  const { leads, ...said } = objectIn(bytes);
  if (leads === undefined) throw new AppError("invalid", "is missing; send a list of objects, one per lead", "leads");
  return { settings: { ...settings, ...said }, read: (handler) => readJsonList(leads, handler) };
}

function objectIn(bytes: Buffer): { [key: string]: unknown } {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new AppError("invalid_json", "the body is not valid JSON; a CSV is sent as text/csv");
  }
  if (body === null || typeof body !== "object" || Array.isArray(body))
    throw new AppError("invalid", "the body must be an object with name, base_url and leads");
  return body as { [key: string]: unknown };
}
