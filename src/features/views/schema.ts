import { z } from "zod";
import { AppError } from "../../core/error.ts";
import { cursorSchema, limitSchema } from "../../http/query.ts";
import { VIEW_CSV_ROWS_MAX } from "./read.ts";
import type { ViewQuery } from "./view.ts";

const CSV_LIMIT_PROBLEM = `must be a whole number from 1 to ${VIEW_CSV_ROWS_MAX}`;

const csvLimitSchema = z.coerce
  .number({ error: CSV_LIMIT_PROBLEM })
  .int(CSV_LIMIT_PROBLEM)
  .min(1, CSV_LIMIT_PROBLEM)
  .max(VIEW_CSV_ROWS_MAX, CSV_LIMIT_PROBLEM)
  .default(VIEW_CSV_ROWS_MAX);

export const viewQuerySchema = z.strictObject({
  level: z.string().max(64).optional().describe("the name of a threshold"),
  limit: z.string().optional().describe(`rows in this page, or up to ${VIEW_CSV_ROWS_MAX} in a file`),
  cursor: cursorSchema.optional(),
  format: z.enum(["json", "csv"], { error: "must be json or csv" }).optional(),
  hash: z.literal("email", { error: 'must be "email"' }).optional().describe("SHA-256 in the place of addresses"),
});

/** A file may have more rows than a page. */
export function toViewQuery(
  { level, limit, cursor, hash }: z.infer<typeof viewQuerySchema>,
  isCsv: boolean,
): ViewQuery {
  const parsed = (isCsv ? csvLimitSchema : limitSchema).safeParse(limit);
  if (!parsed.success) throw new AppError("invalid", parsed.error.issues[0]?.message ?? "is none", "limit");
  return { level, limit: parsed.data, cursor, isHashed: hash === "email" };
}
