import type { Event } from "./event.ts";
import type { Identifier, IdentifierKind } from "./identifier.ts";
import type { Json } from "./json.ts";

/** The wire form of a stored event, in the words of /track: the identifier that did it stands under its kind. */
export type EventData = { [Kind in IdentifierKind]?: string } & {
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

export function eventData(event: Event, actor: Identifier | undefined): EventData {
  return {
    event_id: event.eventId,
    event: event.name,
    ...(actor === undefined ? {} : { [actor.kind]: actor.value }),
    session_id: event.sessionId,
    url: event.url,
    referrer: event.referrer,
    timestamp: new Date(event.occurredMs).toISOString(),
    received_at: new Date(event.receivedMs).toISOString(),
    metadata: event.properties,
    bot: event.bot,
  };
}
