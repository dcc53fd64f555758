import { z } from "zod";
import { WRITE_KEY_LENGTH_MAX } from "../../http/wire.ts";

const ID_LENGTH_MAX = 200;

export const personalizeQuerySchema = z.strictObject({
  i: z.string().max(ID_LENGTH_MAX).optional().describe("the id of a campaign link"),
  anonymous_id: z.string().max(ID_LENGTH_MAX).optional().describe("the browser's id, where there is no cookie"),
  write_key: z.string().max(WRITE_KEY_LENGTH_MAX).optional().describe("where ingest.require_write_key holds"),
});

export type PersonalizeQuery = z.infer<typeof personalizeQuerySchema>;
