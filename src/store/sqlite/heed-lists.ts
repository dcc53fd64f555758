import { normalizeIdentifier } from "../../core/identifier.ts";
import type { Suppressions } from "./suppression.ts";

/** Whatever may be an address, with more before it than belongs to one. */
const ADDRESS_PATTERN = /[^\s@"<>(),;:\\[\]]+@[\p{L}\p{M}\p{N}.-]+/gu;
/** What stands before an address without a space, such as a slash or an apostrophe. */
const BEFORE_PATTERN = /^.*[^\p{L}\p{M}\p{N}_.+@-]/u;

type Listed = { email: string; traits: string; cells: string };

/** Empties what names somebody who was erased, in the rows of others: a list says more than whom it is sent to. */
export function createListHeeder(
  suppressions: Pick<Suppressions, "isAny" | "isSuppressed">,
): <Row extends Listed>(row: Row) => Row {
  return (row) => {
    if (!suppressions.isAny()) return row;
    const isErased = (text: string): boolean =>
      addressesIn(text).some((value) => value !== row.email && suppressions.isSuppressed({ kind: "email", value }));
    const cells: string[] = JSON.parse(row.cells);
    if (!cells.some(isErased)) return row;
    const traits = Object.entries(JSON.parse(row.traits)).filter(([, value]) => !isErased(String(value)));
    return {
      ...row,
      cells: JSON.stringify(cells.map((cell) => (isErased(cell) ? "" : cell))),
      traits: JSON.stringify(Object.fromEntries(traits)),
    };
  };
}

function addressesIn(text: string): string[] {
  const found = text.normalize("NFC").replaceAll("%40", "@").match(ADDRESS_PATTERN) ?? [];
  const spelled = found.flatMap((address) => {
    const bare = address.replace(/[.-]+$/, "");
    return [bare, bare.replace(BEFORE_PATTERN, "")];
  });
  return [...new Set(spelled)].flatMap((address) => normalizeIdentifier("email", address).value ?? []);
}
