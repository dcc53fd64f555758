import type { Database } from "bun:sqlite";
import { formatId, parseId } from "../../core/id.ts";
import { type Identifier, identifierKey } from "../../core/identifier.ts";
import { createErasure } from "./erase.ts";
import { createPeopleReader } from "./people.ts";
import { createScopeReader, namesOf, type PersonScope, type Subject } from "./person-scope.ts";
import { stripRows } from "./strip-rows.ts";
import { suppressionHash } from "./suppression.ts";

export const ERASE_AGAIN_SQL = {
  table: "select 1 from sqlite_schema where type = 'table' and name = 'audit'",
  erased: "select distinct subject from audit where action = 'person_erase' and subject is not null",
  identities: "select person_id as personId, kind, value from identity where retired_at is null",
  leads: "select email as value from lead",
  person: "select 1 from person where person_id = ?",
} as const;

/** Whom the replaced database keeps away, by hashes with a secret of its own; without one there are none. */
export type Suppressed = { hashes: ReadonlySet<string>; secret: string | null };

export type Again = { erased: number; stripped: number; entangled: string[] };

/** By the audit, which names people by their ids, and by the suppressions, which name identifiers. */
export function eraseAgain(target: Database, source: Database, suppressed: Suppressed, nowMs: number): Again {
  const personIds = auditedIn(source);
  if (personIds.size === 0 && suppressed.hashes.size === 0) return { erased: 0, stripped: 0, entangled: [] };
  const isSuppressed = suppressedBy(suppressed);
  const scopes: PersonScope[] = [];
  // What is read from its beginning to its end is read once, for all of them.
  const rows = (scope: PersonScope) => {
    scopes.push(scope);
    return { reviews: 0, rejected: 0 };
  };
  const erase = createErasure(target, { lists: () => 0, rows });
  const { scopeOf } = createScopeReader(target);
  const { survivorOf } = createPeopleReader(target);
  const selectLiving = source.query(ERASE_AGAIN_SQL.person);
  const selectKnown = target.query(ERASE_AGAIN_SQL.person);
  let erased = 0;
  const entangled = new Set<string>();
  for (const subject of subjectsOf(target, personIds, isSuppressed)) {
    if (subject.personId !== null && selectKnown.get(subject.personId) === null) continue;
    const personId = subject.personId === null ? null : survivorOf(subject.personId);
    const { people } = scopeOf({ ...subject, personId });
    const isLiving = people.some((one) => selectLiving.get(one.personId) !== null);
    if (isLiving && personId !== null) entangled.add(formatId("person", personId));
    else if (erase({ ...subject, personId }, nowMs) !== null) erased += 1;
  }
  const names = new Set(scopes.flatMap(namesOf).map(foldedKey));
  const goneIds = new Set(scopes.flatMap(({ people }) => people.map(({ personId }) => personId)));
  const isErased = (identifier: Identifier): boolean => names.has(foldedKey(identifier)) || isSuppressed(identifier);
  const isAny = names.size > 0 || goneIds.size > 0 || suppressed.hashes.size > 0;
  const stripped = isAny ? stripRows(target, { isErased, personIds: goneIds }) : 0;
  return { erased, stripped, entangled: [...entangled] };
}

/** However somebody wrote it. */
function foldedKey({ kind, value }: Identifier): string {
  return identifierKey({ kind, value: value.toLowerCase() });
}

function suppressedBy({ hashes, secret }: Suppressed): (identifier: Identifier) => boolean {
  const key = Buffer.from(secret ?? "", "hex");
  return (identifier) => hashes.size > 0 && hashes.has(suppressionHash(key, identifier));
}

function auditedIn(source: Database): Set<number> {
  if (source.query(ERASE_AGAIN_SQL.table).get() === null) return new Set();
  const audited = source.query<{ subject: string }, []>(ERASE_AGAIN_SQL.erased).all();
  return new Set(audited.flatMap(({ subject }) => parseId("person", subject) ?? []));
}

function subjectsOf(
  target: Database,
  audited: ReadonlySet<number>,
  isSuppressed: (identifier: Identifier) => boolean,
): Subject[] {
  const personIds = new Set(audited);
  for (const row of target.query<Identifier & { personId: number }, []>(ERASE_AGAIN_SQL.identities).iterate()) {
    if (isSuppressed(row)) personIds.add(row.personId);
  }
  const emails: string[] = [];
  for (const { value } of target.query<{ value: string }, []>(ERASE_AGAIN_SQL.leads).iterate()) {
    if (isSuppressed({ kind: "email", value })) emails.push(value);
  }
  return [
    ...[...personIds].map((personId) => ({ personId, emails: [] })),
    ...emails.map((email) => ({ personId: null, emails: [email] })),
  ];
}
