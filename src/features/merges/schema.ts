import { z } from "zod";
import { cursorSchema, limitSchema } from "../../http/query.ts";

export const mergesQuerySchema = z.strictObject({
  person: z.string().max(40).optional().describe("a person's id: merges it is a side of"),
  undone: z.enum(["true", "false"], { error: "must be true or false" }).optional(),
  limit: limitSchema,
  cursor: cursorSchema.optional(),
});

export type MergesQuery = z.infer<typeof mergesQuerySchema>;

const STATES = ["open", "approved", "rejected"] as const;

export const reviewsQuerySchema = z.strictObject({
  state: z.enum(STATES, { error: `must be one of ${STATES.join(", ")}` }).optional(),
  limit: limitSchema,
  cursor: cursorSchema.optional(),
});

export type ReviewsQuery = z.infer<typeof reviewsQuerySchema>;

/** The id of the last row of the page before. */
export const positionSchema = z.tuple([z.int().min(0)]);
