import { z } from "zod";
import { type SentSignal, sentSignals } from "../../core/delivery.ts";
import { AppError } from "../../core/error.ts";
import { parseId } from "../../core/id.ts";
import { cursorSchema, decodeCursor, encodeCursor, limitSchema, queryTimeSchema } from "../../http/query.ts";
import type { DeliveryStore } from "../../store/sqlite/delivery.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import { NEWEST_SIGNAL, type SignalReader } from "../../store/sqlite/signals-read.ts";

export const signalsQuerySchema = z.strictObject({
  threshold: z.string().min(1).max(64).optional(),
  since: queryTimeSchema.optional(),
  person_id: z.string().optional(),
  limit: limitSchema,
  cursor: cursorSchema.optional(),
});

export type SignalsQuery = z.infer<typeof signalsQuerySchema>;

export type SignalsSources = {
  people: PeopleReader;
  signals: SignalReader;
  deliveries: Pick<DeliveryStore, "bySignals">;
};

export type SignalsAnswer = { signals: SentSignal[]; next_cursor: string | null };

const positionSchema = z.tuple([z.int().min(0), z.int().min(0)]);

/** Signals as they were at their crossing and where they went, the newest first. */
export function listSignals(
  { threshold, since, person_id: personIdSaid, limit, cursor }: SignalsQuery,
  { people, signals, deliveries }: SignalsSources,
): SignalsAnswer {
  const position = decodeCursor(positionSchema, cursor);
  const before = position === null ? NEWEST_SIGNAL : { createdMs: position[0], signalId: position[1] };
  const filter = {
    personId: personIdSaid === undefined ? null : readPersonId(personIdSaid, people),
    threshold: threshold ?? null,
    sinceMs: since ?? 0,
  };
  const found = signals.newest(filter, before, limit + 1);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    signals: sentSignals(page, deliveries.bySignals(page.map(({ signalId }) => signalId))),
    next_cursor: last === undefined || found.length <= limit ? null : encodeCursor([last.createdMs, last.signalId]),
  };
}

/** Whoever the id stands for by now; an id that nobody has finds no signals. */
function readPersonId(said: string, people: PeopleReader): number {
  const personId = parseId("person", said);
  if (personId === null) throw new AppError("invalid", "must be a person_id, such as per_…", "person_id");
  return people.survivorOf(personId) ?? personId;
}
