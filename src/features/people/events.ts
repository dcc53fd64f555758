import { z } from "zod";
import { type EventData, eventData } from "../../core/event-data.ts";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import { type EventReader, NEWEST } from "../../store/sqlite/events.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";

export type EventsQuery = { limit: number; cursor?: string | undefined };

export type EventsAnswer = { events: EventData[]; next_cursor: string | null };

const cursorSchema = z.tuple([z.int().min(0), z.int().min(0)]);

type EventsDeps = { people: PeopleReader; events: EventReader };

/** What all of a person's identifiers did, the newest first. */
export function listEvents(
  personId: number,
  { limit, cursor }: EventsQuery,
  { people, events }: EventsDeps,
): EventsAnswer {
  const position = decodeCursor(cursorSchema, cursor);
  const before = position === null ? NEWEST : { occurredMs: position[0], eventSeq: position[1] };
  const identities = new Map(people.allIdentitiesOf(personId).map((identity) => [identity.identityId, identity]));
  const found = events.newestOf([...identities.keys()], before, limit + 1);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    events: page.map((event) => eventData(event, identities.get(event.identityId))),
    next_cursor: last === undefined || found.length <= limit ? null : encodeCursor([last.occurredMs, last.eventSeq]),
  };
}
