import { CsvError, parse } from "csv-parse/sync";
import { AppError } from "../../core/error.ts";
import { isLead, leadColumnsOf } from "../../core/lead-columns.ts";
import { decodeList, type Encoding } from "./decode.ts";

export const LEAD_COLUMNS_MAX = 200;
export const CELL_LENGTH_MAX = 32_768;
/** The line with the names of the columns. */
const HEADER_BYTES_MAX = 64 * 1_024;
const DELIMITERS = [",", ";", "\t", "|"];
const EXCEL_HINT_PATTERN = /^sep=(.)(?:\r\n|\n|\r)/i;
const LINE_BREAK_PATTERN = /\r\n|\n|\r/g;

export type ListHandler = {
  /** Called once, before any row. */
  onHeader(columns: readonly string[]): void;
  /** A row with a cell for each column; `share` says how much of the list is read. */
  onRow(line: number, cells: string[], share: number): void;
  onProblem(line: number, reason: string): void;
};

const OPTIONS = {
  relax_quotes: true,
  relax_column_count: true,
  skip_empty_lines: true,
  // Lists that were pasted together have all kinds of line ends in one file.
  record_delimiter: ["\r\n", "\n", "\r"],
} as const;

/** Goes through a CSV with a line of column names, in any of the usual encodings and with any of the usual separators. */
export function readCsvList(bytes: Buffer, handler: ListHandler): Encoding {
  const { utf8, encoding } = decodeList(bytes);
  const hint = EXCEL_HINT_PATTERN.exec(utf8.toString("latin1", 0, 8));
  const csv = hint === null ? utf8 : utf8.subarray(hint[0].length);
  const delimiter = hint?.[1] ?? delimiterOf(csv);
  const lines = createLineCount(hint === null ? 1 : 2);
  let header: readonly string[] | null = null;
  const onRecord = (record: string[], info: { empty_lines: number; bytes: number }): null => {
    const line = lines.next(record, info.empty_lines);
    if (record.every((cell) => cell.trim() === "")) return null;
    const cells = record.some((cell) => cell.includes("\0")) ? record.map((cell) => cell.replaceAll("\0", "")) : record;
    if (header === null) {
      header = headerOf(cells);
      handler.onHeader(header);
      return null;
    }
    const problem = rowProblem(cells, header.length);
    if (problem !== null) handler.onProblem(line, problem);
    else handler.onRow(line, fitted(cells, header.length), info.bytes / csv.length);
    return null;
  };
  try {
    parse(csv, { ...OPTIONS, record_delimiter: [...OPTIONS.record_delimiter], delimiter, on_record: onRecord });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new AppError(
      "invalid",
      `line ${lines.upcoming()}: a quote opens there and is never closed, so that the rest of the list is one cell; close it and try again`,
    );
  }
  if (header === null)
    throw new AppError("invalid", "the list is empty; it takes a line of column names and one line per lead");
  return encoding;
}

/** The separator by which the first line becomes names of columns that are known; else the one that it has most of. */
function delimiterOf(csv: Buffer): string {
  const judged = DELIMITERS.map((delimiter) => {
    const names = firstRecordOf(csv, delimiter);
    return { delimiter, names, isKnown: leadColumnsOf(names) !== null };
  }).sort((a, b) => Number(b.isKnown) - Number(a.isKnown) || b.names.length - a.names.length);
  return judged[0]?.delimiter ?? ",";
}

function firstRecordOf(csv: Buffer, delimiter: string): string[] {
  let first: string[] = [];
  const take = (record: string[]): null => {
    if (first.length === 0) first = record;
    return null;
  };
  try {
    parse(csv.subarray(0, HEADER_BYTES_MAX), {
      ...OPTIONS,
      record_delimiter: [...OPTIONS.record_delimiter],
      delimiter,
      to: 1,
      on_record: take,
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
  }
  return first;
}

/** Names of columns for the export: none is blank there. */
function headerOf(cells: readonly string[]): string[] {
  const header = cells.map((cell) => cell.trim());
  // Spreadsheets save columns that were only ever looked at.
  while (header.length > LEAD_COLUMNS_MAX && header.at(-1) === "") header.pop();
  if (leadColumnsOf(header) === null) {
    throw new AppError(
      "invalid",
      isLead(header)
        ? "the first line is a lead already; put a line with the names of the columns above it, such as email,first_name,company"
        : "the first line names no column of e-mail addresses; call one of them email",
    );
  }
  if (header.length > LEAD_COLUMNS_MAX)
    throw new AppError("invalid", `the list has ${header.length} columns; at most ${LEAD_COLUMNS_MAX} are taken`);
  const long = header.findIndex((name) => name.length > CELL_LENGTH_MAX);
  if (long >= 0)
    throw new AppError(
      "invalid",
      `the name of column ${long + 1} is longer than ${CELL_LENGTH_MAX} characters; shorten it`,
    );
  return header.map((name, index) => (name === "" ? `column_${index + 1}` : name));
}

function rowProblem(cells: readonly string[], columns: number): string | null {
  const long = cells.findIndex((cell) => cell.length > CELL_LENGTH_MAX);
  if (long >= 0) return `cell ${long + 1} has ${cells[long]?.length} characters; at most ${CELL_LENGTH_MAX} are taken`;
  if (cells.slice(columns).every((cell) => cell.trim() === "")) return null;
  return `there are ${cells.length} cells and ${columns} columns; put cells that hold the separator into quotes`;
}

function fitted(cells: string[], columns: number): string[] {
  if (cells.length === columns) return cells;
  return Array.from({ length: columns }, (_, index) => cells[index] ?? "");
}

/** On which line of the file a record begins: cells have lines of their own, and blank ones are not told of. */
function createLineCount(first: number) {
  let next = first;
  let blank = 0;
  return {
    next: (record: readonly string[], emptyLines: number): number => {
      next += emptyLines - blank;
      blank = emptyLines;
      const line = next;
      next += 1;
      for (const cell of record)
        if (cell.includes("\n") || cell.includes("\r")) next += cell.match(LINE_BREAK_PATTERN)?.length ?? 0;
      return line;
    },
    upcoming: () => next,
  };
}
