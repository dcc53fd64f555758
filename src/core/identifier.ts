import { z } from "zod";
import { normalizeEmail } from "./email.ts";

/** Kinds of identifier, strongest first. */
export const IDENTIFIER_KINDS = [
  "user_id",
  "email",
  "phone",
  "loyalty_id",
  "device_id",
  "cookie_id",
  "campaign_link",
  "anonymous_id",
] as const;

export const identifierKindSchema = z.enum(IDENTIFIER_KINDS);

export type IdentifierKind = z.infer<typeof identifierKindSchema>;

export type Identifier = { kind: IdentifierKind; value: string };

/** Strong kinds name a human; the others name a browser, a device or a link that can be passed on. */
const STRONG_KINDS: ReadonlySet<IdentifierKind> = new Set(["user_id", "email", "phone"]);

/** What /identify takes as identifiers; everything else in `identity` is a trait. */
export const CLAIM_KINDS = ["user_id", "email", "phone"] as const satisfies readonly IdentifierKind[];

const LENGTH_MAX: Record<IdentifierKind, number> = {
  user_id: 200,
  email: 254,
  phone: 40,
  loyalty_id: 200,
  device_id: 200,
  cookie_id: 200,
  campaign_link: 64,
  anonymous_id: 64,
};

/** Values that clients send for nobody; whoever stored one would merge strangers. */
const BLOCKED_VALUES: ReadonlySet<string> = new Set(
  (
    "anon anonymous guest nil none null n/a na undefined unknown <nil> 0 -1 true false [] {} nan email id distinct_id " +
    "distinctid not_authenticated"
  )
    .split(" ")
    .concat("[object object]"),
);

const BLOCKED_PATTERN = /^[0-]*$/;
const QUOTES_PATTERN = /^["'`“”‘’\s]+|["'`“”‘’\s]+$/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL_PATTERN = /[\u0000-\u001f\u007f]/;
/** Come along when something is copied from a page, and are seen by nobody. */
const AROUND = "[\\s\\p{Default_Ignorable_Code_Point}\\p{Cf}]";
/** Looks behind itself, so that a run of thousands in the middle is read once, not once from each of them. */
const AROUND_PATTERN = new RegExp(`^${AROUND}+|(?<!${AROUND})${AROUND}+$`, "gu");
const BEYOND_ASCII_PATTERN = /[^ -~]/;
const PHONE_PATTERN = /^\+[1-9]\d{6,14}$/;

export function isStrong(kind: IdentifierKind): boolean {
  return STRONG_KINDS.has(kind);
}

/** Smaller is stronger. */
export function strengthRank(kind: IdentifierKind): number {
  return IDENTIFIER_KINDS.indexOf(kind);
}

export function identifierKey({ kind, value }: Identifier): string {
  return `${kind}\n${value}`;
}

export type Normalized = { value: string; problem?: never } | { value?: never; problem: string };

/** The comparable form of an identifier, or why it is none. */
export function normalizeIdentifier(kind: IdentifierKind, raw: string): Normalized {
  const lengthMax = LENGTH_MAX[kind];
  const trimmed = withoutAround(raw);
  if (trimmed.length > lengthMax)
    return { problem: `has ${trimmed.length} characters; at most ${lengthMax} are taken` };
  const bare = trimmed.replace(QUOTES_PATTERN, "").toLowerCase();
  if (bare === "") return { problem: "is blank; leave it out when there is none" };
  if (BLOCKED_VALUES.has(bare) || BLOCKED_PATTERN.test(bare)) {
    return { problem: "is a placeholder that stands for nobody; leave it out when there is none" };
  }
  if (CONTROL_PATTERN.test(trimmed) || !trimmed.isWellFormed()) {
    return { problem: "has control characters or broken Unicode" };
  }
  if (kind === "email") return normalizeEmail(trimmed);
  if (kind === "phone") {
    const phone = trimmed
      .replace("(0)", "") // "+49 (0)30 …": the zero is dialled at home only
      .replace(/[\s().\-/]/g, "")
      .replace(/^00/, "+");
    return PHONE_PATTERN.test(phone) ? { value: phone } : { problem: 'is not in E.164; send it like "+27821234567"' };
  }
  return { value: trimmed };
}

/** What is meant by something that was asked for: as it is compared now, and as an earlier version may have stored it. */
export function meantBy(said: string): Identifier[] {
  return IDENTIFIER_KINDS.flatMap((kind) => {
    const { value } = normalizeIdentifier(kind, said);
    const asItIs = kind === "email" ? said.trim().toLowerCase() : said.trim();
    const values = kind === "phone" ? [value] : [value, asItIs];
    return [...new Set(values)].flatMap((one) => (one === undefined ? [] : [{ kind, value: one }]));
  });
}

function withoutAround(raw: string): string {
  return BEYOND_ASCII_PATTERN.test(raw) ? raw.replace(AROUND_PATTERN, "") : raw.trim();
}
