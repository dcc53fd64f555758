import type { Touch } from "./attribution.ts";
import type { Rules } from "./compile.ts";
import type { Json } from "./json.ts";
import { evaluate } from "./score.ts";
import type { IntentScore } from "./state.ts";
import { levelOf } from "./threshold.ts";
import type { Traits } from "./traits.ts";

/** Longer ones are no name of anything, and a page has no room for them. */
const PERSONAL_LENGTH_MAX = 120;
const GROUP_PREFIX = "group.";

/** Words of a field's name that say: this tells who somebody is, or where to find them. */
const REVEALING_NAME =
  /email|phone|(?:^|_)(?:ids?|uuid|mail|tel|mobile|cell|fax|address|street|zip|postcode|ip|birth\w*|dob|passport|ssn|iban|password|token|secret|hash|login|username)(?:_|$)/;
/** An e-mail address or a phone number, whatever the trait is called that somebody put it into. */
const REVEALING_VALUE = /\S@\S|\+?\d[\d\s().\-/]{6,}\d/;

/** What is known about the visitor that asks. */
export type KnownVisitor = {
  traits: Traits;
  /** Null where only a list of the operator's knows them: nobody was here yet. */
  score: IntentScore | null;
  domain: string | null;
  accountScore: () => number | null;
};

export function isRevealing(field: string): boolean {
  return REVEALING_NAME.test(field);
}

/** Those of the listed fields that have a value; always texts, since they are shown and compared as texts. */
export function personalFields(
  listed: readonly string[],
  visitor: KnownVisitor,
  rules: Rules,
  nowMs: number,
): { [field: string]: string } {
  const fields: { [field: string]: string } = {};
  for (const field of listed) {
    const value = isRevealing(field) ? null : textOf(whatIs(field, visitor, rules, nowMs));
    if (value !== null) fields[field] = value;
  }
  return fields;
}

function whatIs(field: string, visitor: KnownVisitor, rules: Rules, nowMs: number): Json | undefined {
  const { score, domain, accountScore } = visitor;
  if (field === "level")
    return score === null ? null : levelOf(evaluate(score.sums, rules, nowMs).score, rules.thresholds);
  if (field === "account_level") {
    const points = accountScore();
    return points === null ? null : levelOf(points, rules.accountThresholds);
  }
  if (field.startsWith(GROUP_PREFIX)) return groupLevelOf(field.slice(GROUP_PREFIX.length), score, rules, nowMs);
  const touch = score?.attribution?.last_non_direct ?? score?.attribution?.last ?? null;
  if (field === "channel") return touch === null ? null : rules.channelOf(touch);
  if (field.startsWith("utm_")) return touch?.[field.slice("utm_".length) as keyof Touch];
  const trait = Object.hasOwn(visitor.traits, field) ? visitor.traits[field] : undefined;
  if (textOf(trait) !== null) return trait;
  if (field === "company") return domain;
  return partOfName(field, visitor.traits);
}

/** How much of its cap a group gives: none, low, medium or high. */
function groupLevelOf(group: string, score: IntentScore | null, rules: Rules, nowMs: number): string | null {
  if (score === null) return null;
  const found = evaluate(score.sums, rules, nowMs).groups.find((held) => held.group === group);
  if (found === undefined) return null;
  const share = found.points / found.max;
  if (share <= 0) return "none";
  if (share < 1 / 3) return "low";
  return share < 2 / 3 ? "medium" : "high";
}

/** First and last name out of the whole one. "Lovelace, Ada" is turned round; a single word is a first name. */
function partOfName(field: string, traits: Traits): string | null {
  if (field !== "first_name" && field !== "last_name") return null;
  const name = Object.hasOwn(traits, "name") ? textOf(traits.name) : null;
  if (name === null) return null;
  const [before = "", after] = name.split(",").map((part) => part.trim());
  const ordered = after === undefined ? before : `${after} ${before}`;
  const [first = "", ...rest] = ordered.split(/\s+/);
  const last = rest.join(" ");
  if (field === "first_name") return first;
  return last === "" ? null : last;
}

function textOf(value: Json | undefined): string | null {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") return null;
  const text = value.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  return text === "" || text.length > PERSONAL_LENGTH_MAX || REVEALING_VALUE.test(text) ? null : text;
}
