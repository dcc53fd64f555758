import { z } from "zod";
import { DURATION_PATTERN, parseDurationMs } from "./duration.ts";

/** Longest list of counted times a session keeps per rule; a late, earlier event replaces the latest of them. */
export const PER_SESSION_MAX = 20;
const RULES_MAX = 200;
/** Names are keys of plain objects, and those have a `constructor` before anybody puts one in. */
const NAME_PATTERN = /^(?!constructor$)[a-z][a-z0-9_]{0,63}$/;

const name = z.string().regex(NAME_PATTERN, "use lower-case letters, digits and _, at most 64, starting with a letter");
const scalar = z.union([z.string().max(500), z.number(), z.boolean()]);
const eventName = z.string().min(1).max(100);

const matcherSchema = z
  .union([
    scalar,
    z.array(scalar).min(1).max(100),
    z
      .strictObject({
        gte: z.number().optional().describe("A number, at least this"),
        gt: z.number().optional().describe("A number above this"),
        lte: z.number().optional().describe("A number, at most this"),
        lt: z.number().optional().describe("A number below this"),
        contains: z.string().min(1).max(500).optional().describe("A text with this in it, in any case"),
        not: z
          .union([scalar, z.array(scalar).min(1).max(100)])
          .optional()
          .describe("None of these; also where there is no value"),
        exists: z.boolean().optional().describe("Whether there has to be a value"),
      })
      .refine((tests) => Object.keys(tests).length > 0, "name at least one test, such as gte or contains"),
  ])
  .describe("A value, a list of which one must match, or tests: gte, gt, lte, lt, contains, not, exists");

export const matchersSchema = z.record(z.string().max(100), matcherSchema);
const oneOrMore = (item: z.ZodString) => z.union([item, z.array(item).min(1).max(100)]);

const conditionSchema = z.strictObject({
  page_class: oneOrMore(name).optional().describe("One of page_classes, or what the page said of itself"),
  url: oneOrMore(z.string().min(1).max(500)).optional().describe("Globs on the path, or on host and path"),
  properties: matchersSchema.optional().describe("The event's metadata"),
  traits: matchersSchema
    .optional()
    .describe("Traits sent with this very identify call; holds for identify events only"),
  attribution: matchersSchema
    .optional()
    .describe("source, medium, campaign, term, content, referrer, click_id, channel of this event"),
});

export const ruleSchema = z
  .strictObject({
    name: name.describe("What explanations call it, and what its sums are stored under: a new name begins at zero"),
    group: name.describe("The group it adds to"),
    event: z.union([eventName, z.array(eventName).min(1).max(50)]).describe('Event name or names; "*" is any'),
    when: conditionSchema.optional().describe("What has to hold of the event; all of it"),
    points: z.number().min(-1000).max(1000).describe("What one event gives, also negative"),
    half_life: z
      .string()
      .regex(DURATION_PATTERN, 'use a number and s, m, h or d, such as "7d"')
      .refine((text) => parseDurationMs(text) !== null, "must be above zero")
      .nullish()
      .describe('How long until half of the points are gone, such as "7d"; absent or null: they stay'),
    per_session: z.int().min(1).max(PER_SESSION_MAX).optional().describe("Count the n earliest of a session"),
    max: z.number().positive().optional().describe("This rule gives at most so many points, either sign"),
    keep: z.literal("latest").optional().describe("Hold only the most recent event (recency)"),
    once: z.literal(true).optional().describe("Count the earliest event of a person only (fit)"),
  })
  .refine((rule) => [rule.keep, rule.once, rule.per_session].filter((option) => option !== undefined).length <= 1, {
    message: "keep, once and per_session exclude each other",
  });

const thresholdSchema = z.union([
  z.number().positive().max(100),
  z
    .strictObject({
      score: z.number().positive().max(100).describe("The score that reaches this level"),
      rearm: z.number().min(0).describe("Below this score the level may be reached, and told, again"),
    })
    .refine((threshold) => threshold.rearm < threshold.score, { message: "must be below score", path: ["rearm"] }),
]);

export const scoringShape = {
  page_classes: z
    .record(name, z.array(z.string().min(1).max(500)).min(1).max(100))
    .describe("Page class to globs on the path (or on host and path); the first that matches wins"),
  groups: z
    .record(name, z.strictObject({ max: z.number().positive().describe("The most it gives, or takes") }))
    .describe("Groups and the most they give"),
  rules: z.array(ruleSchema).max(RULES_MAX),
  thresholds: z
    .record(name, thresholdSchema)
    .describe('Levels: a score, or {"score","rearm"}; re-arm is 80 % of the score unless said otherwise'),
};

export const channelsSchema = z
  .record(name, z.array(z.string().min(1).max(100)).min(1).max(500))
  .describe(
    "Channel to what names it: utm_source, utm_medium, a click id, a referrer's host or a label of it; the first that matches wins; what none knows is referral, what names nothing direct",
  );

export const accountsSchema = z.strictObject({
  thresholds: z
    .record(name, thresholdSchema)
    .describe("Levels of accounts, told as account.<name>; written like the levels of people"),
});

const scoringSchema = z.object({
  ...scoringShape,
  channels: channelsSchema.optional(),
  accounts: accountsSchema.optional(),
});

export type Rule = z.infer<typeof ruleSchema>;
export type Condition = z.infer<typeof conditionSchema>;
export type Matcher = z.infer<typeof matcherSchema>;
export type Scoring = z.infer<typeof scoringSchema>;

/** What no single field can tell: names that point to nothing or stand twice. Returns one sentence per fault. */
export function checkReferences(scoring: Scoring): { path: (string | number)[]; message: string }[] {
  const faults: { path: (string | number)[]; message: string }[] = [];
  const seen = new Set<string>();
  scoring.rules.forEach((rule, index) => {
    if (seen.has(rule.name)) faults.push({ path: ["rules", index, "name"], message: "stands twice" });
    seen.add(rule.name);
    if (!(rule.group in scoring.groups)) {
      faults.push({ path: ["rules", index, "group"], message: "is not one of groups" });
    }
  });
  return faults;
}
