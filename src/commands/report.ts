import type { Command } from "../config/commands.ts";
import { compileRules } from "../core/compile.ts";
import { cellText, VIEW_CSV_ROWS_MAX, type ViewTable, viewCsv, viewJson } from "../features/views/read.ts";
import { openReadOnly } from "../store/sqlite/database.ts";
import { readViewFrom } from "../threads/sales.ts";
import { noteCommand } from "./note.ts";
import { loadConfig } from "./serve.ts";

type ReportOptions = Extract<Command, { name: "report" }>["options"];

const TABLE_ROWS = 50;
const CELL_WIDTH_MAX = 40;

/** A view from the file, also beside a running server. */
export function runReport(options: ReportOptions, nowMs: number, print: (text: string) => void): number {
  const { view, format, level, rows, hash, data } = options;
  const loaded = loadConfig(options.config);
  const database = openReadOnly(data);
  try {
    noteCommand(data, { action: "read", detail: { command: "report", view, hashed: hash === "email" } }, nowMs);
    const limit = rows ?? (format === "table" ? TABLE_ROWS : VIEW_CSV_ROWS_MAX);
    const query = { limit, cursor: undefined, level, isHashed: hash === "email" };
    const context = {
      rules: compileRules(loaded.config, loaded.hash),
      nowMs,
      publicUrl: loaded.config.public_url ?? null,
    };
    const table = readViewFrom(database, view, query, context);
    print(format === "csv" ? viewCsv(table) : `${format === "json" ? viewJson(table) : tableText(table)}\n`);
    return 0;
  } finally {
    database.close(false);
  }
}

function tableText({ columns, rows, next_cursor }: ViewTable): string {
  const lines = [columns, ...rows.map((row) => columns.map((column) => shown(row[column])))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [...text, ...(next_cursor === null ? [] : ["and more; --rows shows them"])].join("\n");
}

/** One line of a terminal, whatever somebody called themselves. */
function shown(value: ViewTable["rows"][number][string] | undefined): string {
  const text =
    typeof value === "number" && !Number.isInteger(value)
      ? value.toFixed(2)
      : cellText(value).replace(/[\p{Cc}\s]+/gu, " ");
  return text.length <= CELL_WIDTH_MAX ? text : `${text.slice(0, CELL_WIDTH_MAX - 1)}…`;
}
