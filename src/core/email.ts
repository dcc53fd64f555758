import { decodePunycode } from "./punycode.ts";

const LOCAL_LENGTH_MAX = 64;
const EMAIL_PATTERN = /^[^\s@"<>(),;:\\[\]]+@[\p{L}\p{M}\p{N}-]+(\.[\p{L}\p{M}\p{N}-]+)+$/u;
const INVISIBLE_PATTERN = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/u;
const MISPLACED_DOT_PATTERN = /^\.|\.\.|\.$/;
const LABEL_PATTERN = /^[\p{L}\p{M}\p{N}-]+$/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const ASCII_PATTERN = /^[\u0000-\u007f]*$/;

/** The comparable form of an address that nothing stands around, or why it is none. */
export function normalizeEmail(
  trimmed: string,
): { value: string; problem?: never } | { value?: never; problem: string } {
  const email = trimmed.toLowerCase();
  if (INVISIBLE_PATTERN.test(email)) return { problem: "has invisible characters inside; type it anew" };
  if (!EMAIL_PATTERN.test(email)) return { problem: 'is no e-mail address; send one like "ada@example.com"' };
  const at = email.lastIndexOf("@");
  const local = email.slice(0, at);
  if (local.length > LOCAL_LENGTH_MAX)
    return { problem: `is no e-mail address: it has ${local.length} characters before the @; at most 64 are allowed` };
  if (MISPLACED_DOT_PATTERN.test(local))
    return { problem: "is no e-mail address: before the @ two dots stand in a row, or one at an end" };
  return { value: `${local}@${readableDomain(email.slice(at + 1))}` };
}

/** A domain has two spellings, in letters and as `xn--` for machines; it is compared in letters. */
export function readableDomain(domain: string): string {
  if (ASCII_PATTERN.test(domain) && !domain.includes("xn--")) return domain;
  return domain.split(".").map(readableLabel).join(".");
}

/** One that stands for no letters, or for none that would be written like this, stays: it is a domain of its own. */
function readableLabel(label: string): string {
  if (!label.startsWith("xn--")) return label.normalize("NFC");
  const letters = decodePunycode(label.slice("xn--".length));
  if (letters === null || ASCII_PATTERN.test(letters) || !LABEL_PATTERN.test(letters)) return label;
  return letters === letters.normalize("NFC").toLowerCase() && !INVISIBLE_PATTERN.test(letters) ? letters : label;
}
