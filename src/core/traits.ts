import type { Json } from "./json.ts";

export type Traits = { readonly [trait: string]: Json };

/** Anybody may say traits without end, and every identify reads them all; what is beyond stays in the event alone. */
const TRAITS_MAX = 200;
const TRAITS_LENGTH_MAX = 32 * 1024;

/** The traits with what is said now, as far as there is room; the very same object when nothing changes. */
export function addTraits(current: Traits, said: Traits): Traits {
  const next: { [trait: string]: Json } = { ...current };
  let count = Object.keys(current).length;
  let length = lengthOf(current);
  let isChanged = false;
  for (const [trait, value] of Object.entries(said)) {
    const before = Object.hasOwn(next, trait) ? lengthOf({ [trait]: next[trait] as Json }) : null;
    const grown = length - (before ?? 0) + lengthOf({ [trait]: value });
    const isSame = before !== null && JSON.stringify(next[trait]) === JSON.stringify(value);
    if (isSame || grown > TRAITS_LENGTH_MAX || (before === null && count >= TRAITS_MAX)) continue;
    if (before === null) count += 1;
    Object.defineProperty(next, trait, { value, enumerable: true, configurable: true, writable: true });
    length = grown;
    isChanged = true;
  }
  return isChanged ? next : current;
}

/** What one side says that the other does not. */
export function freshOf(said: Traits, known: Traits): Traits {
  return Object.fromEntries(Object.entries(said).filter(([trait]) => !Object.hasOwn(known, trait)));
}

function lengthOf(traits: Traits): number {
  return JSON.stringify(traits).length;
}
