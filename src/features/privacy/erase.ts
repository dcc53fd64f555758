import { AppError } from "../../core/error.ts";
import { formatId } from "../../core/id.ts";
import type { AuditStore } from "../../store/sqlite/audit.ts";
import type { Erased } from "../../store/sqlite/erase.ts";
import type { Subject } from "../../store/sqlite/person-scope.ts";

export type EraseAnswer = {
  /** Null for somebody who only stood in campaigns' lists. */
  person_id: string | null;
  /** How many rows are gone, by table. */
  erased: { readonly [table: string]: number };
  /** How many rows of others do not name the person any more. */
  stripped: { readonly [table: string]: number };
  /** How many identifiers are not taken in again. */
  suppressed: number;
};

export type EraseBook = {
  erase: (subject: Subject, nowMs: number) => Erased | null;
  audit: Pick<AuditStore, "record">;
  /** Whom the audit names. */
  by: string;
  nowMs: number;
};

/** Runs in the caller's transaction, like the entry of the audit: an id and counts, which stay. */
export function erasePerson(subject: Subject, { erase, audit, by, nowMs }: EraseBook): EraseAnswer {
  const erased = erase(subject, nowMs);
  if (erased === null) throw new AppError("not_found", "nobody is known by this any more");
  const personId = subject.personId === null ? null : formatId("person", subject.personId);
  const { rows, stripped, suppressed } = erased;
  audit.record({ occurredMs: nowMs, keyId: by, action: "person_erase", subject: personId, detail: { ...rows } });
  return { person_id: personId, erased: rows, stripped, suppressed };
}
