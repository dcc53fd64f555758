import { Database } from "bun:sqlite";
import {
  chmodSync,
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { Command } from "../config/commands.ts";
import { AppError } from "../core/error.ts";
import { COMMAND_LINE, createAuditStore } from "../store/sqlite/audit.ts";
import { carryOver } from "../store/sqlite/carry-over.ts";
import {
  DATABASE_FILE,
  emptyLog,
  lockFolder,
  OVERWRITE,
  RESTORE_FILE,
  RESTORING_FILE,
} from "../store/sqlite/database.ts";
import { inspect } from "../store/sqlite/inspection.ts";
import { damagesOf } from "../store/sqlite/integrity.ts";
import { bringUpToDate } from "../store/sqlite/migrate.ts";
import { settle, sync } from "../store/sqlite/sync.ts";

type RestoreOptions = Extract<Command, { name: "restore" }>["options"];

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const GZIP_MAGIC = 0x1f8b;
/** A database, its log, and the log's index. */
const SUFFIXES = ["", "-wal", "-shm"];

/**
 * Puts a backup in the place of a data folder's database, while no server is on it. The backup is looked through before
 * anything is touched, and what was there before is kept under another name.
 */
export async function runRestore(
  { backupFile, data, replace }: RestoreOptions,
  nowMs: number,
  write: (line: string) => void,
): Promise<number> {
  if (!existsSync(backupFile)) throw new AppError("not_found", `there is no file ${backupFile}`);
  mkdirSync(data, { recursive: true, mode: FOLDER_MODE });
  const lock = lockFolder(data);
  const unfinished = join(data, RESTORE_FILE);
  try {
    if (filesAt(join(data, DATABASE_FILE)).length > 0 && !replace) {
      throw new AppError(
        "conflict",
        `${data} holds a database already; add --replace to keep it beside the restored one`,
      );
    }
    await unpack(backupFile, unfinished);
    refuseUnfit(unfinished, backupFile);
    renew(unfinished);
    const carried = carry(join(data, DATABASE_FILE), unfinished, nowMs);
    note(unfinished, carried.erased, nowMs);
    const kept = swap(data, unfinished, nowMs);
    write(`${data} is as it was in ${backupFile}${kept === null ? "" : `; what was there before is ${kept}`}`);
    for (const line of carried.told) write(line);
    if (kept !== null) write("remove that once it is needed no more: an erasure does not reach into it");
    return 0;
  } finally {
    for (const suffix of SUFFIXES) rmSync(unfinished + suffix, { force: true });
    lock.close(false);
  }
}

/** The database with its log and the log's index, as far as they are there: one without the others is another database. */
function filesAt(place: string): string[] {
  return SUFFIXES.filter((suffix) => existsSync(place + suffix));
}

/**
 * As a server would at its start: until then commands could not write beside one that reads, and an older version's file
 * may have no room for what is carried over, nor for the note of this.
 */
function renew(path: string): void {
  const database = new Database(path, { readwrite: true, strict: true });
  database.run("pragma journal_mode = wal");
  database.run(OVERWRITE);
  bringUpToDate(database);
  database.close(false);
}

/** Before it takes its place: a restore that leaves no trace is none. */
function note(path: string, erasedAgain: number, nowMs: number): void {
  const database = new Database(path, { readwrite: true, strict: true });
  const entry = { occurredMs: nowMs, keyId: COMMAND_LINE, action: "restore", subject: null };
  createAuditStore(database).record({ ...entry, detail: { erased_again: erasedAgain } });
  // The file alone gets the name, so all of it must be in there.
  const isWhole = emptyLog(database);
  database.close(false);
  if (isWhole) return;
  throw new AppError(
    "unavailable",
    `${path} cannot be written to its end; make room on its disk and restore once more`,
  );
}

/** What the replaced database knows of people who must not come back; a damaged one may not be able to say. */
function carry(place: string, restored: string, nowMs: number): { told: string[]; erased: number } {
  if (!existsSync(place)) return { told: [], erased: 0 };
  try {
    const { suppressions, revoked, foreign, erased, stripped, entangled } = carryOver(restored, place, nowMs);
    const told = [
      ...(suppressions > 0 ? [`the audit and ${suppressions} suppressions of what was there before hold on`] : []),
      ...(revoked > 0 ? [`${revoked} keys that were revoked since stay revoked`] : []),
      ...(erased > 0 ? [`${erased} who were erased since are erased from it again`] : []),
      ...(stripped > 0 ? [`${stripped} rows of others named somebody who was erased since, and do no more`] : []),
      ...entangled.map((id) => `${id} is one there with somebody who was erased since: part them, or erase both`),
      ...(foreign > 0 ? [`${foreign} suppressions are another instance's, and hold no more`] : []),
    ];
    return { told, erased };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    const told = [
      "what was there before is damaged and cannot say who was erased since, nor which keys were revoked: do both again",
    ];
    return { told, erased: 0 };
  }
}

function isUnreadable(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^SQLITE_(CORRUPT|NOTADB|CANTOPEN)/.test(String(error.code));
}

/**
 * Several files change their names one after the other. A mark says so as long as it lasts: a server that is started in
 * between would find a database without its log.
 */
function swap(data: string, restored: string, nowMs: number): string | null {
  const place = join(data, DATABASE_FILE);
  const mark = join(data, RESTORING_FILE);
  const kept = `${place}.before-restore-${new Date(nowMs).toISOString().replace(/[:.]/g, "-")}`;
  writeFileSync(mark, "", { mode: FILE_MODE });
  sync(data);
  const old = filesAt(place);
  for (const suffix of old) renameSync(place + suffix, kept + suffix);
  settle(restored, place);
  rmSync(mark);
  sync(data);
  return old.length === 0 ? null : kept;
}

async function unpack(backup: string, target: string): Promise<void> {
  rmSync(target, { force: true });
  const source = createReadStream(backup);
  const sink = createWriteStream(target, { mode: FILE_MODE });
  try {
    if (isGzip(backup)) await pipeline(source, createGunzip(), sink);
    else await pipeline(source, sink);
  } catch {
    throw new AppError("invalid", `${backup} cannot be read to its end, or does not fit on the disk`);
  }
}

function isGzip(path: string): boolean {
  const opened = openSync(path, "r");
  try {
    const head = Buffer.alloc(2);
    readSync(opened, head);
    return head.readUInt16BE() === GZIP_MAGIC;
  } finally {
    closeSync(opened);
  }
}

/** A backup of another program, of a newer version, or one that is damaged is refused before anything is touched. */
function refuseUnfit(path: string, backup: string): void {
  chmodSync(path, FILE_MODE);
  const database = open(path, backup);
  try {
    if (damagesOf(database, true).length > 0)
      throw new AppError("damaged", `${backup} is damaged; restore another one`);
    const { newerTags } = inspect(database);
    if (newerTags.length === 0) return;
    throw new AppError(
      "conflict",
      `${backup} was written by a newer do-intent (migration ${newerTags[0]}); restore it with that version`,
    );
  } finally {
    database.close(false);
  }
}

function open(path: string, backup: string): Database {
  try {
    const database = new Database(path, { readonly: true, strict: true });
    database.query("select 1 from migration").get();
    return database;
  } catch {
    throw new AppError(
      "invalid",
      `${backup} is no backup of do-intent; it is a file that do-intent backup has written`,
    );
  }
}
