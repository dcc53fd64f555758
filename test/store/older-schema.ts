import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { MIGRATIONS } from "../../src/store/sqlite/migrations.ts";

/** What a column held before a migration gave it another form; by the migration that did. */
const BEFORE: { readonly [tag: string]: { readonly [column: string]: string } } = {
  "0004_touches": {
    "session.first_touch": "json_extract(attribution, '$.first')",
    "intent_score.attribution": "json_remove(attribution, '$.last_non_direct')",
  },
  // Nothing could answer a question yet.
  "0006_campaigns_and_trust": { "merge_review.decided_at": "null" },
};

/**
 * Tables that were made before anything could fill them, by the migration that the first version to do so came with. No
 * list could be taken in before its leads had positions, so none of them is without one.
 */
const UNFILLED_BEFORE: { readonly [table: string]: string } = {
  campaign: "0011_lead_positions",
  campaign_lead: "0011_lead_positions",
  campaign_load: "0011_lead_positions",
  campaign_click: "0011_lead_positions",
  lead: "0011_lead_positions",
};

export type Rows = { [table: string]: { [column: string]: unknown }[] };

/** A data folder as a version wrote it that knew only the first `count` migrations, with today's rows in it. */
export function writeOlderFolder(folder: string, today: string, count: number): Rows {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  using database = new Database(join(folder, "do-intent.db"), { create: true, readwrite: true, strict: true });
  database.run("pragma journal_mode = wal");
  database.run("create table migration (tag text primary key, applied_at integer not null) strict");
  for (const { tag, statements } of MIGRATIONS.slice(0, count)) {
    for (const statement of statements) database.run(statement);
    database.query("insert into migration (tag, applied_at) values (?, 1)").run(tag);
  }
  database.query("attach ? as today").run(join(today, "do-intent.db"));
  const before = changedSince(count);
  const missing = MIGRATIONS.slice(count).map(({ tag }) => tag);
  for (const table of tablesOf(database, "main")) {
    if (table === "migration" || missing.includes(UNFILLED_BEFORE[table] ?? "")) continue;
    const known = columnsOf(database, "today", table);
    const columns = columnsOf(database, "main", table).filter(
      (column) => known.includes(column) || `${table}.${column}` in before,
    );
    const values = columns.map((column) => before[`${table}.${column}`] ?? column);
    database.run(`insert into main.${table} (${columns}) select ${values} from today.${table}`);
  }
  database.run("detach today");
  return rowsOf(database);
}

/** Columns, with their tables, to which a migration after the first `count` gave another form; what they held before it. */
export function changedSince(count: number): { readonly [column: string]: string } {
  return Object.assign({}, ...MIGRATIONS.slice(count).map(({ tag }) => BEFORE[tag] ?? {}));
}

/** All rows of all tables that the server does not write to by itself. */
export function rowsOf(database: Database): Rows {
  const tables = tablesOf(database, "main").filter((table) => !["migration", "heartbeat", "api_key"].includes(table));
  return Object.fromEntries(
    tables.map((table) => [table, database.query(`select * from ${table}`).all() as Rows[string]]),
  );
}

function tablesOf(database: Database, schema: string): string[] {
  const rows = database
    .query<{ name: string }, []>(
      `select name from ${schema}.sqlite_schema where type = 'table' and name not like 'sqlite%'`,
    )
    .all();
  return rows.map(({ name }) => name);
}

function columnsOf(database: Database, schema: string, table: string): string[] {
  return database
    .query<{ name: string }, [string, string]>("select name from pragma_table_info(?, ?)")
    .all(table, schema)
    .map(({ name }) => name);
}
