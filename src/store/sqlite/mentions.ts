import { domainToASCII } from "node:url";
import type { Identifier } from "../../core/identifier.ts";

/** A longer list of weak identifiers is looked up word by word instead of each in the whole text. */
const WORD_PATTERN = /[\w.@+-]+/g;
/** Digits and what people write between them. One class, once: it is held against what strangers sent. */
const PHONE_RUN_PATTERN = /[\d\s()./-]{7,}/g;
const DIGIT_PATTERN = /\d/;
/** What is dialled before a country's code; the number goes on right behind it. */
const PHONE_PREFIX_PATTERN = /(?<!\d)(?:00|011)$/;
const PHONE_PREFIX_LENGTH_MAX = 4;
/** No letter has more marks; to bring thousands of them into order would take ICU seconds. */
const EXCESS_MARKS_PATTERN = /(\p{M}{30})\p{M}+/gu;

/** Whether a text that somebody sent names one of these identifiers, however they wrote it. */
export function createMentions(identifiers: readonly Identifier[]): (text: string) => boolean {
  const named: ((text: string) => boolean)[] = [];
  const weak = new Set<string>();
  for (const { kind, value } of identifiers) {
    const folded = value.toLowerCase();
    if (kind === "phone") named.push(phoneSearch(folded));
    else if (kind === "email") named.push(searchFor(emailPattern(folded)));
    else if (kind !== "user_id" && isWord(folded)) weak.add(folded);
    // As a whole value only: a user id may be as short as "7".
    else named.push(searchFor(new RegExp(`[":]${escaped(JSON.stringify(folded).slice(1, -1))}(?:[",}]|$)`)));
  }
  return (text) => {
    const folded = composed(text).toLowerCase().replaceAll("%40", "@");
    if (named.some((isIn) => isIn(folded))) return true;
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

/** Letters and their marks as one, in a time that grows with the text alone, whoever wrote it. */
export function composed(text: string): string {
  return text.replace(EXCESS_MARKS_PATTERN, "$1").normalize("NFC");
}

function searchFor(pattern: RegExp): (text: string) => boolean {
  return (text) => pattern.test(text);
}

/**
 * Each digit of it, however they are grouped, and none beside them: times and order numbers are long, too. A zero in
 * brackets is dialled at home only, or one of its digits.
 */
function phoneSearch(value: string): (text: string) => boolean {
  const digits = value.replace(/\D/g, "");
  if (digits === "") return () => false;
  const isIn = (run: string): boolean => {
    const packed = run.replace(/\D+/g, "");
    // Most hold other numbers, and there may be ten thousand of them.
    if (!packed.includes(digits)) return false;
    const places: number[] = [];
    for (let place = 0; place < run.length; place += 1) if (DIGIT_PATTERN.test(run.charAt(place))) places.push(place);
    for (let at = packed.indexOf(digits); at !== -1; at = packed.indexOf(digits, at + 1)) {
      if (isWhole(run, places[at] ?? 0, places[at + digits.length - 1] ?? 0)) return true;
    }
    return false;
  };
  return (text) =>
    (text.match(PHONE_RUN_PATTERN) ?? []).some(
      (run) => isIn(run) || (run.includes("(0)") && isIn(run.replaceAll("(0)", "   "))),
    );
}

function isWhole(run: string, first: number, last: number): boolean {
  if (DIGIT_PATTERN.test(run.charAt(last + 1))) return false;
  if (!DIGIT_PATTERN.test(run.charAt(first - 1))) return true;
  return PHONE_PREFIX_PATTERN.test(run.slice(Math.max(0, first - PHONE_PREFIX_LENGTH_MAX), first));
}

function isWord(text: string): boolean {
  return /^[\w.@+-]+$/.test(text);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
