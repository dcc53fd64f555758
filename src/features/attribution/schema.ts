import { z } from "zod";
import { limitSchema } from "../../http/query.ts";

const DIMENSIONS = ["source", "campaign", "landing", "channel"] as const;
const TOUCHES = ["first", "last", "last_non_direct"] as const;

export const attributionQuerySchema = z.strictObject({
  by: z.enum(DIMENSIONS, { error: `must be one of ${DIMENSIONS.join(", ")}` }).default("source"),
  level: z.string().optional(),
  touch: z.enum(TOUCHES, { error: `must be one of ${TOUCHES.join(", ")}` }).default("first"),
  limit: limitSchema,
});

export type AttributionQuery = z.infer<typeof attributionQuerySchema>;
