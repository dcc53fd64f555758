import type { Database } from "bun:sqlite";
import { appliedTags } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";

/** What a look from outside tells of a database, beside a running server too. */
export type Inspection = {
  /** Of this version, not applied yet; of a newer version, applied already. */
  missingTags: string[];
  newerTags: string[];
  bytes: number;
  /** Room inside the file that nothing uses. */
  freeBytes: number;
  /** Whether freed room can be given back without writing the whole file anew. */
  isGivingBack: boolean;
  lastEventMs: number | null;
  secretKeys: number;
  writeKeys: number;
  hasInstanceSecret: boolean;
};

type Facts = {
  pages: number;
  free: number;
  page_bytes: number;
  vacuum: number;
};

const INCREMENTAL = 2;

export function inspect(database: Database): Inspection {
  const applied = appliedTags(database);
  const known = MIGRATIONS.map(({ tag }) => tag);
  const facts = database
    .query<Facts, []>(
      `select (select page_count from pragma_page_count()) as pages,
         (select freelist_count from pragma_freelist_count()) as free,
         (select page_size from pragma_page_size()) as page_bytes,
         (select auto_vacuum from pragma_auto_vacuum()) as vacuum`,
    )
    .get();
  const { pages = 0, free = 0, page_bytes: pageBytes = 0, vacuum = 0 } = facts ?? {};
  return {
    missingTags: known.filter((tag) => !applied.has(tag)),
    newerTags: [...applied].filter((tag) => !known.includes(tag)),
    bytes: pages * pageBytes,
    freeBytes: free * pageBytes,
    isGivingBack: vacuum === INCREMENTAL,
    lastEventMs: numberOf(
      database,
      "select received_at as found from event where event_seq = (select max(event_seq) from event)",
    ),
    secretKeys: countOf(database, "api_key where kind = 'secret' and revoked_at is null"),
    writeKeys: countOf(database, "api_key where kind = 'write' and revoked_at is null"),
    hasInstanceSecret: has(database, "instance_secret") && countOf(database, "instance_secret") > 0,
  };
}

function countOf(database: Database, rows: string): number {
  return numberOf(database, `select count(*) as found from ${rows}`) ?? 0;
}

/** Of a version before, a table may be missing. */
function has(database: Database, table: string): boolean {
  return database.query("select 1 from sqlite_schema where name = ?").get(table) !== null;
}

function numberOf(database: Database, sql: string): number | null {
  return database.query<{ found: number | null }, []>(sql).get()?.found ?? null;
}
