import type { Database } from "bun:sqlite";

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

export type AuditStore = { record(entry: AuditEntry): void };

export function createAuditStore(database: Database): AuditStore {
  const insert = database.query(
    "insert into audit (occurred_at, key_id, action, subject, detail) values (?, ?, ?, ?, ?)",
  );
  return {
    record: ({ occurredMs, keyId, action, subject, detail }) => {
      insert.run(occurredMs, keyId, action, subject, detail === null ? null : JSON.stringify(detail));
    },
  };
}
