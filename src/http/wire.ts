import { z } from "zod";
import { DAY_MS } from "../core/duration.ts";
import { AppError } from "../core/error.ts";
import { type Identifier, type IdentifierKind, normalizeIdentifier } from "../core/identifier.ts";
import { type Json, measureJson } from "../core/json.ts";
import { correctedTimeMs, parseTimeMs } from "../core/time.ts";

/** What every request that brings something says in the same words. */
export const timeSchema = z.union([z.number(), z.string().max(40)], {
  error: "must be seconds, milliseconds or ISO 8601",
});
/**
 * Text that tells things apart. The store keeps Unicode only: two broken texts would be one there, and the second of them
 * would fail everything that came with it.
 */
export const keyTextSchema = (lengthMax: number) =>
  z
    .string()
    .max(lengthMax)
    .refine((text) => text.isWellFormed(), "has broken Unicode");

export const URL_LENGTH_MAX = 4_096;
export const SESSION_ID_LENGTH_MAX = 64;
export const WRITE_KEY_LENGTH_MAX = 100;

const JSON_KEYS_MAX = 64;
const JSON_DEPTH_MAX = 5;

/** What the operator decides about all that comes in. */
export type IngestConfig = { accept_days: number; require_write_key: boolean };

type TimeSaid = z.infer<typeof timeSchema> | null | undefined;

export function readJsonObject(value: { [key: string]: unknown }, field: string): Record<string, Json> | AppError {
  const { keys, depth } = measureJson(value);
  if (keys > JSON_KEYS_MAX)
    return new AppError("invalid", `has ${keys} keys; at most ${JSON_KEYS_MAX} are taken`, field);
  if (depth > JSON_DEPTH_MAX) {
    return new AppError("invalid", `is nested ${depth} deep; at most ${JSON_DEPTH_MAX} are taken`, field);
  }
  return value as Record<string, Json>;
}

export function readIdentifier(kind: IdentifierKind, raw: string, field: string): Identifier | AppError {
  const { value, problem } = normalizeIdentifier(kind, raw);
  return problem === undefined ? { kind, value } : new AppError("invalid", problem, field);
}

/** A time on the wire, or null when none was given. */
export function readTimeMs(said: TimeSaid, field: string): number | null | AppError {
  if (said == null) return null;
  return parseTimeMs(said) ?? new AppError("invalid", "must be seconds, milliseconds or ISO 8601", field);
}

/** When something happened, by our clock; what is older than `acceptDays` is refused. */
export function readOccurredMs(
  said: TimeSaid,
  sentMs: number | null,
  nowMs: number,
  acceptDays: number,
): number | AppError {
  const saidMs = readTimeMs(said, "timestamp");
  if (saidMs instanceof AppError) return saidMs;
  const occurredMs = correctedTimeMs(saidMs, sentMs, nowMs);
  if (occurredMs >= nowMs - acceptDays * DAY_MS) return occurredMs;
  return new AppError("invalid", `is older than the ${acceptDays} days that ingest.accept_days takes`, "timestamp");
}

/** The value, or the error thrown: for requests that stand or fall as a whole. */
export function orThrow<Value>(value: Value | AppError): Value {
  if (value instanceof AppError) throw value;
  return value;
}
