import { Database } from "bun:sqlite";
import { rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { AppError } from "../../core/error.ts";
import { DATABASE_FILE, openAsItIs } from "./database.ts";
import { damaged, damagesOf } from "./integrity.ts";
import { settle } from "./sync.ts";

/** Left free on the disk that the events go to, or on any other. */
const MARGIN_BYTES = 64 * 1024 * 1024;
/** What is in it is about people: for its owner. */
const FILE_MODE = 0o600;

/**
 * Writes the database as it is at this moment into one file, beside a running server, which goes on storing: it reads
 * from a state of its own. The copy is compact, read through once to see that it is whole, and on the disk before it
 * gets its name. Returns its size.
 */
export function writeBackup(folder: string, target: string): number {
  const source = openAsItIs(folder);
  const unfinished = `${target}.unfinished`;
  try {
    refuseWithoutSpace(folder, dirname(target));
    rmSync(unfinished, { force: true });
    // SQLite writes into an empty file that is there, and so for nobody else to read from the first page on.
    writeFileSync(unfinished, "", { mode: FILE_MODE });
    source.query("vacuum into ?").run(unfinished);
    const copy = new Database(unfinished, { readonly: true, strict: true });
    const damages = damagesOf(copy, true);
    copy.close(false);
    if (damages.length > 0) throw damaged();
    settle(unfinished, target);
    return statSync(target).size;
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw asBackupFault(error, target);
  } finally {
    source.close(false);
  }
}

function refuseWithoutSpace(folder: string, targetFolder: string): void {
  const walBytes = statSync(join(folder, `${DATABASE_FILE}-wal`), { throwIfNoEntry: false })?.size ?? 0;
  const neededBytes = statSync(join(folder, DATABASE_FILE)).size + walBytes + MARGIN_BYTES;
  const { bavail, bsize } = statfsSync(targetFolder);
  if (bavail * bsize >= neededBytes) return;
  const megabytes = Math.ceil(neededBytes / 1024 / 1024);
  throw new AppError("disk_full", `a backup takes up to ${megabytes} MB there; free that much, or name another place`);
}

function asBackupFault(error: unknown, target: string): unknown {
  if (error instanceof AppError || !(error instanceof Error) || !("code" in error)) return error;
  return new AppError(
    "unavailable",
    `the backup cannot be written to ${target} (${error.code}); look at the folder's permissions and free space`,
  );
}
