import { type Observation, observe } from "../../core/calibrate.ts";
import type { Rules } from "../../core/compile.ts";
import type { IntentScore } from "../../core/state.ts";
import { type EventReader, NEWEST, type ReadEvent } from "../../store/sqlite/events.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";

/** The newest events of a person; whoever did more is no better known by the rest. */
const EVENTS_MAX = 20_000;

export type ObserveSources = { scores: Iterable<IntentScore>; people: PeopleReader; events: EventReader };

/** Everybody who shows something about the goal. Reads all events, so it runs in a process of its own. */
export function observeAll(
  { scores, people, events }: ObserveSources,
  goal: string,
  withinMs: number,
  rules: Rules,
  nowMs: number,
): Observation[] {
  const all: Observation[] = [];
  for (const { personId } of scores) {
    const identityIds = people.allIdentitiesOf(personId).map(({ identityId }) => identityId);
    const done: ReadEvent[] = events.newestOf(identityIds, NEWEST, EVENTS_MAX);
    const observation = observe(personId, done, goal, withinMs, rules, nowMs);
    if (observation !== null) all.push(observation);
  }
  return all;
}
