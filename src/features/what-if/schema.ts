import { z } from "zod";
import { TRY_NAMED_DEFAULT, TRY_NAMED_MAX } from "../../core/what-if.ts";

const PROBLEM = `must be a whole number from 1 to ${TRY_NAMED_MAX}`;

export const tryQuerySchema = z.strictObject({
  limit: z.coerce
    .number({ error: PROBLEM })
    .int(PROBLEM)
    .min(1, PROBLEM)
    .max(TRY_NAMED_MAX, PROBLEM)
    .default(TRY_NAMED_DEFAULT)
    .describe("people who rise, and accounts that move, who are named; all of them are counted"),
});
