import { touchOf } from "./attribution.ts";
import type { CompiledRule, Rules } from "./compile.ts";
import { type Event, sessionKeyOf } from "./event.ts";
import type { Sums } from "./score.ts";

/** All that counting needs of an event. */
type Matched = Pick<Event, "occurredMs" | "sessionId">;

/** Takes a long history in portions and keeps little of it. */
export type Recomputation = { add(events: readonly Event[]): void; sums(): Sums };

/**
 * A person's sums at `atMs`, straight from the definition and all the events up to then. The loop never does this; it
 * answers what a score was in the past, and it is what the loop's sums are held against in tests.
 */
export function recomputeSums(events: readonly Event[], rules: Rules, atMs: number): Sums {
  const recomputation = createRecomputation(rules, atMs);
  recomputation.add(events);
  return recomputation.sums();
}

export function createRecomputation(rules: Rules, atMs: number): Recomputation {
  const matched = new Map<CompiledRule, Matched[]>();
  return {
    add: (events) => {
      for (const event of events) {
        const { occurredMs, sessionId } = event;
        if (event.bot !== null || occurredMs > atMs) continue;
        const kept: Matched = { occurredMs, sessionId };
        for (const rule of rules.matching(event, touchOf(event))) appendTo(matched, rule, kept);
      }
    },
    sums: () => sumsOf(matched, atMs),
  };
}

function sumsOf(matched: ReadonlyMap<CompiledRule, readonly Matched[]>, atMs: number): Sums {
  const sums: { [rule: string]: Sums[string] } = {};
  for (const [rule, all] of matched) {
    const times = countedTimes(rule, all);
    const weights = times.map((timeMs) => (rule.halfLifeMs === null ? 1 : 2 ** ((timeMs - atMs) / rule.halfLifeMs)));
    sums[rule.name] = {
      weight: weights.reduce((total, weight) => total + weight, 0),
      atMs,
      count: times.length,
      lastEventMs: all.reduce((latest, { occurredMs }) => Math.max(latest, occurredMs), 0),
    };
  }
  return sums;
}

function countedTimes(rule: CompiledRule, events: readonly Matched[]): number[] {
  const times = events.map(({ occurredMs }) => occurredMs).sort((a, b) => a - b);
  if (rule.once) return times.slice(0, 1);
  if (rule.keep === "latest") return times.slice(-1);
  if (rule.per_session === undefined) return times;
  const bySession = new Map<string, number[]>();
  for (const event of events) {
    appendTo(bySession, sessionKeyOf(event), event.occurredMs);
  }
  return [...bySession.values()].flatMap((session) => session.sort((a, b) => a - b).slice(0, rule.per_session));
}

function appendTo<Key, Item>(lists: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}
