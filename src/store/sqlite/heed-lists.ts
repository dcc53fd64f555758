import { normalizeIdentifier } from "../../core/identifier.ts";
import { composed } from "./mentions.ts";
import type { Suppressions } from "./suppression.ts";

/** Whatever no address has before its `@`. */
const OUTSIDE_PATTERN = /[\s@"<>(),;:\\[\]]/;
/** What comes before is no address any more: the longest there is has so many. */
const LOCAL_SEEN_MAX = 254;
const DOMAIN_PATTERN = /[\p{L}\p{M}\p{N}.-]{1,255}/uy;
const DOMAIN_END_PATTERN = /(?<![.-])[.-]+$/;
/** What stands before an address without a space, such as a slash or an apostrophe. */
const BEFORE_PATTERN = /^.*[^\p{L}\p{M}\p{N}_.+@-]/u;

type Listed = { email: string; traits: string; cells: string };
/** Whether one of the addresses in a text is an erased one's. */
type Asked = () => boolean;

/**
 * Empties what names somebody who was erased, in the rows of others: a list says more than whom it is sent to. It reads
 * a row at once, outside of any transaction; what it returns looks up hashes, and is called within one.
 */
export function createListHeeder(
  suppressions: Pick<Suppressions, "isAny" | "ask">,
): <Row extends Listed>(row: Row) => () => Row {
  const ask = (text: string, own: string): Asked | null => {
    const asked = addressesIn(text).flatMap((value) =>
      value === own ? [] : [suppressions.ask({ kind: "email", value })],
    );
    return asked.length === 0 ? null : () => asked.some((isSuppressed) => isSuppressed());
  };
  const read = ({ email, cells, traits }: Listed) => {
    const listed = (JSON.parse(cells) as string[]).map((cell) => ({ cell, asked: ask(cell, email) }));
    if (listed.every(({ asked }) => asked === null)) return null;
    const entries = Object.entries(JSON.parse(traits)).map((entry) => ({ entry, asked: ask(String(entry[1]), email) }));
    return { listed, entries };
  };
  return (row) => {
    // Most instances never erased anybody: then nothing is read, until somebody is erased between the two steps.
    let asked = suppressions.isAny() ? read(row) : undefined;
    return () => {
      if (!suppressions.isAny()) return row;
      if (asked === undefined) asked = read(row);
      if (asked === null) return row;
      const cells = asked.listed.map(({ cell, asked: isErased }) => (isErased?.() ? "" : cell));
      const traits = asked.entries.flatMap(({ entry, asked: isErased }) => (isErased?.() ? [] : [entry]));
      return { ...row, cells: JSON.stringify(cells), traits: JSON.stringify(Object.fromEntries(traits)) };
    };
  };
}

/** From each `@` as far to both sides as an address reaches: a cell may be a photo, a run of thousands without one. */
function addressesIn(text: string): string[] {
  if (!text.includes("@") && !text.includes("%40")) return [];
  const plain = composed(text).replaceAll("%40", "@");
  const spelled = new Set<string>();
  for (let at = plain.indexOf("@"); at !== -1; at = plain.indexOf("@", at + 1)) {
    DOMAIN_PATTERN.lastIndex = at + 1;
    const domain = DOMAIN_PATTERN.exec(plain)?.[0].replace(DOMAIN_END_PATTERN, "");
    if (domain === undefined) continue;
    let start = at;
    while (start > 0 && at - start < LOCAL_SEEN_MAX && !OUTSIDE_PATTERN.test(plain.charAt(start - 1))) start -= 1;
    const local = plain.slice(start, at);
    spelled.add(`${local}@${domain}`).add(`${local.replace(BEFORE_PATTERN, "")}@${domain}`);
  }
  return [...new Set([...spelled].flatMap((address) => normalizeIdentifier("email", address).value ?? []))];
}
