import { createHmac, timingSafeEqual } from "node:crypto";
import type { errors as JoseErrors, JWTPayload } from "jose";
import { z } from "zod";
import { AppError } from "../core/error.ts";
import { CLAIM_KINDS, type Identifier, type IdentifierKind, identifierKey } from "../core/identifier.ts";
import type { Json } from "../core/json.ts";
import { orThrow, readIdentifier, readJsonObject } from "./wire.ts";

const FIELD = "user_hash";
/** Clocks of two servers are seldom the same. */
const LEEWAY_S = 60;
const ALGORITHM = "HS256";

const HEX_PATTERN = /^[0-9a-f]{64}$/i;
const JWT_PATTERN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Whether a browser's word about who somebody is takes a signature, and the secrets that sign. */
export type IdentityTrust = {
  mode: "off" | "optional" | "required";
  /** What a hash may be of. It names no kind: of either, one who has chosen another's address as user_id has its hash, too. */
  hashOf: "user_id" | "email" | "either";
  secrets(): readonly string[];
};

/** What a signature vouches for: nothing beside it. */
export type Signed = { claims: Identifier[]; traits: { [trait: string]: Json } };

/** An identifier as it was sent, and as it is compared: either may be what was signed. */
export type Said = Identifier & { raw: string };

const identifier = z.union([z.string(), z.int()]).nullish();
const payloadSchema = z.object({
  sub: identifier,
  user_id: identifier,
  email: z.string().nullish(),
  phone: z.string().nullish(),
  traits: z.record(z.string(), z.unknown()).nullish(),
});

/** What of an identify is signed: null where no signature is sent and none is asked for. A wrong one is never let pass. */
export async function readSignature(
  signature: string | null | undefined,
  said: readonly Said[],
  { mode, hashOf, secrets }: IdentityTrust,
  nowMs: number,
): Promise<Signed | null> {
  if (mode === "off") return null;
  if (signature == null || signature === "") {
    if (mode === "optional") return null;
    throw refused("is missing; this server takes signed identifies only: have yours sign user_id or email");
  }
  if (HEX_PATTERN.test(signature)) return { claims: hashedOf(signature, said, hashOf, secrets()), traits: {} };
  if (JWT_PATTERN.test(signature)) return withinToken(await verifiedPayload(signature, secrets(), nowMs), said);
  throw refused("must be 64 hex digits (HMAC-SHA256 over user_id or email), or a JWT signed with HS256");
}

/** Those of the identifiers whose very text was signed; a hash says nothing about their neighbours. */
function hashedOf(
  signature: string,
  said: readonly Said[],
  hashOf: IdentityTrust["hashOf"],
  secrets: readonly string[],
): Identifier[] {
  const given = Buffer.from(signature, "hex");
  const isSigned = (text: string): boolean =>
    secrets.some((secret) => timingSafeEqual(createHmac("sha256", secret).update(text).digest(), given));
  const mayBe = (kind: IdentifierKind): boolean => (hashOf === "either" ? kind !== "phone" : kind === hashOf);
  const signed = said.filter(({ kind, value, raw }) => mayBe(kind) && (isSigned(raw) || isSigned(value)));
  if (signed.length > 0) return signed.map(({ kind, value }) => ({ kind, value }));
  const missed = hashOf === "either" ? "signs neither the user_id nor the email" : `does not sign the ${hashOf}`;
  throw refused(`${missed} of this call; sign exactly what is sent, on your server`);
}

async function verifiedPayload(token: string, secrets: readonly string[], nowMs: number): Promise<JWTPayload> {
  // Loaded for the first token: most instances never see one, and every start would wait for it.
  const { errors, jwtVerify } = await import("jose");
  let reason = "is signed with none of the secrets in identity_secret";
  for (const secret of secrets) {
    try {
      const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), {
        algorithms: [ALGORITHM],
        requiredClaims: ["exp"],
        clockTolerance: LEEWAY_S,
        currentDate: new Date(nowMs),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) continue;
      reason = reasonOf(error, errors);
    }
  }
  throw refused(reason);
}

function reasonOf(error: unknown, errors: typeof JoseErrors): string {
  if (error instanceof errors.JWTExpired) return "has expired; have your server sign another";
  if (error instanceof errors.JOSEAlgNotAllowed) return `must be signed with ${ALGORITHM}`;
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "exp") return "needs exp, the time in seconds until which it holds";
    if (error.claim === "nbf") return "does not hold yet, by its nbf";
  }
  return "is no JWT that can be read";
}

/** The identifiers and traits in a token. What the call itself says of the same kind must be the same. */
function withinToken(payload: JWTPayload, said: readonly Said[]): Signed {
  const parsed = payloadSchema.safeParse(payload);
  if (!parsed.success) throw refused("has claims of another form; user_id (or sub), email and phone are texts");
  const { sub, traits, ...named } = parsed.data;
  const values = { ...named, user_id: named.user_id ?? sub };
  const claims = CLAIM_KINDS.flatMap((kind) => {
    const value = values[kind];
    return value == null ? [] : [orThrow(readIdentifier(kind, String(value), FIELD))];
  });
  if (claims.length === 0) throw refused("names nobody; put user_id (or sub), email or phone into it");
  const signed = new Set(claims.map(identifierKey));
  const contrary = said.find((one) => claims.some(({ kind }) => kind === one.kind) && !signed.has(identifierKey(one)));
  if (contrary !== undefined) throw refused(`names another ${contrary.kind} than this call`);
  return { claims, traits: orThrow(readJsonObject(traits ?? {}, FIELD)) };
}

function refused(why: string): AppError {
  return new AppError("unauthorized", why, FIELD);
}
