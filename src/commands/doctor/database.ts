import type { Database } from "bun:sqlite";
import { AppError } from "../../core/error.ts";
import { openAsItIs } from "../../store/sqlite/database.ts";
import { type Inspection, inspect } from "../../store/sqlite/inspection.ts";
import { damagesOf } from "../../store/sqlite/integrity.ts";
import { type Finding, fail, ok, sizeOf, warn } from "./finding.ts";

/** Room that is worth the while of writing the file anew. */
const FREE_WARN_BYTES = 64 * 1024 * 1024;
const FREE_WARN_SHARE = 0.25;
const CLOCK_TOLERANCE_MS = 60_000;
/** Before that no version of this program was made. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);

const RESTORE =
  "stop the server, then do-intent restore BACKUP --data FOLDER --replace, which keeps what is there beside it";

/** What the database says of itself. The clock is held against what it has seen. */
export function examineDatabase(folder: string, isFull: boolean, nowMs: number): Finding[] {
  let database: Database;
  try {
    database = openAsItIs(folder);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [
      fail("database", error.message, error.code === "not_found" ? "start the server once" : RESTORE),
      clockOf(null, nowMs),
    ];
  }
  try {
    const damage = integrityOf(database, isFull);
    // Of a damaged file nothing else can be believed.
    if (damage.state === "fail") return [damage, clockOf(null, nowMs)];
    const seen = inspect(database);
    return [damage, schemaOf(seen), keysOf(seen), roomOf(seen), clockOf(seen.lastEventMs, nowMs)];
  } finally {
    database.close(false);
  }
}

function integrityOf(database: Database, isFull: boolean): Finding {
  const damages = damagesOf(database, isFull);
  const [first] = damages;
  if (first !== undefined) {
    const more = damages.length > 1 ? `, and ${damages.length - 1} more` : "";
    return fail("integrity", `the database is damaged: ${first}${more}`, RESTORE);
  }
  return ok(
    "integrity",
    isFull ? "every page and every index is whole" : "every page is whole; --full compares the indexes too",
  );
}

function schemaOf({ missingTags, newerTags }: Inspection): Finding {
  const [newer] = newerTags;
  if (newer !== undefined) {
    return fail(
      "schema",
      `a newer do-intent has written this database (${newer})`,
      "start that version, or a newer one",
    );
  }
  if (missingTags.length === 0) return ok("schema", "of this version");
  return ok("schema", `of a version before; the next start backs the file up and brings it up to date`);
}

function keysOf({ secretKeys, writeKeys, hasInstanceSecret }: Inspection): Finding {
  if (secretKeys === 0)
    return fail("keys", "there is no secret key, so nobody can read", "do-intent keys create NAME --scope read,admin");
  if (writeKeys === 0) return warn("keys", "there is no write key for the script tag", "start the server once");
  if (!hasInstanceSecret)
    return warn("keys", "there is no secret to sign links with yet", "start the server once; it makes one");
  return ok("keys", `${secretKeys} secret, ${writeKeys} to write`);
}

function roomOf({ bytes, freeBytes, isGivingBack }: Inspection): Finding {
  const isMuch = freeBytes > FREE_WARN_BYTES && freeBytes > bytes * FREE_WARN_SHARE;
  const remedy = "stop the server and run do-intent doctor --compact";
  if (isMuch) return warn("room", `${sizeOf(freeBytes)} of ${sizeOf(bytes)} in the database are unused`, remedy);
  if (!isGivingBack)
    return warn("room", "the database was made by a version before, and never gives room back to the disk", remedy);
  return ok("room", `${sizeOf(freeBytes)} of ${sizeOf(bytes)} are unused, and given back`);
}

function clockOf(lastEventMs: number | null, nowMs: number): Finding {
  const remedy = "set the clock, best by NTP (timedatectl set-ntp true): scores decay by it";
  const now = new Date(nowMs).toISOString();
  if (nowMs < EARLIEST_MS) return fail("clock", `it says ${now}, which is in the past`, remedy);
  if (lastEventMs !== null && lastEventMs > nowMs + CLOCK_TOLERANCE_MS) {
    const ahead = new Date(lastEventMs).toISOString();
    return warn(
      "clock",
      `it says ${now}, and the last event came at ${ahead}: it was put back, or it was ahead`,
      remedy,
    );
  }
  return ok("clock", `it says ${now}`);
}
