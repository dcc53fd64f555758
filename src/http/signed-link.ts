import { DAY_MS } from "../core/duration.ts";
import { AppError } from "../core/error.ts";

const SIGNATURE_LENGTH = 32;
/** So long a message in a chat stays worth following. */
const LINK_LIFE_MS = 30 * DAY_MS;
const EXPIRED = "this link has expired; ask for a fresh one, or use the secret key";

/** What a signed address carries besides its path. */
export type LinkProof = { expires?: string | undefined; signature?: string | undefined };

/** A path of this server that whoever holds it may open without a key until `expiresMs`. */
export function signPath(secret: Buffer, path: string, expiresMs: number): string {
  return `${path}?expires=${expiresMs}&signature=${signatureOf(secret, path, String(expiresMs))}`;
}

/** Links in messages let whoever holds one read that one page, for a while; none without an address of our own. */
export function signedLinks(
  publicUrl: string | undefined,
  secret: Buffer,
  nowMs: number,
): ((path: string) => string) | null {
  if (publicUrl === undefined) return null;
  return (path) => publicUrl + signPath(secret, path, nowMs + LINK_LIFE_MS);
}

/** Refuses with one word whatever is wrong with it, but says when it was right once. */
export function checkSignedPath(
  secret: Buffer,
  path: string,
  { expires = "", signature = "" }: LinkProof,
  nowMs: number,
): void {
  const expected = signatureOf(secret, path, expires);
  const isOurs =
    signature.length === expected.length && crypto.timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
  if (!isOurs) throw new AppError("forbidden", "is not one that this server made; copy the whole link", "signature");
  if (Number(expires) < nowMs) throw new AppError("forbidden", EXPIRED, "expires");
}

function signatureOf(secret: Buffer, path: string, expires: string): string {
  const text = `link\n${path}\n${expires}`;
  return new Bun.CryptoHasher("sha256", secret).update(text).digest("base64url").slice(0, SIGNATURE_LENGTH);
}
