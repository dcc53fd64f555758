import type { TrackOutcome } from "../../core/decide-track.ts";
import { AppError } from "../../core/error.ts";
import { formatId } from "../../core/id.ts";
import type { Engine } from "../../engine/engine.ts";
import { parseJson, toInvalid } from "../../http/body.ts";
import { botReasonOf } from "../../http/bots.ts";
import { errorBody } from "../../http/errors.ts";
import { type Keys, mayRead } from "../../http/keys.ts";
import type { Limits } from "../../http/limits.ts";
import type { Metrics } from "../../http/metrics.ts";
import { requestIdOf } from "../../http/request-id.ts";
import { type VisitConfig, visitProperties } from "../../http/visit.ts";
import { type Honour, refusesToBeKnown } from "../../http/visitor.ts";
import { type IngestConfig, orThrow, readTimeMs } from "../../http/wire.ts";
import type { RejectedEvent } from "../../store/port.ts";
import { actorOf, asTrapped, type EventCommand } from "./command.ts";
import { type Delivery, readEvent } from "./read-event.ts";
import { BATCH_EVENTS_MAX, EVENT_BYTES_MAX, trackEnvelopeSchema } from "./schema.ts";

/** What a refused event leaves behind of itself. */
const REJECTED_BODY_MAX = 2_000;

export type TrackDeps = {
  engine: Engine;
  keys: Keys;
  ingest: () => IngestConfig;
  honour: () => Honour;
  visit: () => VisitConfig;
  metrics: Pick<Metrics, "countEvents">;
  limits: Pick<Limits, "charge">;
  /** Whether a link that no person sees was opened from there. */
  isTrapped: (headers: Headers, peer: string | null) => boolean;
};

export type EventAnswer =
  | { event_id: string; status: "accepted" | "duplicate" | "suppressed" | "not_processed" }
  | {
      event_id: string;
      status: "accepted";
      person_id: string;
      score: number;
      level: string;
      delta: number;
      signals: { signal_id: string; threshold: string }[];
    }
  | ({ status: "rejected" } & ReturnType<typeof errorBody>);

export type TrackAnswer = {
  accepted: number;
  duplicate: number;
  rejected: number;
  /** Of people who were erased; only the secret key learns of it. */
  suppressed?: number;
  /** Of browsers that ask not to be tracked. */
  not_processed?: number;
  events: EventAnswer[];
};

type NotProcessed = { status: "not_processed"; eventId: string };

type Envelope = { events: readonly unknown[]; isSingle: boolean; sentMs: number | null; writeKey: string | undefined };

/** Stores and scores what a request brings; answers after the commit what became of each event, and whose they were. */
export async function track(
  text: string,
  headers: Headers,
  { engine, keys, ingest, honour, visit, metrics, limits, isTrapped }: TrackDeps,
  peer: () => string | null,
): Promise<{ answer: TrackAnswer; visitor: string | null }> {
  const envelope = readEnvelope(parseJson(text));
  const caller = keys.ingester(headers);
  const isTrusted = caller !== null;
  const { accept_days: acceptDays, require_write_key: isRequired } = ingest();
  keys.checkWriteKey(envelope.writeKey, isRequired && !isTrusted);
  const isDeclined = !isTrusted && refusesToBeKnown(headers, honour());
  const delivery: Delivery = {
    isTrusted,
    visit: isTrusted || isDeclined ? {} : visitProperties(headers, visit()),
    botReason: isTrusted ? null : botReasonOf(headers),
    sentMs: envelope.sentMs,
    nowMs: engine.now(),
    acceptDays,
    mintEventId: () => Bun.randomUUIDv7(),
  };
  const read = envelope.events.map((raw) => readEvent(raw, bytesOf(raw, text), delivery));
  const rejected: RejectedEvent[] = [];
  read.forEach((result, index) => {
    if (result instanceof AppError && !isDeclined)
      rejected.push(rejectedRow(result, envelope.events[index], delivery.nowMs));
  });
  const told = read.filter((result): result is EventCommand => !(result instanceof AppError));
  const commands = told.some(({ type }) => type === "click") && isTrapped(headers, peer()) ? asTrapped(told) : told;
  limits.charge(headers, { writeKey: envelope.writeKey, visitors: commands.map((command) => actorOf(command).value) });
  const outcomes = isDeclined
    ? commands.map(notProcessed)
    : await engine.submit(commands, rejected, () => requestIdOf(headers));
  for (const result of read) if (result instanceof AppError) metrics.countEvents("rejected", 1);
  for (const outcome of outcomes) {
    metrics.countEvents(outcome instanceof AppError ? "rejected" : outcome.status, 1);
  }
  const [only] = read;
  const [onlyOutcome] = outcomes;
  if (envelope.isSingle && only instanceof AppError) throw only;
  if (envelope.isSingle && onlyOutcome instanceof AppError) throw onlyOutcome;
  return { answer: answerOf(read, outcomes, mayRead(caller)), visitor: isDeclined ? null : visitorOf(commands) };
}

/** Neither the event nor that there was one is stored. */
function notProcessed({ event: { eventId } }: EventCommand): NotProcessed {
  return { status: "not_processed", eventId };
}

/** The browser's own id as its latest event has it. */
function visitorOf(commands: readonly EventCommand[]): string | null {
  const last = commands.at(-1);
  const actor = last === undefined ? null : actorOf(last);
  return actor?.kind === "anonymous_id" ? actor.value : null;
}

/** One event, an array of them, or {"events","sent_at"}. */
function readEnvelope(body: unknown): Envelope {
  if (Array.isArray(body)) return checkCount({ events: body, isSingle: false, sentMs: null, writeKey: undefined });
  if (body === null || typeof body !== "object" || !("events" in body)) {
    return { events: [body], isSingle: true, sentMs: null, writeKey: undefined };
  }
  const parsed = trackEnvelopeSchema.safeParse(body);
  if (!parsed.success) throw toInvalid(parsed.error);
  const { events, sent_at: sentAt, write_key: writeKey } = parsed.data;
  const sentMs = orThrow(readTimeMs(sentAt, "sent_at"));
  return checkCount({ events, isSingle: false, sentMs, writeKey: writeKey ?? undefined });
}

function checkCount(envelope: Envelope): Envelope {
  if (envelope.events.length > BATCH_EVENTS_MAX) {
    throw new AppError("too_large", `a batch may have ${BATCH_EVENTS_MAX} events; send it in parts`, "events");
  }
  return envelope;
}

/** No event is larger than the request that brought it, so only large requests are measured event by event. */
function bytesOf(raw: unknown, text: string): number {
  return text.length * 3 <= EVENT_BYTES_MAX ? text.length : Buffer.byteLength(JSON.stringify(raw) ?? "");
}

function rejectedRow({ code, field, message }: AppError, raw: unknown, nowMs: number): RejectedEvent {
  const body = (JSON.stringify(raw) ?? "").slice(0, REJECTED_BODY_MAX);
  return { rejectedMs: nowMs, code, field, message, body };
}

function answerOf(
  read: readonly (EventCommand | AppError)[],
  outcomes: readonly (TrackOutcome | NotProcessed | AppError)[],
  isTold: boolean,
): TrackAnswer {
  const totals: TrackAnswer = { accepted: 0, duplicate: 0, rejected: 0, events: [] };
  let position = 0;
  for (const result of read) {
    const outcome = result instanceof AppError ? result : outcomes[position++];
    if (outcome === undefined) throw new Error("a command came back without an outcome");
    const event = answerOne(outcome, isTold);
    totals[event.status] = (totals[event.status] ?? 0) + 1;
    totals.events.push(event);
  }
  return totals;
}

function answerOne(outcome: TrackOutcome | NotProcessed | AppError, isTold: boolean): EventAnswer {
  if (outcome instanceof AppError) return { status: "rejected", ...errorBody(outcome) };
  const { eventId, status } = outcome;
  // Whoever holds a browser's id must not learn that its person was erased.
  if (status === "suppressed") return { event_id: eventId, status: isTold ? status : "accepted" };
  if (status !== "accepted" || !isTold) return { event_id: eventId, status };
  return {
    event_id: eventId,
    status,
    person_id: formatId("person", outcome.personId),
    score: outcome.score,
    level: outcome.level,
    delta: outcome.delta,
    signals: outcome.signals.map(({ signalId, threshold }) => ({
      signal_id: formatId("signal", signalId),
      threshold: threshold.name,
    })),
  };
}
