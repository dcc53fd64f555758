import { AppError } from "../../core/error.ts";
import { type Event, IDENTIFY_EVENT } from "../../core/event.ts";
import type { Identifier } from "../../core/identifier.ts";
import { toInvalid } from "../../http/body.ts";
import type { VisitProperties } from "../../http/visit.ts";
import { readIdentifier, readJsonObject, readOccurredMs } from "../../http/wire.ts";
import { commandOf, type EventCommand } from "./command.ts";
import { EVENT_BYTES_MAX, type TrackEvent, trackEventSchema } from "./schema.ts";

/** What the request says for all its events. */
export type Delivery = {
  isTrusted: boolean;
  /** What the request itself says of the visit; what the event says of it weighs more. */
  visit: VisitProperties;
  botReason: string | null;
  sentMs: number | null;
  nowMs: number;
  acceptDays: number;
  mintEventId: () => string;
};

/** One event off the wire as a command, or why it is refused; it never throws, so that it rejects only itself. */
export function readEvent(raw: unknown, bytes: number, delivery: Delivery): EventCommand | AppError {
  if (bytes > EVENT_BYTES_MAX) {
    return new AppError("too_large", `an event may have ${EVENT_BYTES_MAX / 1024} KB; send less metadata`);
  }
  const parsed = trackEventSchema.safeParse(raw);
  if (!parsed.success) return toInvalid(parsed.error);
  const wire = parsed.data;
  if (wire.event === IDENTIFY_EVENT) {
    return new AppError("invalid", "is what /identify writes; call that to say who somebody is", "event");
  }
  const properties = readJsonObject(wire.metadata ?? {}, "metadata");
  if (properties instanceof AppError) return properties;
  const actor = readActor(wire, delivery.isTrusted);
  if (actor instanceof AppError) return actor;
  const occurredMs = readOccurredMs(wire.timestamp, delivery.sentMs, delivery.nowMs, delivery.acceptDays);
  if (occurredMs instanceof AppError) return occurredMs;
  const event: Event = {
    eventId: wire.event_id ?? delivery.mintEventId(),
    name: wire.event,
    occurredMs,
    receivedMs: delivery.nowMs,
    sessionId: wire.session_id || null,
    url: wire.url ?? null,
    referrer: wire.referrer ?? null,
    properties: { ...delivery.visit, ...properties },
    bot: delivery.botReason ?? (properties.webdriver === true ? "webdriver" : null),
  };
  return commandOf(actor, delivery.isTrusted, event);
}

/** Whose event this is. Only the secret key may name a person; a browser names itself. */
function readActor(wire: TrackEvent, isTrusted: boolean): Identifier | AppError {
  const named = (["anonymous_id", "user_id", "email"] as const).filter((kind) => wire[kind] != null);
  const [kind] = named;
  if (kind === undefined) return new AppError("invalid", "is missing; send the visitor's id", "anonymous_id");
  if (!isTrusted && (wire.user_id != null || wire.email != null)) {
    const field = wire.user_id == null ? "email" : "user_id";
    return new AppError(
      "forbidden",
      "needs the secret key here; send anonymous_id, and say who it is with /identify",
      field,
    );
  }
  if (named.length > 1) {
    return new AppError(
      "invalid",
      "cannot stand beside another identifier; tie them together with /identify",
      named[1],
    );
  }
  return readIdentifier(kind, String(wire[kind]), kind);
}
