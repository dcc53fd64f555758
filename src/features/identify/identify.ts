import type { IdentifyCommand, IdentifyOutcome } from "../../core/decide-identify.ts";
import { AppError } from "../../core/error.ts";
import { IDENTIFY_EVENT } from "../../core/event.ts";
import { formatId } from "../../core/id.ts";
import { CLAIM_KINDS, type Identifier, identifierKey } from "../../core/identifier.ts";
import { identifyProperties } from "../../core/identify-properties.ts";
import type { Json } from "../../core/json.ts";
import { type GroupPoints, type Reason, reasonsOf } from "../../core/signal.ts";
import type { Traits } from "../../core/traits.ts";
import type { Engine } from "../../engine/engine.ts";
import { parseJson, toInvalid } from "../../http/body.ts";
import { botReasonOf } from "../../http/bots.ts";
import { type Keys, mayRead } from "../../http/keys.ts";
import type { Limits } from "../../http/limits.ts";
import type { Metrics } from "../../http/metrics.ts";
import { requestIdOf } from "../../http/request-id.ts";
import { type IdentityTrust, readSignature, type Said, type Signed } from "../../http/signature.ts";
import { type VisitConfig, visitProperties } from "../../http/visit.ts";
import { type Honour, refusesToBeKnown } from "../../http/visitor.ts";
import {
  type IngestConfig,
  orThrow,
  readIdentifier,
  readJsonObject,
  readOccurredMs,
  readTimeMs,
} from "../../http/wire.ts";
import { type IdentifyBody, identifySchema } from "./schema.ts";

export type IdentifyDeps = {
  engine: Engine;
  keys: Keys;
  ingest: () => IngestConfig;
  honour: () => Honour;
  visit: () => VisitConfig;
  metrics: Pick<Metrics, "countEvents">;
  limits: Pick<Limits, "charge">;
  identityTrust: (headers: Headers) => IdentityTrust;
};

/** What is known of a call beside its body. */
type Circumstances = {
  isTrusted: boolean;
  signed: Signed | null;
  bot: string | null;
  nowMs: number;
  acceptDays: number;
};

export type IdentifyAnswer =
  | { ok: true }
  | { suppressed: true }
  | {
      person_id: string;
      merged: boolean;
      changed: boolean;
      in_review: boolean;
      score: number;
      level: string;
      groups: GroupPoints[];
      reasons: Reason[];
      signals: { signal_id: string; threshold: string }[];
    };

/** Ties identifiers to one person, in one transaction. Only the secret key learns what is known about that person. */
export async function identify(text: string, headers: Headers, deps: IdentifyDeps): Promise<IdentifyAnswer> {
  const { engine, keys, ingest, metrics, limits, identityTrust } = deps;
  const parsed = identifySchema.safeParse(parseJson(text));
  if (!parsed.success) throw toInvalid(parsed.error);
  const caller = keys.ingester(headers);
  const isTrusted = caller !== null;
  const { accept_days: acceptDays, require_write_key: isRequired } = ingest();
  keys.checkWriteKey(parsed.data.write_key ?? undefined, isRequired && !isTrusted);
  const said = readClaims(parsed.data.identity);
  const signed = isTrusted
    ? null
    : await readSignature(parsed.data.user_hash, said, identityTrust(headers), engine.now());
  const bot = isTrusted ? null : botReasonOf(headers);
  const given = readCommand(parsed.data, said, { isTrusted, signed, bot, nowMs: engine.now(), acceptDays });
  const command = caller === null ? heedBrowser(given, headers, deps) : { ...given, by: caller.keyId };
  if (command === null) return { ok: true };
  limits.charge(headers, {
    writeKey: parsed.data.write_key ?? undefined,
    visitors: given.visitor === null ? [] : [given.visitor.value],
  });
  const [outcome] = await engine.submit([command], [], () => requestIdOf(headers));
  if (outcome === undefined) throw new Error("a command came back without an outcome");
  if (outcome instanceof AppError) throw outcome;
  metrics.countEvents(outcome.status, 1);
  return mayRead(caller) ? answer(outcome) : { ok: true };
}

function readCommand(
  body: IdentifyBody,
  said: readonly Said[],
  { isTrusted, signed, bot, nowMs, acceptDays }: Circumstances,
): IdentifyCommand {
  const own = said.map(({ kind, value }): Identifier => ({ kind, value }));
  const ownTraits = readTraits(body.identity);
  const word = wordOf(own, ownTraits, isTrusted, signed);
  const claims = [...word.claims, ...(word.unsigned?.claims ?? [])];
  const traits = { ...ownTraits, ...word.traits };
  const visitor =
    body.anonymous_id == null ? null : orThrow(readIdentifier("anonymous_id", body.anonymous_id, "anonymous_id"));
  if (claims.length === 0 && (visitor === null || Object.keys(traits).length === 0)) {
    throw new AppError("invalid", "names nobody; send at least one of user_id, email, phone", "identity");
  }
  const sentMs = orThrow(readTimeMs(body.sent_at, "sent_at"));
  return {
    type: "identify",
    ...word,
    visitor,
    event: {
      eventId: Bun.randomUUIDv7(),
      name: IDENTIFY_EVENT,
      occurredMs: orThrow(readOccurredMs(body.timestamp, sentMs, nowMs, acceptDays)),
      receivedMs: nowMs,
      sessionId: body.session_id || null,
      url: body.url ?? null,
      referrer: body.referrer ?? null,
      properties: identifyProperties(claims, traits),
      bot,
    },
  };
}

/** Whose word it is: all of it the secret key's or a browser's, or what is signed apart from what is not. */
function wordOf(
  claims: Identifier[],
  traits: Traits,
  isTrusted: boolean,
  signed: Signed | null,
): Pick<IdentifyCommand, "claims" | "traits" | "isTrusted" | "unsigned"> {
  if (signed === null) return { claims, traits, isTrusted };
  const vouched = new Set(signed.claims.map(identifierKey));
  const others = claims.filter((claim) => !vouched.has(identifierKey(claim)));
  return { ...signed, isTrusted: true, unsigned: { claims: others, traits } };
}

/**
 * What a person says of themselves is heard also where their browser asks not to be tracked; what it did stays out, and
 * so does its id. Null when nothing is left to do.
 */
function heedBrowser(
  command: IdentifyCommand,
  headers: Headers,
  { honour, visit, metrics }: IdentifyDeps,
): IdentifyCommand | null {
  if (!refusesToBeKnown(headers, honour())) {
    const properties = { ...visitProperties(headers, visit()), ...command.event.properties };
    return { ...command, event: { ...command.event, properties } };
  }
  if (command.claims.length > 0) return { ...command, visitor: null };
  metrics.countEvents("not_processed", 1);
  return null;
}

function readClaims(identity: IdentifyBody["identity"]): Said[] {
  return CLAIM_KINDS.flatMap((kind) => {
    const raw = identity[kind];
    if (raw == null) return [];
    return [{ ...orThrow(readIdentifier(kind, String(raw), `identity.${kind}`)), raw: String(raw) }];
  });
}

function readTraits(identity: IdentifyBody["identity"]): { [trait: string]: Json } {
  const { user_id: _userId, email: _email, phone: _phone, ...traits } = orThrow(readJsonObject(identity, "identity"));
  return traits;
}

function answer(outcome: IdentifyOutcome): IdentifyAnswer {
  if (outcome.status === "suppressed") return { suppressed: true };
  return {
    person_id: formatId("person", outcome.personId),
    merged: outcome.isMerged,
    changed: outcome.isChanged,
    in_review: outcome.isInReview,
    score: outcome.score,
    level: outcome.level,
    groups: outcome.evaluation.groups,
    reasons: reasonsOf(outcome.evaluation),
    signals: outcome.signals.map(({ signalId, threshold }) => ({
      signal_id: formatId("signal", signalId),
      threshold: threshold.name,
    })),
  };
}
