import type { Command } from "../config/commands.ts";
import { type AuditAnswerEntry, listAudit } from "../features/privacy/audit.ts";
import { createAuditStore } from "../store/sqlite/audit.ts";
import { openReadOnly } from "../store/sqlite/database.ts";
import { noteRead } from "./note.ts";

type AuditOptions = Extract<Command, { name: "audit" }>["options"];

const PAGE_ENTRIES = 500;
const ENTRIES_MAX = 1_000;

/** Who read or changed what, the newest first, from the file; a running server adds what was only read every second. */
export function runAudit({ subject, auditSinceMs, data }: AuditOptions, write: (line: string) => void): number {
  const database = openReadOnly(data);
  try {
    const store = createAuditStore(database);
    const query = { limit: PAGE_ENTRIES, subject: subject ?? undefined, since: auditSinceMs ?? undefined };
    let cursor: string | null = null;
    let told = 0;
    do {
      const page = listAudit({ ...query, cursor: cursor ?? undefined }, store);
      for (const entry of page.entries) write(lineOf(entry));
      told += page.entries.length;
      cursor = page.next_cursor;
    } while (cursor !== null && (auditSinceMs !== null || told < ENTRIES_MAX));
    noteRead(data, "audit");
    return 0;
  } finally {
    database.close(false);
  }
}

function lineOf({ at, key_id, action, subject, detail }: AuditAnswerEntry): string {
  const details = Object.entries(detail ?? {}).flatMap(([name, value]) => (value === 0 ? [] : `${name}=${value}`));
  return [at, key_id.padEnd(16), action.padEnd(14), subject ?? "-", ...details].join("  ");
}
