import { z } from "zod";
import { SCOPES } from "../../http/keys.ts";

export const KEY_BYTES_MAX = 4 * 1024;
export const KEY_NAME_LENGTH_MAX = 100;

const ofSecret = `must be a list of ${SCOPES.join(", ")}`;

/** What a new key is to be; a write key can only send, and so has no scopes. */
export const newKeySchema = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(KEY_NAME_LENGTH_MAX)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, "has control characters or broken Unicode"),
  kind: z
    .enum(["secret", "write"], { error: "must be secret or write" })
    .default("secret")
    .describe("a write key only sends"),
  scopes: z
    .array(z.enum(SCOPES, { error: ofSecret }), { error: ofSecret })
    .default([])
    .describe("what a secret key may do"),
});

export type NewKeyRequest = z.infer<typeof newKeySchema>;
