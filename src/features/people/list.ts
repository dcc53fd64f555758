import type { Rules } from "../../core/compile.ts";
import { AppError } from "../../core/error.ts";
import { IDENTIFIER_KINDS, type IdentifierKind } from "../../core/identifier.ts";
import { orThrow, readIdentifier } from "../../http/wire.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import type { RankStore } from "../../store/sqlite/ranks.ts";
import { bandOf, readCursor, walkPage } from "./order.ts";
import { describePerson, type PersonAnswer } from "./person.ts";
import type { PeopleQuery } from "./schema.ts";

export type PeopleAnswer = { people: PersonAnswer[]; next_cursor: string | null };

type ListDeps = { people: PeopleReader; ranks: RankStore };

/** The one person with an identifier, or everybody by score, highest first. */
export async function listPeople(
  query: PeopleQuery,
  { people, ranks }: ListDeps,
  rules: Rules,
  nowMs: number,
): Promise<PeopleAnswer> {
  const kinds = IDENTIFIER_KINDS.filter((kind) => query[kind] !== undefined);
  const [kind] = kinds;
  if (kind !== undefined) {
    if (kinds.length > 1 || query.level !== undefined || query.cursor !== undefined) {
      throw new AppError("invalid", "stands alone: leave out the other identifiers, level and cursor", kind);
    }
    const personId = people.ownerOf({ kind, value: readValue(kind, query[kind] ?? "") });
    return { people: personId === null ? [] : [describePerson(personId, people, rules, nowMs)], next_cursor: null };
  }
  const cursor = readCursor(query.cursor, nowMs);
  const asOfMs = cursor?.asOfMs ?? nowMs;
  const band = bandOf(query.level, rules.thresholds);
  const page = await walkPage({ ranks, rules, band, limit: query.limit, cursor, asOfMs });
  return {
    people: page.personIds.flatMap((personId) =>
      // Whoever was absorbed while the walk paused is part of somebody else now.
      people.survivorOf(personId) === personId ? [describePerson(personId, people, rules, asOfMs)] : [],
    ),
    next_cursor: page.nextCursor,
  };
}

function readValue(kind: IdentifierKind, said: string): string {
  // In an address a bare plus means a space, and a phone number begins with one.
  const raw = kind === "phone" && said.startsWith(" ") ? `+${said.slice(1)}` : said;
  return orThrow(readIdentifier(kind, raw, kind)).value;
}
