import { AppError } from "../core/error.ts";
import { storageRefusal } from "../core/storage-fault.ts";
import { type AuditEntry, COMMAND_LINE, createAuditStore } from "../store/sqlite/audit.ts";
import { openBeside } from "../store/sqlite/database.ts";

type Note = Pick<AuditEntry, "action"> & Partial<Pick<AuditEntry, "subject" | "detail">>;

/**
 * Puts into the audit what the command line did to a data folder or read there, also beside a running server. Whoever may
 * read the file and not write it may still read: then it is said that no note was left.
 */
export function noteCommand(
  data: string,
  { action, subject = null, detail = null }: Note,
  nowMs = Date.now(),
  say: (line: string) => void = sayBeside,
): void {
  try {
    const database = openBeside(data);
    try {
      createAuditStore(database).record({ occurredMs: nowMs, keyId: COMMAND_LINE, action, subject, detail });
    } finally {
      database.close(false);
    }
  } catch (error) {
    const known = error instanceof AppError ? error : storageRefusal(error);
    // Without a folder nothing is read either, and the command says so itself.
    if (known?.code === "not_found") return;
    say(`do-intent: the audit has no note of this: ${known?.message ?? codeOf(error)}`);
  }
}

/** The most common case: something was shown. */
export function noteRead(data: string, command: string, subject: string | null = null, nowMs?: number): void {
  noteCommand(data, { action: "read", subject, detail: { command } }, nowMs);
}

function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error) return `the database cannot be written (${error.code})`;
  throw error;
}

function sayBeside(line: string): void {
  process.stderr.write(`${line}\n`);
}
