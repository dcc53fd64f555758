import type { Rules } from "../../core/compile.ts";
import { AppError } from "../../core/error.ts";
import { createRecomputation } from "../../core/recompute.ts";
import type { Sums } from "../../core/score.ts";
import { type EventReader, NEWEST } from "./events.ts";
import type { PeopleReader } from "./people.ts";

/** Events that one look into the past goes through. */
const PAST_EVENTS_MAX = 100_000;
const SLICE_EVENTS = 500;
/** Events that are gone through in a moment. */
const SHORT_PAST_EVENTS = 200;

/** What somebody's score was made of, and when they were seen last, at a time gone by. */
export type Past = { sums: Sums; lastSeenMs: number };

export type PastReader = (personId: number, atMs: number, rules: Rules) => Past;

/** Reads the past from the stored events. One reader serves one question: what it may go through is bounded for all of it. */
export function createPastReader({ people, events }: { people: PeopleReader; events: EventReader }): PastReader {
  let left = PAST_EVENTS_MAX;
  return (personId, atMs, rules) => {
    checkKept(people.personOf(personId).score.firstSeenMs, atMs, events.keptSinceMs());
    const identityIds = people.allIdentitiesOf(personId).map(({ identityId }) => identityId);
    const past = createRecomputation(rules, atMs);
    let before = { ...NEWEST, occurredMs: atMs + 1 };
    let lastSeenMs = 0;
    while (left > 0) {
      const slice = events.newestOf(identityIds, before, SLICE_EVENTS);
      past.add(slice);
      left -= slice.length;
      lastSeenMs ||= slice.find(({ bot }) => bot === null)?.occurredMs ?? 0;
      const last = slice.at(-1);
      if (last === undefined || slice.length < SLICE_EVENTS) return { sums: past.sums(), lastSeenMs };
      before = { occurredMs: last.occurredMs, eventSeq: last.eventSeq };
    }
    throw new AppError(
      "invalid",
      `has ${PAST_EVENTS_MAX} events or more before it, too many to go through; ask for a time after the newest event`,
      "at",
    );
  };
}

/** Whether a look into somebody's past takes longer than a moment; counted in the index alone. */
export function isLongPast(
  personId: number,
  atMs: number,
  { people, events }: { people: PeopleReader; events: EventReader },
): boolean {
  let left = SHORT_PAST_EVENTS;
  return people.allIdentitiesOf(personId).some(({ identityId }) => {
    left -= events.countUntil(identityId, atMs, left + 1);
    return left < 0;
  });
}

/** Whoever came after the last sweep has all of their events. */
function checkKept(firstSeenMs: number, atMs: number, keptSinceMs: number): void {
  if (firstSeenMs >= keptSinceMs || atMs >= keptSinceMs) return;
  throw new AppError(
    "invalid",
    `lies before ${new Date(keptSinceMs).toISOString()}, and events from before are not kept (retain.events); ask for a later time`,
    "at",
  );
}

/** From when on somebody's events are kept, where older ones were swept; else null. */
export function sweptBefore(firstSeenMs: number, events: Pick<EventReader, "keptSinceMs">): string | null {
  const keptSinceMs = events.keptSinceMs();
  return firstSeenMs < keptSinceMs ? new Date(keptSinceMs).toISOString() : null;
}
