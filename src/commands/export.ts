import type { Command } from "../config/commands.ts";
import { compileRules } from "../core/compile.ts";
import { cellText } from "../features/views/read.ts";
import { csvLine } from "../http/csv.ts";
import { openReadOnly } from "../store/sqlite/database.ts";
import { createExportRows } from "../store/sqlite/export-rows.ts";
import { EXPORT_TABLES, type ExportRow } from "./export-tables.ts";
import { noteCommand } from "./note.ts";
import { createProgressBar, type Terminal } from "./progress.ts";
import { loadConfig } from "./serve.ts";

type ExportOptions = Extract<Command, { name: "export" }>["options"];

/** What is gathered before it is written. */
const PIECE_CHARACTERS = 64 * 1024;

/** Takes a piece of text; resolves when there is room for the next, to false when nobody reads any more. */
export type Sink = (text: string) => Promise<boolean>;

/** Writes a whole table, as it is at this moment, beside a running server; never more than a piece of it in memory. */
export async function runExport(
  { table, exportFormat, changedSinceMs, hash, data, config }: ExportOptions,
  nowMs: number,
  sink: Sink,
  terminal: Terminal,
): Promise<number> {
  const loaded = loadConfig(config);
  const database = openReadOnly(data);
  const bar = createProgressBar(terminal);
  try {
    noteCommand(data, { action: "table_export", detail: { table, hashed: hash === "email" } }, nowMs);
    const total = createExportRows(database).count(table);
    const rules = compileRules(loaded.config, loaded.hash);
    const context = { database, rules, nowMs, sinceMs: changedSinceMs ?? 0, isHashed: hash === "email" };
    const { columns, rows } = EXPORT_TABLES[table];
    const line = exportFormat === "csv" ? csvOf(columns) : jsonLineOf(columns);
    let piece = exportFormat === "csv" ? csvLine(columns) : "";
    let count = 0;
    for (const row of rows(context)) {
      piece += line(row);
      count += 1;
      if (piece.length < PIECE_CHARACTERS) continue;
      bar.show(count / Math.max(total, 1), `${count.toLocaleString("en")} ${table}`);
      if (!(await sink(piece))) return 0;
      piece = "";
    }
    if (piece !== "") await sink(piece);
    return 0;
  } finally {
    bar.end();
    database.close(false);
  }
}

function csvOf(columns: readonly string[]): (row: ExportRow) => string {
  return (row) => csvLine(columns.map((column) => cellText(row[column])));
}

function jsonLineOf(columns: readonly string[]): (row: ExportRow) => string {
  return (row) => `${JSON.stringify(Object.fromEntries(columns.map((column) => [column, row[column] ?? null])))}\n`;
}
