import { z } from "zod";
import {
  keyTextSchema,
  SESSION_ID_LENGTH_MAX,
  timeSchema,
  URL_LENGTH_MAX,
  WRITE_KEY_LENGTH_MAX,
} from "../../http/wire.ts";

export const EVENT_BYTES_MAX = 32 * 1024;
export const BATCH_BYTES_MAX = 500 * 1024;
export const BATCH_EVENTS_MAX = 500;

/** One event on the wire. What is not named here belongs into metadata. */
export const trackEventSchema = z.strictObject(
  {
    event: keyTextSchema(100).min(1),
    event_id: keyTextSchema(64).min(1).nullish(),
    anonymous_id: z.string().nullish(),
    user_id: z.union([z.string(), z.int()], { error: "must be a string" }).nullish(),
    email: z.string().nullish(),
    session_id: keyTextSchema(SESSION_ID_LENGTH_MAX).nullish(),
    url: z.string().max(URL_LENGTH_MAX).nullish(),
    referrer: z.string().max(URL_LENGTH_MAX).nullish(),
    timestamp: timeSchema.nullish(),
    metadata: z.record(z.string(), z.unknown()).nullish(),
  },
  { error: (issue) => (issue.code === "invalid_type" ? "an event must be an object" : undefined) },
);

export const trackEnvelopeSchema = z.strictObject({
  events: z.array(z.unknown()),
  sent_at: timeSchema.nullish(),
  write_key: z.string().max(WRITE_KEY_LENGTH_MAX).nullish(),
});

/** All that a body may be; track.ts reads the events one by one, so that one bad event does not refuse the others. */
export const trackBodySchema = z.union([
  trackEventSchema,
  z.array(trackEventSchema).max(BATCH_EVENTS_MAX),
  trackEnvelopeSchema.extend({ events: z.array(trackEventSchema).max(BATCH_EVENTS_MAX) }),
]);

export type TrackEvent = z.infer<typeof trackEventSchema>;
