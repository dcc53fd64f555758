import { AppError, type ErrorCode } from "./error.ts";

/** What each kind of trouble with the disk or the file means, and what helps; by the word SQLite has for it. */
const REFUSALS: readonly (readonly [pattern: RegExp, code: ErrorCode, message: string])[] = [
  [
    /^(SQLITE_FULL|ENOSPC|EDQUOT)$/,
    "disk_full",
    "nothing was stored: the data folder's disk is full; free some space, and it goes on by itself",
  ],
  [
    /^SQLITE_(CORRUPT|NOTADB)/,
    "damaged",
    "the database is damaged; stop the server, keep its files, and run do-intent doctor",
  ],
  [
    /^SQLITE_READONLY/,
    "unavailable",
    "nothing was stored: the data folder is read-only; make it writable for the server, and it goes on by itself",
  ],
  [
    /^SQLITE_BUSY/,
    "unavailable",
    "nothing was stored: another program holds the database for longer than a few seconds; try again later",
  ],
  [
    /^SQLITE_IOERR_GONE/,
    "unavailable",
    "nothing was stored: the database file was moved or replaced; put it back and restart the server",
  ],
  [
    /^SQLITE_(IOERR|CANTOPEN)/,
    "unavailable",
    "nothing was stored: the data folder cannot be read or written; look at the disk and at the folder's permissions",
  ],
];

/** The refusal for a fault of the disk or the file; null when the fault lies in what was to be written, or with us. */
export function storageRefusal(error: unknown): AppError | null {
  const fault = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = REFUSALS.find(([pattern]) => pattern.test(fault));
  return known === undefined ? null : new AppError(known[1], known[2]);
}
