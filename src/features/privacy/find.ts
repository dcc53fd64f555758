import { AppError } from "../../core/error.ts";
import { parseId } from "../../core/id.ts";
import { IDENTIFIER_KINDS, type Identifier, meantBy, normalizeIdentifier } from "../../core/identifier.ts";
import { orThrow, readIdentifier } from "../../http/wire.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import type { ScopeReader, Subject } from "../../store/sqlite/person-scope.ts";
import type { IdentifierQuery } from "./schema.ts";

export type FindDeps = { people: PeopleReader; scopes: ScopeReader };

/** What nobody is found by. */
export const NOBODY = "nobody is known by this; give a person_id or an identifier as it was sent";

/** Who is meant by a person id or an identifier of any kind, also somebody who only stands in campaigns' lists. */
export function findSubject(said: string | null, { people, scopes }: FindDeps): Subject {
  if (said === null) throw new AppError("invalid", "is broken; percent-encode what is no letter or digit", "id");
  const personId = parseId("person", said);
  const survivorId = personId === null ? null : people.survivorOf(personId);
  if (survivorId !== null) return { personId: survivorId, emails: [] };
  const meant = meantBy(said);
  // Also where they are somebody's user_id: a list may have a lead of that address.
  const emails = meant.filter((identifier) => isAddress(identifier, scopes)).map(({ value }) => value);
  for (const identifier of meant) {
    const ownerId = people.ownerOf(identifier);
    if (ownerId !== null) return { personId: ownerId, emails };
  }
  if (emails.length === 0) throw new AppError("not_found", NOBODY);
  return { personId: null, emails };
}

/** The same by what stands behind the question mark. */
export function findSubjectBy(query: IdentifierQuery, { people, scopes }: FindDeps): Subject {
  const identifier = readIdentifierQuery(query);
  const personId = people.ownerOf(identifier);
  const emails = isAddress(identifier, scopes) ? [identifier.value] : [];
  if (personId === null && emails.length === 0) throw new AppError("not_found", NOBODY);
  return { personId, emails };
}

/** One that may stand in a list: as a lead's, also as an earlier version took it, or in any other column. */
function isAddress({ kind, value }: Identifier, scopes: ScopeReader): boolean {
  return kind === "email" && (normalizeIdentifier(kind, value).value === value || scopes.leadByEmail(value) !== null);
}

/** The one identifier that a query names. */
export function readIdentifierQuery(query: IdentifierQuery): Identifier {
  const kinds = IDENTIFIER_KINDS.filter((kind) => query[kind] !== undefined);
  const [kind] = kinds;
  if (kind === undefined) throw new AppError("invalid", `name one of ${IDENTIFIER_KINDS.join(", ")}`);
  if (kinds.length > 1) throw new AppError("invalid", "stands alone: leave out the other identifiers", kind);
  const said = query[kind] ?? "";
  // In an address a bare plus means a space, and a phone number begins with one.
  const raw = kind === "phone" && said.startsWith(" ") ? `+${said.slice(1)}` : said;
  return orThrow(readIdentifier(kind, raw, kind));
}
