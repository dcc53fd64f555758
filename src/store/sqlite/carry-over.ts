import { Database } from "bun:sqlite";
import type { AuditEntry } from "./audit.ts";
import { OVERWRITE } from "./database.ts";
import { eraseAgain } from "./erase-again.ts";

export const CARRY_OVER_SQL = {
  suppressions: "select hash, suppressed_at as suppressedMs from suppression",
  suppress: "insert into suppression (hash, suppressed_at) values (?, ?) on conflict (hash) do nothing",
  lift: "delete from suppression where hash not in (select value from json_each(?))",
  audit: `select audit_id as auditId, occurred_at as occurredMs, key_id as keyId, action, subject, detail from audit
    order by audit_id`,
  sameEntry:
    "select 1 from audit where audit_id = ? and occurred_at = ? and key_id = ? and action = ? and subject is ?",
  addEntry: "insert into audit (occurred_at, key_id, action, subject, detail) values (?, ?, ?, ?, ?)",
  revoked: "select hash, revoked_at as revokedMs from api_key where revoked_at is not null",
  /** Keys that are listed no more, since so many were revoked after them: the audit has their ids. */
  revokedBefore: `select subject, min(occurred_at) as revokedMs from audit
    where action = 'key_revoke' and subject is not null group by subject`,
  revoke: "update api_key set revoked_at = ?2 where hash = ?1 and revoked_at is null",
  revokeById: `update api_key set revoked_at = ?2
    where revoked_at is null and ?1 = 'key_' || substr(hash, 1, length(?1) - length('key_'))`,
  secret: "select secret from instance_secret where instance_secret_id = 1",
  table: "select 1 from sqlite_schema where type = 'table' and name = ?",
} as const;

type AuditRow = Omit<AuditEntry, "detail"> & { auditId: number; detail: string | null };
type Suppressed = { hash: string; suppressedMs: number };

/** What a restore keeps of the database it replaces. */
export type CarriedOver = {
  entries: number;
  suppressions: number;
  /** Keys that were revoked since the backup was made, and held in it. */
  revoked: number;
  /** People and leads who were erased since the backup was made, and stood in it. */
  erased: number;
  /** Rows of others that named somebody who was erased since. */
  stripped: number;
  /** Of those who were erased, whoever is one in the backup with somebody who was not. */
  entangled: string[];
  /** Suppressions of another instance: nobody can tell whom they name. */
  foreign: number;
};

/**
 * Takes over from a database what a backup of before cannot know: whom not to process, and who did what. Whoever was
 * erased meanwhile is erased from the backup too, before it is put in the place of the other.
 */
export function carryOver(restored: string, replaced: string, nowMs: number): CarriedOver {
  const source = new Database(replaced, { readonly: true, strict: true });
  const target = new Database(restored, { readwrite: true, strict: true });
  try {
    target.run(OVERWRITE);
    const suppressed = has(source, "suppression")
      ? source.query<Suppressed, []>(CARRY_OVER_SQL.suppressions).all()
      : [];
    const work = target.transaction(() => {
      const entries = has(source, "audit") ? carryAudit(target, source) : 0;
      const revoked = carryRevocations(target, source);
      const isSame = secretOf(source) !== null && secretOf(source) === secretOf(target);
      const foreign = isSame ? 0 : suppressed.length;
      const suppress = target.query(CARRY_OVER_SQL.suppress);
      if (isSame) for (const { hash, suppressedMs } of suppressed) suppress.run(hash, suppressedMs);
      const hashes = new Set(suppressed.map(({ hash }) => hash));
      const again = eraseAgain(target, source, { hashes, secret: secretOf(source) }, nowMs);
      // Whoever was taken in again since, by lifting it, stays welcome: their past alone goes.
      if (isSame) target.query(CARRY_OVER_SQL.lift).run(JSON.stringify([...hashes]));
      return { entries, suppressions: suppressed.length - foreign, revoked, foreign, ...again };
    });
    return work.immediate();
  } finally {
    target.close(false);
    source.close(false);
  }
}

function has(database: Database, table: string): boolean {
  return database.query(CARRY_OVER_SQL.table).get(table) !== null;
}

/** Null in one that never needed a secret. */
function secretOf(database: Database): string | null {
  if (!has(database, "instance_secret")) return null;
  return database.query<{ secret: string }, []>(CARRY_OVER_SQL.secret).get()?.secret ?? null;
}

/** What was noted since; what the backup holds of it already is the same row. */
function carryAudit(target: Database, source: Database): number {
  const selectSame = target.query(CARRY_OVER_SQL.sameEntry);
  const add = target.query(CARRY_OVER_SQL.addEntry);
  let added = 0;
  const rows = source.query<AuditRow, []>(CARRY_OVER_SQL.audit).iterate();
  for (const { auditId, occurredMs, keyId, action, subject, detail } of rows) {
    if (selectSame.get(auditId, occurredMs, keyId, action, subject) !== null) continue;
    add.run(occurredMs, keyId, action, subject, detail);
    added += 1;
  }
  return added;
}

/** A key that leaked holds no more, whenever the backup was made. */
function carryRevocations(target: Database, source: Database): number {
  const revoke = target.query<unknown, [string, number]>(CARRY_OVER_SQL.revoke);
  const revokeById = target.query<unknown, [string, number]>(CARRY_OVER_SQL.revokeById);
  const listed = source.query<{ hash: string; revokedMs: number }, []>(CARRY_OVER_SQL.revoked).all();
  let revoked = 0;
  for (const { hash, revokedMs } of listed) revoked += revoke.run(hash, revokedMs).changes;
  if (!has(source, "audit")) return revoked;
  const noted = source.query<{ subject: string; revokedMs: number }, []>(CARRY_OVER_SQL.revokedBefore).all();
  for (const { subject, revokedMs } of noted) revoked += revokeById.run(subject, revokedMs).changes;
  return revoked;
}
