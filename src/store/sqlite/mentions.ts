import { domainToASCII } from "node:url";
import type { Identifier } from "../../core/identifier.ts";

/** A longer list of weak identifiers is looked up word by word instead of each in the whole text. */
const WORD_PATTERN = /[\w.@+-]+/g;
/** What people write between the digits of a number. */
const PHONE_NOISE = "(?:\\(0\\)|[\\s().\\-/])*";

/** Whether a text that somebody sent names one of these identifiers, however they wrote it. */
export function createMentions(identifiers: readonly Identifier[]): (text: string) => boolean {
  const named: RegExp[] = [];
  const weak = new Set<string>();
  for (const { kind, value } of identifiers) {
    const folded = value.toLowerCase();
    if (kind === "phone") named.push(phonePattern(folded));
    else if (kind === "email") named.push(emailPattern(folded));
    else if (kind !== "user_id" && isWord(folded)) weak.add(folded);
    // As a whole value only: a user id may be as short as "7".
    else named.push(new RegExp(`[":]${escaped(JSON.stringify(folded).slice(1, -1))}(?:[",}]|$)`));
  }
  return (text) => {
    const folded = text.normalize("NFC").toLowerCase().replaceAll("%40", "@");
    if (named.some((pattern) => pattern.test(folded))) return true;
    return weak.size > 0 && [...folded.matchAll(WORD_PATTERN)].some(([word]) => weak.has(word));
  };
}

/** Both spellings of an address, if its domain has two: in letters, as it is stored, and as `xn--` for machines. */
export function spellingsOf(email: string): string[] {
  const at = email.lastIndexOf("@");
  const machines = domainToASCII(email.slice(at + 1));
  return machines === "" ? [email] : [...new Set([email, `${email.slice(0, at)}@${machines}`])];
}

function emailPattern(email: string): RegExp {
  return new RegExp(`(?<![\\w.@+-])(?:${spellingsOf(email).map(escaped).join("|")})(?![\\w@-])`);
}

/** Each digit of it, however they are grouped, and none beside them: times and order numbers are long, too. */
function phonePattern(value: string): RegExp {
  const digits = [...value.replace("+", "")].map(escaped).join(PHONE_NOISE);
  return new RegExp(`(?<!\\d)(?:(?:00|011)${PHONE_NOISE})?${digits}(?!\\d)`);
}

function isWord(text: string): boolean {
  return /^[\w.@+-]+$/.test(text);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
