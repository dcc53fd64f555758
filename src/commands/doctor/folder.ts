import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { DATABASE_FILE, isServed, LOCK_FILE } from "../../store/sqlite/database.ts";
import { oldCopiesIn } from "../../store/sqlite/old-copies.ts";
import { type Finding, fail, ok, sizeOf, warn } from "./finding.ts";

const FREE_FAIL_BYTES = 64 * 1024 * 1024;
const FREE_WARN_BYTES = 1024 * 1024 * 1024;
const WAL_WARN_BYTES = 256 * 1024 * 1024;
/** What others than the owner may do. */
const OTHERS_MASK = 0o077;

/** What can be said without opening the database. */
export function examineFolder(folder: string): Finding[] {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) {
    return [
      fail("data folder", `${folder} is not there`, "name the data folder with --data, or start the server once"),
    ];
  }
  if (!stat.isDirectory()) return [fail("data folder", `${folder} is no folder`, "name another one with --data")];
  return [permissionsOf(folder), serverOf(folder), spaceOf(folder), walOf(folder), copiesOf(folder)];
}

function permissionsOf(folder: string): Finding {
  const check = "permissions";
  const paths = [folder, ...[DATABASE_FILE, LOCK_FILE].map((name) => join(folder, name))];
  const stats = paths.flatMap((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat === undefined ? [] : [{ path, stat }];
  });
  const unusable = paths.find((path) => statSync(path, { throwIfNoEntry: false }) && !isUsable(path));
  const uid = process.getuid?.() ?? 0;
  if (unusable !== undefined) {
    return fail(
      check,
      `user ${uid} may not read and write ${unusable}`,
      "run this as the server's user, or give the folder and its files to that user",
    );
  }
  const owners = new Set(stats.map(({ stat }) => stat.uid));
  if (owners.size > 1) {
    return fail(
      check,
      `the folder and its files belong to different users (${[...owners].join(", ")})`,
      "give all of them to the server's user with chown -R",
    );
  }
  const open = stats.find(({ stat }) => (stat.mode & OTHERS_MASK) !== 0);
  if (open !== undefined) {
    return warn(check, `others than the owner may read ${open.path}, and it is about people`, `chmod -R go= ${folder}`);
  }
  return ok(check, `only user ${[...owners][0]} may read the folder and its files`);
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function serverOf(folder: string): Finding {
  const check = "server";
  try {
    return ok(check, isServed(folder) ? "a server runs on this folder" : "no server runs on this folder");
  } catch {
    return warn(check, `whether one runs cannot be told: ${LOCK_FILE} cannot be read`, "run this as the server's user");
  }
}

function spaceOf(folder: string): Finding {
  const { bavail, bsize, ffree, files } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  const file = statSync(join(folder, DATABASE_FILE), { throwIfNoEntry: false })?.size ?? 0;
  const remedy = "free some space, or move the data folder to a larger disk; a full disk refuses events with 503";
  if (freeBytes < FREE_FAIL_BYTES) return fail("free space", `${sizeOf(freeBytes)} are left on the disk`, remedy);
  // Some file systems know no such number and say 0 of 0.
  if (files > 0 && ffree === 0) return fail("free space", "the disk has no room for another file", remedy);
  if (freeBytes < Math.max(FREE_WARN_BYTES, file)) {
    const need = file > FREE_WARN_BYTES ? `, less than a copy of the database takes (${sizeOf(file)})` : "";
    return warn("free space", `${sizeOf(freeBytes)} are left on the disk${need}`, remedy);
  }
  return ok("free space", `${sizeOf(freeBytes)} are left on the disk; the database takes ${sizeOf(file)}`);
}

function walOf(folder: string): Finding {
  const bytes = statSync(join(folder, `${DATABASE_FILE}-wal`), { throwIfNoEntry: false })?.size ?? 0;
  if (bytes < WAL_WARN_BYTES) return ok("write-ahead log", `${sizeOf(bytes)} beside the database`);
  return warn(
    "write-ahead log",
    `${sizeOf(bytes)} beside the database: something reads it for a long time and keeps the log from being taken in`,
    "end whatever else has the database open; the next start takes the log in",
  );
}

function copiesOf(folder: string): Finding {
  const copies = oldCopiesIn(folder);
  if (copies.length === 0) return ok("old copies", "none lies in the folder");
  return warn(
    "old copies",
    `${copies.join(", ")}: whoever was erased since is still in ${copies.length === 1 ? "it" : "them"}`,
    "remove what is needed no more, with the -wal and -shm beside it",
  );
}
