import type { Database } from "bun:sqlite";
import { constants, copyFileSync, readdirSync, rmSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../core/error.ts";
import { settle } from "./sync.ts";

/** Copies kept in the data folder, the latest; a further one takes the oldest one's place. */
const BACKUPS_MAX = 2;
/** What must be free besides the copy, for the migration itself. */
const MARGIN_BYTES = 16 * 1024 * 1024;

const BACKUP_PATTERN = /^do-intent\.before-.+\.db$/;
const UNFINISHED = "do-intent.before.unfinished";

/**
 * Copies the database beside itself before a migration changes it, so that the version before can be gone back to. The
 * caller holds the folder's lock, so nobody writes meanwhile. Returns the path of the copy.
 */
export function backupBeforeMigration(folder: string, file: string, database: Database, tag: string): string {
  checkpoint(database);
  const { bavail, bsize } = statfsSync(folder);
  const neededBytes = statSync(join(folder, file)).size + MARGIN_BYTES;
  if (bavail * bsize < neededBytes) throw noSpace(neededBytes);
  const unfinished = join(folder, UNFINISHED);
  const backup = join(folder, `do-intent.before-${tag}.db`);
  try {
    copyFileSync(join(folder, file), unfinished, constants.COPYFILE_FICLONE);
    settle(unfinished, backup);
  } catch (error) {
    rmSync(unfinished, { force: true });
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") throw noSpace(neededBytes);
    throw error;
  }
  removeOlder(folder, backup);
  return backup;
}

/** The file alone must hold everything: what is still in the log beside it would be missing from the copy. */
function checkpoint(database: Database): void {
  const row = database.query<{ busy: number }, []>("pragma wal_checkpoint(truncate)").get();
  if (row?.busy === 0) return;
  throw new AppError(
    "conflict",
    "another program reads the database, and it must be backed up before this version changes it; end that program and start again",
  );
}

function removeOlder(folder: string, latest: string): void {
  const others = readdirSync(folder)
    .filter((name) => BACKUP_PATTERN.test(name))
    .map((name) => join(folder, name))
    .filter((path) => path !== latest)
    .map((path) => ({ path, madeMs: statSync(path).mtimeMs }))
    .sort((a, b) => b.madeMs - a.madeMs);
  for (const { path } of others.slice(BACKUPS_MAX - 1)) rmSync(path, { force: true });
}

function noSpace(neededBytes: number): AppError {
  const megabytes = Math.ceil(neededBytes / 1024 / 1024);
  return new AppError(
    "disk_full",
    `this version has to change the database and backs it up first, which takes ${megabytes} MB in the data folder; free that much, or start the version before`,
  );
}
