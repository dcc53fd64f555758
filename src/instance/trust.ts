import type { IntentConfig } from "../config/intent.ts";
import { readIdentitySecrets } from "../config/trust.ts";
import { AppError } from "../core/error.ts";
import type { Clock } from "../engine/clock.ts";
import { createKeys, type Keys } from "../http/keys.ts";
import { createLimits, type Limits } from "../http/limits.ts";
import type { Log } from "../http/log.ts";
import { type Overload, watchOverload } from "../http/overload.ts";
import { requestIdOf } from "../http/request-id.ts";
import type { IdentityTrust } from "../http/signature.ts";
import type { KeyStore } from "../store/sqlite/keys.ts";
import type { InstanceKeys } from "./keys.ts";

/** Who may do what, whose word counts, and how much of it is taken. */
export type Trust = {
  keys: Keys;
  keyStore: KeyStore;
  limits: Limits;
  overload: Overload;
  identityTrust: (headers: Headers) => IdentityTrust;
};

export type TrustOptions = {
  instanceKeys: InstanceKeys;
  keyStore: KeyStore;
  config: () => IntentConfig;
  backlog: () => number;
  clock: Clock;
  log: Log;
};

export function createTrust({ instanceKeys, keyStore, config, backlog, clock, log }: TrustOptions): Trust {
  const keys = createKeys({ read: instanceKeys.active, noteUse: keyStore.noteUse }, clock);
  return {
    keys,
    keyStore,
    limits: createLimits(() => config().limits, keys),
    overload: watchOverload(backlog),
    identityTrust: (headers) => ({
      mode: config().identity_verification,
      hashOf: config().identity_hash_of,
      secrets: () => identitySecrets(config().identity_secret, headers, log),
    }),
  };
}

function identitySecrets(references: readonly string[], headers: Headers, log: Log): string[] {
  const secrets = readIdentitySecrets(references, process.env, (reference) =>
    log.error("identity_secret_unusable", {
      request_id: requestIdOf(headers),
      reference,
      needs: "to be readable, and at least 32 characters",
    }),
  );
  if (secrets.length > 0) return secrets;
  throw new AppError(
    "unavailable",
    "signatures cannot be checked: no identity_secret of intent.json can be read; nothing was stored",
    "user_hash",
  );
}
