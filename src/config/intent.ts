import { z } from "zod";
import { accountsSchema, channelsSchema, checkReferences, type Scoring, scoringShape } from "../core/rules.ts";
import { COLD } from "../core/threshold.ts";
import { destinationSchema } from "../destinations/config.ts";
import defaultIntent from "./default-intent.json" with { type: "json" };
import { parseJson } from "./json.ts";
import { magnetFaults, magnetsFolderSchema, magnetsSchema } from "./magnets.ts";
import { personalizeSchema } from "./personalize.ts";
import { privacySchema, retainFaults, retainSchema } from "./privacy.ts";
import { type Naming, problemAt, problemsOf } from "./problems.ts";
import { withoutSecrets } from "./secret.ts";
import { trackerSchema } from "./tracker.ts";
import { identityHashOfSchema, identitySecretSchema, identityVerificationSchema, limitsSchema } from "./trust.ts";

const ACCEPT_DAYS_MAX = 3_650;
const DESTINATIONS_MAX = 50;
const PUBLIC_URL_LENGTH_MAX = 500;
const HASH_LENGTH = 16;

/** Not parsed here, which would cost every start: a test holds the file to the schema. */
const defaultScoring = defaultIntent as Scoring;

const ingestSchema = z.strictObject({
  accept_days: z
    .int()
    .min(1)
    .max(ACCEPT_DAYS_MAX)
    .default(90)
    .describe("Events that happened longer ago than so many days are refused"),
  require_write_key: z
    .boolean()
    .default(false)
    .describe("Whether browsers have to send the write key with every request"),
});

/** The whole of `intent.json`. What a file leaves out is as in the default config. */
const intentSchema = z.strictObject({
  $schema: z.string().optional().describe("Where editors find the schema of this file; it has no effect on scores"),
  page_classes: scoringShape.page_classes.default(defaultScoring.page_classes),
  groups: scoringShape.groups.default(defaultScoring.groups),
  rules: scoringShape.rules
    .default(defaultScoring.rules)
    .describe("What gives points: each rule matches events and adds to its group"),
  thresholds: scoringShape.thresholds.default(defaultScoring.thresholds),
  channels: channelsSchema.default(defaultIntent.channels),
  accounts: accountsSchema.default(defaultIntent.accounts).describe("What holds for companies as a whole"),
  ingest: ingestSchema.prefault({}).describe("What is taken in"),
  limits: limitsSchema.prefault({}).describe("How much may come from one place"),
  identity_verification: identityVerificationSchema,
  identity_hash_of: identityHashOfSchema,
  identity_secret: identitySecretSchema,
  tracker: trackerSchema.prefault({}).describe("How the tracker script is served"),
  public_url: z
    .url({ protocol: /^https?$/ })
    .max(PUBLIC_URL_LENGTH_MAX)
    .transform((url) => url.replace(/\/+$/, ""))
    .optional()
    .describe("Where this server is reached; messages to people then carry a link to the explanation"),
  privacy: privacySchema.prefault({}).describe("What is read off browsers' requests besides what they send"),
  retain: retainSchema.prefault({}).describe("How long what is stored is kept; what is left out stays"),
  personalize: personalizeSchema,
  magnets: magnetsSchema,
  magnets_folder: magnetsFolderSchema,
  destinations: z
    .array(destinationSchema)
    .max(DESTINATIONS_MAX)
    .default([])
    .describe("Where signals go, besides the log"),
});

export type IntentConfig = z.infer<typeof intentSchema>;

export type ParsedIntent = { config: IntentConfig; hash: string; problems?: never } | { problems: string[] };

/** Reads an `intent.json`; whatever is wrong with it comes back as sentences. */
export function parseIntentConfig(text: string, naming: Naming = "by word"): ParsedIntent {
  const json = parseJson(text.replace(/^\uFEFF/, ""));
  if (json.problem !== undefined) return { problems: [json.problem] };
  const { value } = json;
  // Compiling a parser would take longer than this one use of it.
  const result = intentSchema.safeParse(value, { jitless: true });
  if (!result.success) return { problems: problemsOf(intentSchema, value, naming) };
  const problems = faultsOf(result.data, Object.keys(value as object), naming);
  return problems.length > 0 ? { problems } : { config: result.data, hash: hashOf(result.data) };
}

/** What no single field can tell. */
function faultsOf(config: IntentConfig, given: string[], naming: Naming): string[] {
  const namesOf = (group: object): string => (naming === "by word" ? Object.keys(group).join(", ") : "those there are");
  const problems = given.includes("rules")
    ? checkReferences(config).map(({ path, message }) => {
        const known = `take one of ${namesOf(config.groups)}`;
        return problemAt(path, `${message}; ${path.at(-1) === "group" ? known : "give each its own"}`);
      })
    : groupsAmiss(config).map((group) =>
        problemAt(["groups", group], "is missing, and the default rules use it; add it, or give rules as well"),
      );
  const levels = { thresholds: config.thresholds, "accounts.thresholds": config.accounts.thresholds };
  for (const [place, thresholds] of Object.entries(levels)) {
    if (!Object.hasOwn(thresholds, COLD)) continue;
    problems.push(problemAt([place, COLD], "is what stands below all thresholds; choose another name"));
  }
  const faults = magnetFaults(config.magnets, config.thresholds, namesOf);
  problems.push(...faults.map(({ path, message }) => problemAt(path, message)));
  problems.push(
    ...retainFaults(config.retain, config.ingest.accept_days).map((fault) => problemAt(["retain", "events"], fault)),
  );
  if (config.identity_verification !== "off" && config.identity_secret.length === 0) {
    problems.push(
      problemAt(["identity_secret"], "is missing, and identity_verification needs it; give env:NAME or file:PATH"),
    );
  }
  const seen = new Set<string>();
  config.destinations.forEach(({ name }, index) => {
    if (seen.has(name)) {
      problems.push(problemAt(["destinations", index, "name"], "stands twice; give each its own"));
    }
    seen.add(name);
  });
  return problems;
}

function groupsAmiss({ rules, groups }: IntentConfig): string[] {
  return [...new Set(rules.map(({ group }) => group))].filter((group) => !Object.hasOwn(groups, group));
}

/** The effective config as a valid `intent.json` that may be shown: secrets stand in it as references only. */
export function printableConfig(config: IntentConfig): IntentConfig {
  return { ...config, destinations: config.destinations.map(withoutSecrets) };
}

/** The version of a config: the same for all files that come to the same effect, whatever their secrets. */
function hashOf(config: IntentConfig): string {
  const { $schema: _, ...effective } = printableConfig(config);
  // The objects whose order counts: the first that matches wins.
  const { page_classes, channels } = effective;
  const ordered = { ...effective, page_classes: Object.entries(page_classes), channels: Object.entries(channels) };
  return new Bun.CryptoHasher("sha256").update(canonicalJson(ordered)).digest("hex").slice(0, HASH_LENGTH);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The JSON Schema that lets editors complete and check an `intent.json`. */
export function intentJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(intentSchema, { io: "input", target: "draft-2020-12" });
}
