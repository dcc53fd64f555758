import { IDENTIFIER_KINDS, type Identifier, type IdentifierKind, normalizeIdentifier } from "../../core/identifier.ts";
import { createListHeeder } from "./heed-lists.ts";

/** A name or a value in a JSON text, which may be cut off at its end. */
const VALUE_PATTERN = /"((?:[^"\\]|\\.)*)(?:"|\\?$)|(?<=[:[,])-?\d[\d.]*/gs;
const WORD_PATTERN = /[\w.@+-]+/g;
/** Digits and what people write between them. */
const NUMBERS_PATTERN = /[\d\s()./-]{7,}/g;
const COUNTRY_CODE_PATTERN = /^(?:00|011)/;
const PHONE_DIGITS_MIN = 7;
/** Fifteen, and what is dialled before them. */
const PHONE_DIGITS_MAX = 18;
const LENGTH_MAX = 254;
/** Events that are refused are refused alike: most of their values were looked at before. */
const REMEMBERED_MAX = 20_000;

/** What names a human is taken as a whole value; what names a browser or a link may stand within an address. */
const STRONG: readonly IdentifierKind[] = ["user_id", "email", "phone"];
const WEAK_KINDS = IDENTIFIER_KINDS.filter((kind) => !STRONG.includes(kind));

/** Heeds whom a question tells, in place of a database's own suppressions. */
export function createHeederOf(isNamed: (identifier: Identifier) => boolean): ReturnType<typeof createListHeeder> {
  const ask = (identifier: Identifier) => {
    const isErased = isNamed(identifier);
    return () => isErased;
  };
  return createListHeeder({ isAny: () => true, ask });
}

/**
 * Whether a refused event names somebody, where who they are is known by hashes: instead of looking for a name in the
 * text, whatever may be a name is taken out of it and looked up. Finds what createMentions finds.
 */
export function createNamedIn(isNamed: (identifier: Identifier) => boolean): (body: string) => boolean {
  const heeded = createHeederOf(isNamed);
  const seen = new Map<string, boolean>();
  const isAddressed = (text: string): boolean => {
    const cells = JSON.stringify([text]);
    return heeded({ email: "", traits: "{}", cells })().cells !== cells;
  };
  const isAny = (kinds: readonly IdentifierKind[], text: string): boolean => {
    const { value } = text.length > LENGTH_MAX ? {} : normalizeIdentifier("user_id", text);
    return value !== undefined && kinds.some((kind) => isNamed({ kind, value }));
  };
  const look = (text: string): boolean =>
    isAny(["user_id", ...WEAK_KINDS], text) ||
    (/@|%40/.test(text) && isAddressed(text)) ||
    phonesIn(text).some((value) => isNamed({ kind: "phone", value })) ||
    (text.match(WORD_PATTERN) ?? []).some((word) => word !== text && isAny(WEAK_KINDS, word));
  const remembered = (text: string): boolean => {
    const known = seen.get(text);
    if (known !== undefined) return known;
    if (seen.size >= REMEMBERED_MAX) seen.clear();
    const found = look(text);
    seen.set(text, found);
    return found;
  };
  return (body) => valuesIn(body).some(remembered);
}

function valuesIn(body: string): string[] {
  return [
    ...new Set(
      [...body.matchAll(VALUE_PATTERN)].map(([all, quoted]) => (quoted === undefined ? all : unescaped(quoted))),
    ),
  ];
}

function unescaped(quoted: string): string {
  if (!quoted.includes("\\")) return quoted;
  try {
    return JSON.parse(`"${quoted}"`);
  } catch {
    // Cut off within an escape.
    return quoted;
  }
}

/** Each run of whole groups that is long enough: what stands beside a number may be another one. */
function phonesIn(text: string): string[] {
  const numbers = text.match(NUMBERS_PATTERN) ?? [];
  // A zero in brackets is dialled at home only, or one of its digits.
  const spelled = numbers.flatMap((one) => [one, ...(one.includes("(0)") ? [one.replaceAll("(0)", " ")] : [])]);
  const found = spelled.flatMap(runsIn).map((digits) => `+${digits.replace(COUNTRY_CODE_PATTERN, "")}`);
  return [...new Set(found)].flatMap((phone) => normalizeIdentifier("phone", phone).value ?? []);
}

function runsIn(numbers: string): string[] {
  const groups = numbers.match(/\d+/g) ?? [];
  return groups.flatMap((_, start) => {
    const found: string[] = [];
    let digits = "";
    for (const group of groups.slice(start, start + PHONE_DIGITS_MAX)) {
      digits += group;
      if (digits.length > PHONE_DIGITS_MAX) break;
      if (digits.length >= PHONE_DIGITS_MIN) found.push(digits);
    }
    return found;
  });
}
