import type { CompiledRule, Rules } from "./compile.ts";
import { combineSums, type Sums, sumOfOne, withoutEvent } from "./score.ts";

/** Times of a session's counted events per rule, ascending: the n earliest of a visitor. */
export type CountedTimes = { readonly [rule: string]: readonly number[] };

type Counting = { sums: Sums; counted: CountedTimes };

/**
 * Lets one event count for one rule. `own` is what this visitor's session counted, `others` what the person's other
 * visitors counted under the same session id: `per_session` holds for all of them together.
 */
export function countEvent(
  rule: CompiledRule,
  sums: Sums,
  own: CountedTimes,
  others: readonly CountedTimes[],
  eventMs: number,
): Counting {
  const before = sums[rule.name];
  const one = sumOfOne(eventMs);
  if (rule.per_session === undefined) {
    return { sums: { ...sums, [rule.name]: before ? combineSums(rule, before, one) : one }, counted: own };
  }
  const ownTimes = own[rule.name] ?? [];
  const isFull = ownTimes.length >= rule.per_session && others.length === 0;
  if (isFull && before !== undefined && eventMs >= (ownTimes[rule.per_session - 1] ?? eventMs)) {
    if (eventMs <= before.lastEventMs) return { sums, counted: own };
    return { sums: { ...sums, [rule.name]: { ...before, lastEventMs: eventMs } }, counted: own };
  }
  const allBefore = earliest([ownTimes, ...others.map((times) => times[rule.name] ?? [])], rule.per_session);
  const counted = { ...own, [rule.name]: earliest([ownTimes, [eventMs]], rule.per_session) };
  const latestCounted = allBefore[rule.per_session - 1];
  if (before === undefined || latestCounted === undefined) {
    return { sums: { ...sums, [rule.name]: before ? combineSums(rule, before, one) : one }, counted };
  }
  if (eventMs >= latestCounted) {
    const sum = { ...before, lastEventMs: Math.max(before.lastEventMs, eventMs) };
    return { sums: { ...sums, [rule.name]: sum }, counted };
  }
  return { sums: { ...sums, [rule.name]: combineSums(rule, withoutEvent(rule, before, latestCounted), one) }, counted };
}

/** Adds two persons' sums; sessions they share are held to `per_session` together. */
export function combineAllSums(
  rules: Rules,
  a: Sums,
  b: Sums,
  shared: readonly { a: readonly CountedTimes[]; b: readonly CountedTimes[] }[],
): Sums {
  const sums = { ...a };
  for (const [name, sum] of Object.entries(b)) {
    const mine = sums[name];
    sums[name] = mine ? combineSums(rules.byName.get(name), mine, sum) : sum;
  }
  for (const session of shared) {
    for (const name of new Set([...session.a, ...session.b].flatMap((times) => Object.keys(times)))) {
      const rule = rules.byName.get(name);
      if (rule?.per_session === undefined) continue;
      for (const surplusMs of surplusOf(session, name, rule.per_session)) {
        const sum = sums[name];
        if (sum !== undefined) sums[name] = withoutEvent(rule, sum, surplusMs);
      }
    }
  }
  return sums;
}

/** What both sides counted, each for itself, beyond the n earliest of the session as a whole. */
function surplusOf(
  session: { a: readonly CountedTimes[]; b: readonly CountedTimes[] },
  rule: string,
  perSession: number,
): number[] {
  const sideOf = (rows: readonly CountedTimes[]) =>
    earliest(
      rows.map((times) => times[rule] ?? []),
      perSession,
    );
  return [...sideOf(session.a), ...sideOf(session.b)].sort((x, y) => x - y).slice(perSession);
}

export function earliest(lists: readonly (readonly number[])[], most: number): number[] {
  return lists
    .flat()
    .sort((x, y) => x - y)
    .slice(0, most);
}
