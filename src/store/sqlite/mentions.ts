import type { Identifier } from "../../core/identifier.ts";

/** A longer list of weak identifiers is looked up word by word instead of each in the whole text. */
const WORD_PATTERN = /[\w.@+-]+/g;
const PHONE_NOISE_PATTERN = /[\s().\-/]/g;

/** Whether a text that somebody sent names one of these identifiers, however they wrote it. */
export function createMentions(identifiers: readonly Identifier[]): (text: string) => boolean {
  const named: RegExp[] = [];
  const phones = new Set<string>();
  const weak = new Set<string>();
  for (const { kind, value } of identifiers) {
    const folded = value.toLowerCase();
    if (kind === "phone") phones.add(folded.replace("+", ""));
    else if (kind === "email") named.push(new RegExp(`(?<![\\w.@+-])${escaped(folded)}(?![\\w@-])`));
    else if (kind !== "user_id" && isWord(folded)) weak.add(folded);
    // As a whole value only: a user id may be as short as "7".
    else named.push(new RegExp(`[":]${escaped(JSON.stringify(folded).slice(1, -1))}(?:[",}]|$)`));
  }
  return (text) => {
    const folded = text.toLowerCase().replaceAll("%40", "@");
    if (named.some((pattern) => pattern.test(folded))) return true;
    if (phones.size > 0) {
      const squeezed = folded.replace("(0)", "").replace(PHONE_NOISE_PATTERN, "");
      for (const phone of phones) if (squeezed.includes(phone)) return true;
    }
    return weak.size > 0 && [...folded.matchAll(WORD_PATTERN)].some(([word]) => weak.has(word));
  };
}

function isWord(text: string): boolean {
  return /^[\w.@+-]+$/.test(text);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
