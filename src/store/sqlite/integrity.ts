import type { Database } from "bun:sqlite";
import { AppError } from "../../core/error.ts";

/** Damages told of; the first few say as much as all of them. */
export const DAMAGES_MAX = 20;
/** A start reads all of a file up to this size to see whether it is whole; it takes some hundredths of a second. */
const CHECKED_AT_START_MAX_BYTES = 32 * 1024 * 1024;

/**
 * What is wrong with the file, one sentence each; nothing where it is whole. The full form also compares every index
 * with its table.
 */
export function damagesOf(database: Database, isFull: boolean): string[] {
  try {
    const rows = database
      .query<{ [column: string]: string }, []>(`pragma ${isFull ? "integrity_check" : "quick_check"}(${DAMAGES_MAX})`)
      .all()
      .map((row) => Object.values(row).join(" "));
    return rows.length === 1 && rows[0] === "ok" ? [] : rows;
  } catch (error) {
    if (isDamage(error)) return ["the file's structure cannot be followed"];
    throw error;
  }
}

/** Refuses a file that is known to be damaged before anything is decided on what it says. */
export function refuseDamaged(database: Database): void {
  if (numberOf(database, "page_count") * numberOf(database, "page_size") > CHECKED_AT_START_MAX_BYTES) return;
  if (damagesOf(database, false).length > 0) throw damaged();
}

function numberOf(database: Database, pragma: string): number {
  return Number(Object.values(database.query<{ [name: string]: number }, []>(`pragma ${pragma}`).get() ?? {})[0]);
}

export function damaged(): AppError {
  return new AppError(
    "damaged",
    "the database is damaged; keep its files, run do-intent doctor on the data folder to see what is wrong, and restore a backup",
  );
}

export function isDamage(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^SQLITE_CORRUPT/.test(String(error.code));
}
