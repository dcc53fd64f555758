import { z } from "zod";
import { options } from "./option.ts";

const NAME_LENGTH_MAX = 100;

export const keyName = z
  .string()
  .trim()
  .min(1)
  .max(NAME_LENGTH_MAX)
  .register(options, {
    placeholder: "NAME",
    takes: `what you call the key, at most ${NAME_LENGTH_MAX} characters`,
    help: "what you call the key",
  });

export const keyKind = z.enum(["secret", "write"]).default("secret").register(options, {
  flag: "--kind",
  placeholder: "KIND",
  takes: "secret or write",
  help: "a secret key does what its scopes say; a write key stands in pages and can only send",
});

export const keyScopes = z
  .array(z.string())
  .transform((given) => given.flatMap((part) => part.split(",")).map((part) => part.trim()))
  .pipe(z.array(z.enum(["ingest", "read", "admin"])))
  .default([])
  .register(options, {
    flag: "--scope",
    placeholder: "SCOPE",
    isRepeatable: true,
    takes: "ingest, read or admin",
    otherwise: "none, a secret key needs one",
    help: "what a secret key may do; repeat it, or separate by commas",
  });

export const keyId = z
  .string()
  .regex(/^key_[0-9a-f]{12}$/)
  .register(options, {
    placeholder: "KEY_ID",
    takes: "a key's id such as key_0123456789ab, as keys list shows it",
    help: "the key to revoke",
  });
