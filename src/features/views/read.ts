import { AppError } from "../../core/error.ts";
import type { Json } from "../../core/json.ts";
import { csvLine } from "../../http/csv.ts";
import { campaignPerformance } from "./campaign-performance.ts";
import { highIntentLeads } from "./high-intent-leads.ts";
import { intentDistribution } from "./intent-distribution.ts";
import { recentSessions } from "./recent-sessions.ts";
import type { View, ViewContext, ViewQuery, ViewRow, ViewSources } from "./view.ts";

const VIEWS: { readonly [name: string]: View } = {
  "high-intent-leads": highIntentLeads,
  "campaign-performance": campaignPerformance,
  "recent-sessions": recentSessions,
  "intent-distribution": intentDistribution,
};

/** What makes a file of a page has more rows than a page. */
export const VIEW_CSV_ROWS_MAX = 10_000;

export type ViewTable = {
  view: string;
  at: string;
  config_hash: string;
  columns: string[];
  rows: ViewRow[];
  next_cursor: string | null;
};

export type ViewsAnswer = { views: { name: string; help: string }[] };

export function listViews(): ViewsAnswer {
  return { views: Object.entries(VIEWS).map(([name, { help }]) => ({ name, help })) };
}

/** One page of a view. It may look at everybody, so it runs beside the loop and never in it. */
export function readView(name: string, query: ViewQuery, sources: ViewSources, context: ViewContext): ViewTable {
  const view = Object.hasOwn(VIEWS, name) ? VIEWS[name] : undefined;
  if (view === undefined)
    throw new AppError("not_found", `there is no such view; there are ${Object.keys(VIEWS).join(", ")}`);
  const { rows, nextCursor } = view.read(query, sources, context);
  return {
    view: name,
    at: new Date(context.nowMs).toISOString(),
    config_hash: context.rules.hash,
    columns: view.columns(context, query),
    rows,
    next_cursor: nextCursor,
  };
}

export function viewCsv({ columns, rows }: ViewTable): string {
  return [columns, ...rows.map((row) => columns.map((column) => cellText(row[column])))].map(csvLine).join("");
}

export function viewJson({ columns, rows, ...table }: ViewTable): string {
  const ordered = rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column] ?? null])));
  return JSON.stringify({ ...table, rows: ordered });
}

export function cellText(value: Json | undefined): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(cellText).join("; ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
