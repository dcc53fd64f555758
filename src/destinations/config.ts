import { z } from "zod";
import { SIGNAL_TYPES } from "../core/signal.ts";

const REFERENCE = "env:[A-Za-z_][A-Za-z0-9_]*|file:.+";
const WHSEC = "whsec_[A-Za-z0-9+/]{11,}={0,2}";
const FILTER_NAMES_MAX = 50;
const TEXT_MAX = 2_000;

const reference = z.string().regex(new RegExp(`^(?:${REFERENCE})$`), "use env:NAME or file:PATH");

/** What `config print` shows as a reference only; JSON Schema's own word for it. */
const SECRET = { writeOnly: true };

/** A secret that stands in the file itself is allowed for a first try; `config print` never shows it. */
const secretText = z
  .string()
  .min(1)
  .max(TEXT_MAX)
  .meta(SECRET)
  .describe("The secret itself, or better env:NAME or file:PATH");

const url = z
  .url({ protocol: /^https?$/ })
  .max(TEXT_MAX)
  .refine((text) => !URL.canParse(text) || new URL(text).username + new URL(text).password === "", {
    message: "leave user and password out of the address; headers take them as env:NAME",
  });
const urlOrReference = z
  .union([reference, url])
  .meta(SECRET)
  .describe("https://… or env:NAME or file:PATH, since whoever has it may post");

const signingSecret = z
  .string()
  .regex(
    new RegExp(`^(?:${WHSEC}|${REFERENCE})$`),
    "use whsec_ and at least 8 bytes in base64 (24 or more are better), env:NAME or file:PATH",
  )
  .meta(SECRET);

const headers = z
  .record(
    z.string().regex(/^[A-Za-z0-9-]{1,100}$/),
    z
      .string()
      .max(TEXT_MAX)
      .regex(/^[\t\x20-\x7e]*$/)
      .meta(SECRET),
  )
  .describe("Further request headers; a value may be env:NAME or file:PATH");

const fieldName = z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,99}$/);

const conditionsSchema = z.strictObject({
  types: z
    .array(z.enum(SIGNAL_TYPES))
    .min(1)
    .optional()
    .describe("Only what is told under these names: people, accounts, requests for lead magnets"),
  thresholds: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(FILTER_NAMES_MAX)
    .optional()
    .describe(
      "Only crossings of these thresholds; those of accounts are named account.hot and the like, requests lead_magnet.SLUG",
    ),
  groups: z.record(z.string(), z.number().min(0)).optional().describe("Only with at least so many points in a group"),
  accounts_only: z.boolean().optional().describe("Only people who belong to an account"),
  with_email_only: z.boolean().optional().describe("Only people whose e-mail is known"),
});

const filterSchema = conditionsSchema
  .extend({
    except: conditionsSchema
      .refine((conditions) => Object.values(conditions).some(isCondition), {
        message: "name at least one condition, else nothing is ever sent",
      })
      .optional()
      .describe("Leave out what meets all of these"),
  })
  .describe("Which signals go here; all of them where it is missing");

function isCondition(value: unknown): boolean {
  return typeof value === "boolean" ? value : Object.keys(value ?? {}).length > 0;
}

const common = {
  name: z
    .string()
    .regex(/^[a-z0-9_-]{1,64}$/, "use lower-case letters, digits, _ and -, at most 64")
    .describe("How deliveries, commands and pages call this destination; keep it, since what waits is filed under it"),
  filter: filterSchema.optional(),
};

const remote = {
  ...common,
  allow_private: z
    .union([z.boolean(), z.array(z.string().min(1).max(253)).max(100)])
    .default(false)
    .describe("Allow private, loopback and link-local addresses: true, or the list of hosts that may have one"),
  concurrency_max: z.int().min(1).max(32).default(4).describe("Requests under way at once"),
};

const webhookSchema = z
  .strictObject({
    type: z.literal("webhook"),
    ...remote,
    url: url.describe("Receives a POST in the Standard Webhooks 1.0 form"),
    secret: z
      .union([signingSecret, z.array(signingSecret).min(1).max(5)])
      .describe("whsec_…, env:NAME or file:PATH; while rotating a list, each of which signs"),
    headers: headers.optional(),
  })
  .describe("Any receiver of Standard Webhooks");

const logSchema = z
  .strictObject({
    type: z.literal("log"),
    ...common,
    personal: z.boolean().default(false).describe("Also print e-mail, traits and account"),
  })
  .describe("A JSON line on stdout");

const fileSchema = z
  .strictObject({
    type: z.literal("file"),
    ...common,
    path: z.string().min(1).max(TEXT_MAX).describe("The file; older ones stand beside it as path.1, path.2, …"),
    size_max_bytes: z.int().min(1_024).default(10_485_760).describe("Begin a new file above this size"),
    keep: z.int().min(1).max(1_000).default(10).describe("How many older files to keep"),
  })
  .describe("JSON lines in a file that rotates");

const slackSchema = z
  .strictObject({ type: z.literal("slack"), ...remote, url: urlOrReference })
  .describe("A Slack incoming webhook");

const telegramSchema = z
  .strictObject({
    type: z.literal("telegram"),
    ...remote,
    token: secretText.describe("The bot's token from @BotFather; env:NAME or file:PATH"),
    chat_id: z.union([z.int(), z.string().min(1).max(100)]).describe("The chat's number, or @channel"),
    message_thread_id: z.int().optional().describe("The topic in a forum"),
    api_url: url.default("https://api.telegram.org").describe("Where the Bot API is"),
  })
  .describe("A message by a Telegram bot");

const teamsSchema = z
  .strictObject({ type: z.literal("teams"), ...remote, url: urlOrReference })
  .describe('A Microsoft Teams workflow "When a Teams webhook request is received"');

const discordSchema = z
  .strictObject({ type: z.literal("discord"), ...remote, url: urlOrReference })
  .describe("A Discord webhook");

const hubspotSchema = z
  .strictObject({
    type: z.literal("hubspot"),
    ...remote,
    token: secretText.describe("A private app's token with crm.objects.contacts.write; env:NAME or file:PATH"),
    properties: z
      .strictObject({
        score: fieldName.default("intent_score").describe("Number property"),
        level: fieldName.default("intent_level").describe("Text property"),
        reasons: fieldName.default("intent_reasons").describe("Multi-line text property"),
      })
      .prefault({})
      .describe("The contact properties to write; make them in HubSpot first"),
    api_url: url.default("https://api.hubapi.com").describe("Where the API is"),
  })
  .describe("Contacts in HubSpot, by e-mail; people without e-mail are left out");

const salesforceSchema = z
  .strictObject({
    type: z.literal("salesforce"),
    ...remote,
    login_url: url.describe("Your own domain (https://acme.my.salesforce.com), where tokens are asked for"),
    client_id: z.string().min(1).max(TEXT_MAX).describe("The app's consumer key"),
    client_secret: secretText.optional().describe("For the client credentials flow; env:NAME or file:PATH"),
    private_key: secretText.optional().describe("For the JWT bearer flow: PEM; env:NAME or file:PATH"),
    username: z.string().min(1).max(200).optional().describe("For the JWT bearer flow: on whose behalf"),
    audience: url
      .default("https://login.salesforce.com")
      .describe("For the JWT bearer flow; https://test.salesforce.com for a sandbox"),
    object: fieldName.default("Contact").describe("The object to write"),
    external_id_field: fieldName.default("Intent_Email__c").describe("Its external id field, which holds the e-mail"),
    fields: z
      .strictObject({
        score: fieldName.default("Intent_Score__c").describe("Number field"),
        level: fieldName.default("Intent_Level__c").describe("Text field"),
        reasons: fieldName.default("Intent_Reasons__c").describe("Long text field"),
      })
      .prefault({})
      .describe("The fields to write"),
    write_name: z
      .boolean()
      .default(false)
      .describe("Also write LastName (and Company of a Lead), without which no new record is made; overwrites them"),
    api_version: z
      .string()
      .regex(/^\d{2,3}\.0$/)
      .default("62.0")
      .describe("Of the REST API"),
  })
  .refine((config) => (config.client_secret === undefined) !== (config.private_key === undefined), {
    message: "give client_secret (client credentials), or private_key with username (JWT bearer)",
    path: ["client_secret"],
  })
  .refine((config) => (config.private_key === undefined) === (config.username === undefined), {
    message: "private_key and username come together",
    path: ["username"],
  })
  .describe("Records in Salesforce, by e-mail; people without e-mail are left out");

const httpSchema = z
  .strictObject({
    type: z.literal("http"),
    ...remote,
    url: urlOrReference,
    method: z.enum(["POST", "PUT", "PATCH"]).default("POST").describe("Request method"),
    headers: headers.optional(),
    body: z.json().describe('Any JSON; "{{person.email}}" becomes the value itself, and within a longer text its text'),
  })
  .describe("A template for what is not listed: n8n, Zapier, Make, PagerDuty");

/** One entry of `destinations` in intent.json. */
export const destinationSchema = z.discriminatedUnion("type", [
  webhookSchema,
  logSchema,
  fileSchema,
  slackSchema,
  telegramSchema,
  teamsSchema,
  discordSchema,
  hubspotSchema,
  salesforceSchema,
  httpSchema,
]);

export type DestinationConfig = z.infer<typeof destinationSchema>;
type DestinationType = DestinationConfig["type"];
export type ConfigOf<Type extends DestinationType> = Extract<DestinationConfig, { type: Type }>;
export type Conditions = z.infer<typeof conditionsSchema>;
