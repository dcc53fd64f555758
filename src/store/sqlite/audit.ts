import type { Database } from "bun:sqlite";
import { createUnsynced } from "./unsynced.ts";

/** What somebody did with a key. `subject` is an id of ours; `detail` holds counts and settings, nothing personal. */
export type AuditEntry = {
  occurredMs: number;
  keyId: string;
  action: string;
  subject: string | null;
  detail: { readonly [name: string]: string | number | boolean | null } | null;
};

/** Who the audit names for what is done from the command line. */
export const COMMAND_LINE = "command line";

export type StoredAuditEntry = AuditEntry & { auditId: number };

export type AuditFilter = { subject: string | null; sinceMs: number };

export type AuditStore = {
  /** For the transaction of the change itself: both are stored, or neither. */
  record(entry: AuditEntry): void;
  /** For what was only read: a commit of its own for all of them. */
  recordAll(entries: readonly AuditEntry[]): void;
  /** The newest below an entry, newest first. */
  newest(filter: AuditFilter, belowId: number, limit: number): StoredAuditEntry[];
};

const COLUMNS = "audit_id as auditId, occurred_at as occurredMs, key_id as keyId, action, subject, detail";

export const AUDIT_SQL = {
  insert: "insert into audit (occurred_at, key_id, action, subject, detail) values (?, ?, ?, ?, ?)",
  /** They are written in the order of their times, or nearly: a walk back ends soon after the time asked for. */
  all: `select ${COLUMNS} from audit where audit_id < ? order by audit_id desc limit ?`,
  ofSubject: `select ${COLUMNS} from audit where subject = ?3 and audit_id < ?1 order by audit_id desc limit ?2`,
} as const;

type Row = Omit<StoredAuditEntry, "detail"> & { detail: string | null };

export function createAuditStore(database: Database): AuditStore {
  const insert = database.query(AUDIT_SQL.insert);
  const selectAll = database.query<Row, [number, number]>(AUDIT_SQL.all);
  const selectOfSubject = database.query<Row, [number, number, string]>(AUDIT_SQL.ofSubject);
  const record = ({ occurredMs, keyId, action, subject, detail }: AuditEntry): void => {
    insert.run(occurredMs, keyId, action, subject, detail === null ? null : JSON.stringify(detail));
  };
  return {
    record,
    recordAll: createUnsynced(
      database,
      database.transaction((entries: readonly AuditEntry[]) => entries.forEach(record)),
    ),
    newest: ({ subject, sinceMs }, belowId, limit) => {
      const rows = subject === null ? selectAll.all(belowId, limit) : selectOfSubject.all(belowId, limit, subject);
      return rows
        .filter(({ occurredMs }) => occurredMs >= sinceMs)
        .map((row) => ({ ...row, detail: row.detail === null ? null : JSON.parse(row.detail) }));
    },
  };
}
