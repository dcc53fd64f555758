import { z } from "zod";
import { WRITE_KEY_LENGTH_MAX } from "../../http/wire.ts";

const ID_LENGTH_MAX = 200;

export const personalizeQuerySchema = z.strictObject({
  /** The id of a campaign link. */
  i: z.string().max(ID_LENGTH_MAX).optional(),
  anonymous_id: z.string().max(ID_LENGTH_MAX).optional(),
  write_key: z.string().max(WRITE_KEY_LENGTH_MAX).optional(),
});

export type PersonalizeQuery = z.infer<typeof personalizeQuerySchema>;
