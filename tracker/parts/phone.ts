const digitsMin = 7;
const digitsMax = 15;
const written = /^[+(\d][\d\s()./-]*\d$/;
// In the ways numbers of other things are written: 12.345.678, 1234567.89, 192.168.100.10, 2026-11-21, 21.11.2026,
// 2024-2026 and the numbers of books.
const others = [
  /^[1-9]\d{0,2}([.\s]\d{3})+(\s*-.*)?$/,
  /^\d+\.\d+$/,
  /^\d{1,3}(\.\d{1,3}){3}(\/\d+)?$/,
  /(^|\D)(19|20)\d\d([-./]\s?)\d{1,2}\3\d{1,2}(\D|$)/,
  /(^|\D)\d{1,2}([-./]\s?)\d{1,2}\2(19|20)\d\d(\D|$)/,
  /^(19|20)\d\d\D+(19|20)\d\d$/,
  /^97[89][-\s]/,
];

/** A number with + is one; without, it is parted as people part them, and is written like nothing else. */
export function isPhone(text: string): boolean {
  const digits = text.replace(/\D/g, "").length;
  if (!written.test(text) || digits < digitsMin || digits > digitsMax) return false;
  return text.startsWith("+") || (/\d\D+\d/.test(text) && !others.some((other) => other.test(text)));
}
