import type { Database } from "bun:sqlite";
import { AppError } from "../../core/error.ts";
import { createEventReader } from "../../store/sqlite/events.ts";
import { createPeopleReader } from "../../store/sqlite/people.ts";
import { createExportReader } from "../../store/sqlite/person-export.ts";
import { createScopeReader, type Subject } from "../../store/sqlite/person-scope.ts";
import { exportedJson } from "./export.ts";
import { isNamedElsewhere } from "./export-elsewhere.ts";
import { findSubject, NOBODY } from "./find.ts";

export type PersonExport = { subject: Subject; pieces: Generator<string> };

/** Whom an export is of, and its text in pieces, from a connection that keeps seeing what was stored at one moment. */
export function exportPerson(
  said: string | null,
  database: Database,
  /** The score with its explanation. */
  explain: (personId: number) => object,
  nowMs: number,
): PersonExport {
  const scopes = createScopeReader(database);
  const subject = findSubject(said, { people: createPeopleReader(database), scopes });
  const explanation = subject.personId === null ? null : explain(subject.personId);
  const scope = scopes.scopeOf(subject);
  const rows = createExportReader(database);
  if (scope.people.length === 0 && scope.leads.length === 0 && !isNamedElsewhere(scope, rows)) {
    throw new AppError("not_found", NOBODY);
  }
  return { subject, pieces: exportedJson({ scope, events: createEventReader(database), rows, explanation, nowMs }) };
}
