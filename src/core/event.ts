import { DAY_MS } from "./duration.ts";
import type { Json } from "./json.ts";

/** Something that happened, as the core sees it: times corrected, identifiers normalized, nothing left to parse. */
export type Event = {
  eventId: string;
  name: string;
  occurredMs: number;
  receivedMs: number;
  /** What the client said; events without one share a session per visitor and UTC day. */
  sessionId: string | null;
  url: string | null;
  referrer: string | null;
  properties: Record<string, Json>;
  /** The reason why this is a machine's doing; such an event is kept but never scored. */
  bot: string | null;
};

/** `identify` is the only event whose conditions may look at traits: the ones sent with that very call. */
export const IDENTIFY_EVENT = "identify";

/** Order-free on purpose: any rule that looked at neighbouring events would make scores depend on arrival. */
export function sessionKeyOf(event: Pick<Event, "sessionId" | "occurredMs">): string {
  return event.sessionId ?? `~${Math.floor(event.occurredMs / DAY_MS)}`;
}
