import { z } from "zod";
import type { IdentifierKind } from "../../core/identifier.ts";
import type { Json } from "../../core/json.ts";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import { type EventReader, NEWEST } from "../../store/sqlite/events.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";

/** In the words of /track: the identifier that did it stands under its kind. */
export type EventAnswer = { [Kind in IdentifierKind]?: string } & {
  event_id: string;
  event: string;
  session_id: string | null;
  url: string | null;
  referrer: string | null;
  timestamp: string;
  received_at: string;
  metadata: { [key: string]: Json };
  bot: string | null;
};

export type EventsAnswer = { events: EventAnswer[]; next_cursor: string | null };

const cursorSchema = z.tuple([z.int().min(0), z.int().min(0)]);

type Page = { limit: number; cursor?: string | undefined };
type EventsDeps = { people: PeopleReader; events: EventReader };

/** What all of a person's identifiers did, the newest first. */
export function listEvents(personId: number, { limit, cursor }: Page, { people, events }: EventsDeps): EventsAnswer {
  const position = decodeCursor(cursorSchema, cursor);
  const before = position === null ? NEWEST : { occurredMs: position[0], eventSeq: position[1] };
  const identities = new Map(people.allIdentitiesOf(personId).map((identity) => [identity.identityId, identity]));
  const found = events.newestOf([...identities.keys()], before, limit + 1);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    events: page.map((event) => {
      const identity = identities.get(event.identityId);
      return {
        event_id: event.eventId,
        event: event.name,
        ...(identity === undefined ? {} : { [identity.kind]: identity.value }),
        session_id: event.sessionId,
        url: event.url,
        referrer: event.referrer,
        timestamp: new Date(event.occurredMs).toISOString(),
        received_at: new Date(event.receivedMs).toISOString(),
        metadata: event.properties,
        bot: event.bot,
      };
    }),
    next_cursor: last === undefined || found.length <= limit ? null : encodeCursor([last.occurredMs, last.eventSeq]),
  };
}
