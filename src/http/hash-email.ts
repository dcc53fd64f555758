import { normalizeIdentifier } from "../core/identifier.ts";

/** SHA-256 of an address in the form it is compared in, hex: what advertising platforms match lists by. */
export function hashEmail(email: string): string {
  const value = normalizeIdentifier("email", email).value ?? email.trim().toLowerCase();
  return new Bun.CryptoHasher("sha256").update(value).digest("hex");
}
