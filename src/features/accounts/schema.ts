import { z } from "zod";
import { cursorSchema, limitSchema, queryTimeSchema } from "../../http/query.ts";

export const accountsQuerySchema = z.strictObject({
  level: z.string().optional(),
  sort: z.enum(["score", "momentum"], { error: "must be score or momentum" }).default("score"),
  limit: limitSchema,
  cursor: cursorSchema.optional(),
});

export const accountQuerySchema = z.strictObject({ at: queryTimeSchema.optional() });

export type AccountsQuery = z.infer<typeof accountsQuerySchema>;
