const SIGNATURE_LENGTH = 22;
const NONCE_BYTES = 9;
const TOKEN_PATTERN = /^([0-9a-z]{1,11})\.([\w-]{12})\.([\w-]{22})$/;

/** Nobody reads and fills a form faster; programs do. */
const FILL_MIN_MS = 2_000;
/** A form may lie open over a lunch break and a night. */
const FORM_AGE_MAX_MS = 24 * 60 * 60 * 1_000;

/** Why a form's token does not count. */
export type StartedProblem = "forged" | "outdated" | "too_quick";

/** When a form was handed out, signed, so that nobody can say it was earlier; each one is another. */
export function mintStarted(secret: Buffer, slug: string, nowMs: number): string {
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(NONCE_BYTES))).toString("base64url");
  const time = nowMs.toString(36);
  return `${time}.${nonce}.${signatureOf(secret, slug, time, nonce)}`;
}

export function startedProblem(secret: Buffer, slug: string, token: string, nowMs: number): StartedProblem | null {
  const [, time = "", nonce = "", signature = ""] = TOKEN_PATTERN.exec(token) ?? [];
  const expected = signatureOf(secret, slug, time, nonce);
  const isOurs =
    signature.length === expected.length && crypto.timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
  if (!isOurs) return "forged";
  const ageMs = nowMs - Number.parseInt(time, 36);
  if (ageMs > FORM_AGE_MAX_MS) return "outdated";
  return ageMs < FILL_MIN_MS ? "too_quick" : null;
}

/** The same for the same form sent again with the same address: what comes twice is one. */
export function eventIdOf(secret: Buffer, slug: string, token: string, email: string): string {
  const text = `magnet event\n${slug}\n${token}\n${email}`;
  return `magnet_${new Bun.CryptoHasher("sha256", secret).update(text).digest("base64url")}`;
}

function signatureOf(secret: Buffer, slug: string, time: string, nonce: string): string {
  const text = `magnet form\n${slug}\n${time}\n${nonce}`;
  return new Bun.CryptoHasher("sha256", secret).update(text).digest("base64url").slice(0, SIGNATURE_LENGTH);
}
