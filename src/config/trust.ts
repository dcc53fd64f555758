import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { z } from "zod";

const IDENTITY_SECRETS_MAX = 5;
/** What HS256 asks for (RFC 7518, 3.2). */
const SECRET_LENGTH_MIN = 32;
const PROXIES_MAX = 200;
const RATE_MAX = 1_000_000;

const reference = z
  .string()
  .max(2_000)
  .regex(/^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, "use env:NAME or file:PATH");

export const identityVerificationSchema = z
  .enum(["off", "optional", "required"])
  .default("off")
  .describe("Whether /identify from browsers takes a user_hash: not looked at, checked where there is one, or needed");

export const identityHashOfSchema = z
  .enum(["user_id", "email", "either"])
  .default("either")
  .describe(
    "What your server makes user_hash of. A hash says only a text: with either, who may choose a user_id can choose somebody's address",
  );

export const identitySecretSchema = z
  .union([reference.transform((one) => [one]), z.array(reference).max(IDENTITY_SECRETS_MAX)])
  .default([])
  .describe(
    `What your server signs user_hash with, as env:NAME or file:PATH, at least ${SECRET_LENGTH_MIN} characters; several while rotating`,
  );

const bucket = (perSecond: number, burst: number, what: string) =>
  z
    .strictObject({
      per_second: z.number().positive().max(RATE_MAX).default(perSecond).describe("How many in the long run"),
      burst: z.int().min(1).max(RATE_MAX).default(burst).describe("How many at once after a pause"),
    })
    .prefault({})
    .describe(what);

/** How much may come from one place. The defaults let a large office behind one address pass. */
export const limitsSchema = z.strictObject({
  network: bucket(200, 4_000, "Requests from one IPv4 address, or from one /64 of IPv6"),
  network_events: bucket(400, 10_000, "Events from one network, however many come in a request"),
  key: bucket(2_000, 20_000, "Requests with one write key or one secret key"),
  visitor: bucket(20, 1_000, "Events of one anonymous_id"),
  trusted_proxies: z
    .array(z.string().max(50).refine(isRange, "must be an address or a range such as 10.0.0.0/8"))
    .max(PROXIES_MAX)
    .default(["127.0.0.0/8", "::1"])
    .describe("Whose X-Forwarded-For is believed; proxies on this machine unless said otherwise"),
});

function isRange(text: string): boolean {
  const [address = "", prefix, ...others] = text.split("/");
  const bits = isIP(address) === 4 ? 32 : 128;
  if (isIP(address) === 0 || others.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
}

/** The texts behind the references, read at each use so that a rotated one holds at once; those that are none are told. */
export function readIdentitySecrets(
  references: readonly string[],
  environment: { readonly [name: string]: string | undefined },
  onUnreadable: (reference: string) => void,
): string[] {
  return references.flatMap((one) => {
    const secret = secretBehind(one, environment);
    if (secret !== null && secret.length >= SECRET_LENGTH_MIN) return [secret];
    onUnreadable(one);
    return [];
  });
}

function secretBehind(one: string, environment: { readonly [name: string]: string | undefined }): string | null {
  if (one.startsWith("env:")) return environment[one.slice("env:".length)] ?? null;
  try {
    return readFileSync(one.slice("file:".length), "utf8").trim();
  } catch {
    return null;
  }
}
