import type { Database } from "bun:sqlite";
import type { Rules } from "../../src/core/compile.ts";
import type { Event } from "../../src/core/event.ts";
import { recomputeSums } from "../../src/core/recompute.ts";
import { evaluate } from "../../src/core/score.ts";
import { unpackSums } from "../../src/store/sqlite/row.ts";

export type EventRow = {
  event_id: string;
  name: string;
  occurred_at: number;
  received_at: number;
  session_id: string | null;
  url: string | null;
  referrer: string | null;
  properties: string | null;
  bot: string | null;
};

export type Compared = { personId: number; stored: Standing; recomputed: Standing };

type Standing = { score: number; rules: { [rule: string]: { raw: number; count: number; lastEventMs: number } } };

/** Every person's standing twice: from the stored sums, and from nothing but the stored events. */
export function comparePeople(database: Database, rules: Rules, atMs: number): Compared[] {
  const selectEvents = database.query<EventRow, [number]>(
    `select e.* from event e join identity i on i.identity_id = e.identity_id where i.person_id = ?`,
  );
  return database
    .query<{ personId: number; sums: string }, []>(`select person_id as personId, sums from intent_score`)
    .all()
    .map(({ personId, sums }) => {
      const events = selectEvents.all(personId).map(eventOf);
      return {
        personId,
        stored: standingOf(unpackSums(sums), rules, atMs),
        recomputed: standingOf(recomputeSums(events, rules, atMs), rules, atMs),
      };
    });
}

function standingOf(sums: Parameters<typeof evaluate>[0], rules: Rules, atMs: number): Standing {
  const { score, contributions } = evaluate(sums, rules, atMs);
  const told = contributions.map(({ rule, raw, sum }) => [
    rule.name,
    { raw, count: sum.count, lastEventMs: sum.lastEventMs },
  ]);
  return { score, rules: Object.fromEntries(told) };
}

export function eventOf(row: EventRow): Event {
  return {
    eventId: row.event_id,
    name: row.name,
    occurredMs: row.occurred_at,
    receivedMs: row.received_at,
    sessionId: row.session_id,
    url: row.url,
    referrer: row.referrer,
    properties: JSON.parse(row.properties ?? "{}"),
    bot: row.bot,
  };
}

/** The largest difference of any number in two standings; infinite when they do not even name the same rules. */
export function differenceOf({ stored, recomputed }: Compared): number {
  const names = new Set([...Object.keys(stored.rules), ...Object.keys(recomputed.rules)]);
  let largest = Math.abs(stored.score - recomputed.score);
  for (const name of names) {
    const [a, b] = [stored.rules[name], recomputed.rules[name]];
    if (a === undefined || b === undefined || a.count !== b.count || a.lastEventMs !== b.lastEventMs) {
      return Number.POSITIVE_INFINITY;
    }
    largest = Math.max(largest, Math.abs(a.raw - b.raw));
  }
  return largest;
}
