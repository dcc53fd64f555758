import { AppError } from "../../core/error.ts";
import { leadColumnsOf } from "../../core/lead-columns.ts";
import type { Encoding } from "./decode.ts";
import { CELL_LENGTH_MAX, LEAD_COLUMNS_MAX, type ListHandler } from "./read-list.ts";

type JsonLead = { [column: string]: unknown };

/** Goes through leads that come as JSON; their keys are the columns, those of all of them together. */
export function readJsonList(leads: unknown, handler: ListHandler): Encoding {
  if (!Array.isArray(leads)) throw new AppError("invalid", "must be a list of objects, one per lead", "leads");
  const columns = columnsOf(leads);
  if (leads.length === 0) throw new AppError("invalid", "is empty; send at least one lead", "leads");
  if (leadColumnsOf(columns) === null)
    throw new AppError("invalid", "have no e-mail addresses; send them as email", "leads");
  handler.onHeader(columns);
  for (const [index, lead] of leads.entries()) {
    const row = index + 1;
    // What is read is not needed any more.
    leads[index] = null;
    const read = isLeadObject(lead) ? cellsOf(lead, columns) : "must be an object with the columns as keys";
    if (typeof read === "string") handler.onProblem(row, read);
    else handler.onRow(row, read, row / leads.length);
  }
  return "utf-8";
}

/** A cell for each column, or what is wrong with them. */
function cellsOf(lead: JsonLead, columns: readonly string[]): string[] | string {
  const cells: string[] = [];
  for (const column of columns) {
    const cell = cellOf(Object.hasOwn(lead, column) ? lead[column] : undefined);
    if (cell === null) return "holds lists or objects; send text, numbers, true or false";
    if (cell.length > CELL_LENGTH_MAX)
      return `has ${cell.length} characters under one key; at most ${CELL_LENGTH_MAX} are taken`;
    cells.push(cell);
  }
  return cells;
}

function columnsOf(leads: readonly unknown[]): string[] {
  const columns = new Set<string>();
  for (const lead of leads) {
    if (!isLeadObject(lead)) continue;
    for (const column of Object.keys(lead)) columns.add(column);
    if (columns.size > LEAD_COLUMNS_MAX)
      throw new AppError("invalid", `have more than ${LEAD_COLUMNS_MAX} different keys; send fewer`, "leads");
  }
  return [...columns];
}

function isLeadObject(lead: unknown): lead is JsonLead {
  return lead !== null && typeof lead === "object" && !Array.isArray(lead);
}

/** What is no text as text; null when it cannot be. */
function cellOf(value: unknown): string | null {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value.isWellFormed() ? value.replaceAll("\0", "") : value.toWellFormed();
  return typeof value === "number" || typeof value === "boolean" ? String(value) : null;
}
