import { createHmac } from "node:crypto";

/** Without 0 and O, I and l: an id may be read to somebody over the phone. */
const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** 58^8: among 100,000 leads two share an id once in 25,000 instances, and a guess among a million hits one in 10^8. */
const LINK_ID_LENGTH = 8;
/** Shorter, so that it can never be a lead's. */
const HONEYPOT_ID_LENGTH = 7;

/**
 * What stands for a person in links: it follows from the address and this instance's secret alone, and without the
 * secret nobody can tell whose it is. `attempt` counts those that were taken by somebody else.
 */
export function linkIdOf(secret: Buffer, email: string, attempt: number): string {
  return idOf(secret, `link:${attempt}:${email}`, LINK_ID_LENGTH);
}

/** The link of a campaign that no person sees: whatever follows it opens every link of a mail. */
export function honeypotIdOf(secret: Buffer, slug: string): string {
  return idOf(secret, `honeypot:${slug}`, HONEYPOT_ID_LENGTH);
}

function idOf(secret: Buffer, message: string, length: number): string {
  let rest = createHmac("sha256", secret).update(message).digest().readBigUInt64BE();
  let id = "";
  for (let index = 0; index < length; index += 1) {
    id += ALPHABET[Number(rest % 58n)];
    rest /= 58n;
  }
  return id;
}
