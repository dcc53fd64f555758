import { z } from "zod";
import {
  keyTextSchema,
  SESSION_ID_LENGTH_MAX,
  timeSchema,
  URL_LENGTH_MAX,
  WRITE_KEY_LENGTH_MAX,
} from "../../http/wire.ts";

export const IDENTIFY_BYTES_MAX = 32 * 1024;
const USER_HASH_LENGTH_MAX = 4_000;

const identifier = z.union([z.string(), z.int()], { error: "must be a string" });

/** What /identify takes. In `identity`, everything but the identifiers is a trait. */
export const identifySchema = z.strictObject({
  anonymous_id: z.string().nullish(),
  identity: z.looseObject({
    user_id: identifier.nullish(),
    email: z.string().nullish(),
    phone: z.string().nullish(),
  }),
  session_id: keyTextSchema(SESSION_ID_LENGTH_MAX).nullish(),
  url: z.string().max(URL_LENGTH_MAX).nullish(),
  referrer: z.string().max(URL_LENGTH_MAX).nullish(),
  timestamp: timeSchema.nullish(),
  sent_at: timeSchema.nullish(),
  /** Of this instance's operator: hex HMAC-SHA256 over user_id or email, or a JWT. */
  user_hash: z.string().max(USER_HASH_LENGTH_MAX).nullish(),
  write_key: z.string().max(WRITE_KEY_LENGTH_MAX).nullish(),
});

export type IdentifyBody = z.infer<typeof identifySchema>;
