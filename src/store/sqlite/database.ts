import { Database } from "bun:sqlite";
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../core/error.ts";
import { damaged, isDamage, refuseDamaged } from "./integrity.ts";
import { appliedTags, bringUpToDate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";
import { backupBeforeMigration } from "./pre-migration.ts";

export type Durability = "full" | "normal";

export const DATABASE_FILE = "do-intent.db";
export const LOCK_FILE = "do-intent.lock";
/** What a backup that is fetched waits in. */
export const SENDING_FILE = "do-intent.backup.sending";
/** What a restore unpacks into. */
export const RESTORE_FILE = "do-intent.restore.unfinished";
/** Is there while a restore puts files in place of others. */
export const RESTORING_FILE = "do-intent.restoring";
/** Page cache in KiB (negative in SQLite's terms): the hot ends of every index of some million events. */
const CACHE_KIB = 64 * 1024;
/** A page that many events touch goes to the WAL each time, and into the database once per checkpoint. */
const WAL_CHECKPOINT_PAGES = 4_000;
const WAL_SIZE_MAX_BYTES = 64 * 1024 * 1024;
/** People's data is for the user that runs the server. */
const FOLDER_MODE = 0o700;
const BUSY_TIMEOUT_MS = 5_000;
/** SQLite waits on this very thread, and with it everybody would; the engine waits better. */
const SERVING_BUSY_TIMEOUT_MS = 10;

/** Rows that go, and pages that are given up, leave zeros behind: measured, events come in as fast. */
export const OVERWRITE = "pragma secure_delete = on";

export type OpenDatabase = {
  database: Database;
  /** Throws when the file was removed or replaced: what is written then is in no folder any more. */
  checkInPlace: () => void;
  /** Where the file stands as it was before this start's migrations; null when there was nothing to migrate. */
  backup: string | null;
  close: () => void;
};

/** Opens or creates the data folder's database for the one process that writes it, and brings it up to date. */
export function openDatabase(folder: string, durability: Durability): OpenDatabase {
  try {
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
    return openLocked(folder, durability, lockFolder(folder));
  } catch (error) {
    if (isDamage(error)) throw damaged();
    if (!(error instanceof Error && "code" in error) || error instanceof AppError) throw error;
    throw new AppError(
      "unavailable",
      `the data folder ${folder} cannot be used (${error.code}); look at its permissions and files, or name another with --data`,
    );
  }
}

function openLocked(folder: string, durability: Durability, lock: Database): OpenDatabase {
  refuseHalfRestored(folder, lock);
  removeLeftovers(folder);
  const database = openFile(folder, lock);
  try {
    // Holds for a file that has no table yet, and writes to any other; an older one takes it on when it is compacted.
    if (isEmpty(database)) database.run("pragma auto_vacuum = incremental");
    database.run("pragma journal_mode = wal");
    database.run(`pragma synchronous = ${durability}`);
    database.run(`pragma cache_size = -${CACHE_KIB}`);
    database.run(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    database.run(`pragma wal_autocheckpoint = ${WAL_CHECKPOINT_PAGES}`);
    database.run(`pragma journal_size_limit = ${WAL_SIZE_MAX_BYTES}`);
    database.run("pragma temp_store = memory");
    database.run(OVERWRITE);
    refuseDamaged(database);
    const backup = migrate(database, folder);
    database.run(`pragma busy_timeout = ${SERVING_BUSY_TIMEOUT_MS}`);
    // Whoever was killed may have left rows of somebody erased in it.
    emptyLog(database);
    return {
      database,
      backup,
      checkInPlace: placeCheck(join(folder, DATABASE_FILE)),
      close: () => {
        emptyLog(database);
        database.close(false);
        lock.close(false);
      },
    };
  } catch (error) {
    database.close(false);
    lock.close(false);
    throw error;
  }
}

/** False when somebody reads what is older, or the disk is full: the log stays, and is read beside the file. */
export function emptyLog(database: Database): boolean {
  try {
    return database.query<{ busy: number }, []>("pragma wal_checkpoint(truncate)").get()?.busy === 0;
  } catch {
    return false;
  }
}

function isEmpty(database: Database): boolean {
  return database.query<{ page_count: number }, []>("pragma page_count").get()?.page_count === 0;
}

/** Copies of everything that a run which was killed has left: no erasure would reach them. */
function removeLeftovers(folder: string): void {
  for (const path of [SENDING_FILE, `${SENDING_FILE}.unfinished`, RESTORE_FILE]) {
    for (const suffix of ["", "-journal", "-wal", "-shm"]) rmSync(join(folder, path + suffix), { force: true });
  }
}

/** Between the old files and the restored one nobody may begin: a log would be read into another database than its own. */
function refuseHalfRestored(folder: string, lock: Database): void {
  if (!existsSync(join(folder, RESTORING_FILE))) return;
  lock.close(false);
  throw new AppError(
    "conflict",
    `a restore into ${folder} was cut off; run do-intent restore once more, with --replace`,
  );
}

function openFile(folder: string, lock: Database): Database {
  try {
    return new Database(join(folder, DATABASE_FILE), { create: true, readwrite: true, strict: true });
  } catch (error) {
    lock.close(false);
    throw error;
  }
}

function placeCheck(path: string): () => void {
  const opened = statSync(path);
  return () => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.ino === opened.ino && found.dev === opened.dev) return;
    throw Object.assign(new Error("the database file is not in its place any more"), { code: "SQLITE_IOERR_GONE" });
  };
}

/**
 * Opens the database beside a running server, to read it as it is at this moment: whoever is merged or erased meanwhile
 * is in all of what is read, or in none of it.
 */
export function openReadOnly(folder: string): Database {
  const database = requireCurrent(openAsItIs(folder));
  database.run("begin");
  // The moment is that of the first read.
  appliedTags(database);
  return database;
}

/** The same whatever version wrote it: for what looks at the file and not into its tables. */
export function openAsItIs(folder: string): Database {
  return openExisting(folder, { readonly: true, strict: true });
}

/** Opens it beside a running server to change what no engine holds in memory, in a short transaction. */
export function openBeside(folder: string): Database {
  return requireCurrent(openExisting(folder, { readwrite: true, strict: true }));
}

/** Opens it while no server does, as it is: neither made nor brought up to date. */
export function openAlone(folder: string): Pick<OpenDatabase, "database" | "close"> {
  const found = openExisting(folder, { readwrite: true, strict: true });
  try {
    const lock = lockFolder(folder);
    return {
      database: found,
      close: () => {
        found.close(false);
        lock.close(false);
      },
    };
  } catch (error) {
    found.close(false);
    throw error;
  }
}

/** Whether a server, or a command that works alone, is on this folder now. */
export function isServed(folder: string): boolean {
  const path = join(folder, LOCK_FILE);
  if (!existsSync(path)) return false;
  const lock = new Database(path, { readonly: true, strict: true });
  try {
    lock.run("pragma busy_timeout = 0");
    lock.query("select 1 from sqlite_schema").get();
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "SQLITE_BUSY";
  } finally {
    lock.close(false);
  }
}

/** What another version has written has other tables. */
function requireCurrent(database: Database): Database {
  const applied = appliedTags(database);
  const isBehind = MIGRATIONS.some(({ tag }) => !applied.has(tag));
  const isAhead = applied.size > MIGRATIONS.length || (!isBehind && applied.size !== MIGRATIONS.length);
  if (!isBehind && !isAhead) return database;
  database.close(false);
  throw new AppError(
    "conflict",
    isAhead
      ? "the data folder was written by a newer do-intent; use that version"
      : "the data folder was written by an older do-intent; start this version's server on it once, which brings it up to date",
  );
}

function openExisting(folder: string, options: { readonly?: true; readwrite?: true; strict: true }): Database {
  const path = join(folder, DATABASE_FILE);
  if (!existsSync(path)) {
    throw new AppError("not_found", `there is no ${DATABASE_FILE} in ${folder}; name the data folder with --data`);
  }
  try {
    const database = new Database(path, options);
    database.run(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    if (options.readwrite) database.run(OVERWRITE);
    database.query("select 1 from migration").get();
    return database;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new AppError(
      "unavailable",
      `${path} is no database of do-intent, or cannot be read (${code}); look at its permissions, or name another folder with --data`,
    );
  }
}

/**
 * Two writers with two engines would each decide on half of the truth. The lock is an exclusive SQLite transaction on a
 * file of its own: the system lets go of it however the process ends.
 */
export function lockFolder(folder: string): Database {
  const lock = new Database(join(folder, LOCK_FILE), { create: true, readwrite: true, strict: true });
  try {
    lock.run("pragma busy_timeout = 0");
    lock.run("begin exclusive");
    return lock;
  } catch (error) {
    lock.close(false);
    if (!(error instanceof Error && "code" in error && error.code === "SQLITE_BUSY")) throw error;
    throw new AppError(
      "conflict",
      `another do-intent is running on ${folder}; stop it, or give this one a folder of its own with --data`,
    );
  }
}

/**
 * Applies what is missing, each migration in a transaction with its own entry, so that a crash leaves no half of one.
 * What is there already is backed up before; returns where to.
 */
function migrate(database: Database, folder: string): string | null {
  refuseForeign(database, folder);
  database.run("create table if not exists migration (tag text primary key, applied_at integer not null) strict");
  const applied = appliedTags(database);
  const unknown = [...applied].find((tag) => MIGRATIONS.every((migration) => migration.tag !== tag));
  if (unknown !== undefined) {
    throw new AppError(
      "conflict",
      `the data folder was written by a newer do-intent (migration ${unknown}); start that version, or restore a backup`,
    );
  }
  const first = MIGRATIONS.find(({ tag }) => !applied.has(tag));
  const isFresh = applied.size === 0;
  const backup =
    first === undefined || isFresh ? null : backupBeforeMigration(folder, DATABASE_FILE, database, first.tag);
  bringUpToDate(database);
  return backup;
}

/** A file with tables but without our list of migrations was made by somebody else, and is not ours to change. */
function refuseForeign(database: Database, folder: string): void {
  const names = database.query<{ name: string }, []>("select name from sqlite_schema where type = 'table'").all();
  if (names.length === 0 || names.some(({ name }) => name === "migration")) return;
  throw new AppError(
    "conflict",
    `the data folder ${folder} holds a database of another program under the name ${DATABASE_FILE}; name another folder with --data`,
  );
}
