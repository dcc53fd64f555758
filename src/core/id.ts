/**
 * Ids are time-ordered integers inside (so that inserts land at the end of every index) and opaque strings outside:
 * a prefix that names the kind, and the number in base 36.
 */
const PREFIX = {
  person: "per_",
  signal: "sig_",
  merge: "mrg_",
  review: "rev_",
  delivery: "dlv_",
  campaign: "cmp_",
} as const;

type IdKind = keyof typeof PREFIX;

export function formatId(kind: IdKind, id: number): string {
  return PREFIX[kind] + id.toString(36);
}

/** The number behind an outside id, or null when it is not one of that kind. */
export function parseId(kind: IdKind, text: string): number | null {
  if (!text.startsWith(PREFIX[kind])) return null;
  const digits = text.slice(PREFIX[kind].length);
  const id = Number.parseInt(digits, 36);
  return Number.isSafeInteger(id) && id >= 0 && id.toString(36) === digits ? id : null;
}
