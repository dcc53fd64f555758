import { z } from "zod";
import { type Campaign, landingProblem, slugOf, UTM_PARAMETERS } from "../../core/campaign.ts";
import { AppError } from "../../core/error.ts";
import { toInvalid } from "../../http/body.ts";
import { cursorSchema, limitSchema } from "../../http/query.ts";

const NAME_LENGTH_MAX = 120;
const URL_LENGTH_MAX = 2_000;
const UTM_LENGTH_MAX = 200;

const wellFormed = (text: string): boolean => text.isWellFormed();

const baseUrlSchema = z
  .string()
  .max(URL_LENGTH_MAX)
  .transform((text) => text.replace(/\/+$/, ""))
  .refine(isBase, "must be the address of a site, such as https://acme.example, without ? and #");

const utmSchema = z
  .record(z.string(), z.string().min(1).max(UTM_LENGTH_MAX).refine(wellFormed, "has broken Unicode"))
  .transform((said) => Object.fromEntries(Object.entries(said).map(([key, value]) => [utmName(key), value])))
  .refine(
    (utm) => Object.keys(utm).every((key) => (UTM_PARAMETERS as readonly string[]).includes(key)),
    `takes ${UTM_PARAMETERS.map((parameter) => parameter.slice("utm_".length)).join(", ")}`,
  );

/** What makes a campaign besides its list. */
export const campaignSchema = z.strictObject({
  name: z.string().trim().min(1).max(NAME_LENGTH_MAX).refine(wellFormed, "has broken Unicode"),
  base_url: baseUrlSchema,
  landing: z.string().max(URL_LENGTH_MAX).refine(wellFormed, "has broken Unicode").default("/"),
  utm: utmSchema.default({}),
});

/** What stands beside a list in the address: texts, which campaignSchema reads, and so whatever else is said. */
export const createQuerySchema = z.looseObject({
  name: z.string().optional().describe("stands in links, as letters and digits"),
  base_url: z.string().optional().describe("the address of the site, such as https://acme.example"),
  landing: z.string().optional().describe("the path of the landing page, / unless said"),
  ...utmParameters(),
});

/** A campaign and its list in one; leads are read one by one, and the bad ones told. */
export const campaignBodySchema = campaignSchema.extend({
  leads: z.array(z.looseObject({ email: z.string() })).describe("further keys become columns and traits"),
});

/** As they come in, unread. */
export type CampaignSettings = { readonly [name: string]: unknown };

/** The campaign that settings make, or the first thing that is wrong with them. */
export function readCampaign(settings: unknown): Campaign {
  const parsed = campaignSchema.safeParse(settings);
  if (!parsed.success) throw problemOf(parsed.error);
  const { name, base_url: baseUrl, landing, utm } = parsed.data;
  const slug = slugOf(name);
  if (slug === null)
    throw new AppError("invalid", "must have a letter from a to z or a digit, since it stands in links", "name");
  const problem = landingProblem({ baseUrl, landing });
  if (problem !== null) throw new AppError("invalid", problem, "landing");
  return { slug, name, baseUrl, landing, utm };
}

function problemOf(error: z.ZodError): AppError {
  if (error.issues[0]?.code !== "unrecognized_keys") return toInvalid(error);
  const known = Object.keys(campaignSchema.shape).join(", ");
  return new AppError("invalid", `a campaign takes ${known} and its leads; leave out what is none of them`);
}

/** Beside a CSV the settings stand in the address; so do the parameters of its links, under their own names. */
export function settingsOfQuery(query: { readonly [name: string]: unknown }): CampaignSettings {
  const utm: { [name: string]: unknown } = {};
  const settings: { [name: string]: unknown } = { utm };
  for (const [name, value] of Object.entries(query)) {
    if (name.startsWith("utm_")) Object.assign(utm, { [name]: value });
    else settings[name] = value;
  }
  return settings;
}

export const LEAD_STATUSES = ["sent", "machine", "pending", "clicked", "identified", "converted"] as const;

export type LeadStatus = (typeof LEAD_STATUSES)[number];

const hash = z.literal("email", { error: 'must be "email"' }).optional().describe("SHA-256 in the place of addresses");

export const campaignsQuerySchema = z.strictObject({ limit: limitSchema, cursor: cursorSchema.optional() });

export const leadsQuerySchema = z.strictObject({
  status: z.enum(LEAD_STATUSES, { error: `must be one of ${LEAD_STATUSES.join(", ")}` }).optional(),
  limit: limitSchema,
  cursor: cursorSchema.optional(),
  hash,
});

export const exportQuerySchema = z.strictObject({ hash });

export type CampaignsQuery = z.infer<typeof campaignsQuerySchema>;
export type LeadsQuery = z.infer<typeof leadsQuerySchema>;

function utmParameters() {
  return Object.fromEntries(UTM_PARAMETERS.map((name) => [name, z.string().optional()])) as {
    [Name in (typeof UTM_PARAMETERS)[number]]: z.ZodOptional<z.ZodString>;
  };
}

function utmName(key: string): string {
  return key.startsWith("utm_") ? key : `utm_${key}`;
}

function isBase(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    /^https?:$/.test(url.protocol) && url.search + url.hash + url.username + url.password === "" && !/[?#]/.test(text)
  );
}
