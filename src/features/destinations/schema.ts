import { z } from "zod";
import { DELIVERY_STATES } from "../../core/delivery.ts";
import { cursorSchema, limitSchema, queryTimeSchema } from "../../http/query.ts";

export const deliveriesQuerySchema = z.strictObject({
  state: z.enum(DELIVERY_STATES, { error: `must be one of ${DELIVERY_STATES.join(", ")}` }).optional(),
  limit: limitSchema,
  cursor: cursorSchema.optional(),
});

export const replayQuerySchema = z.strictObject({ since: queryTimeSchema });

export type DeliveriesQuery = z.infer<typeof deliveriesQuerySchema>;
