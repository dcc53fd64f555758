import { readFileSync, statSync } from "node:fs";
import type { ServeOptions } from "../config/commands.ts";
import { secretKey as secretKeySchema } from "../config/environment.ts";
import { AppError } from "../core/error.ts";
import { hashKey, type KnownKey, mintKey, SCOPES, SECRET_KEY_PREFIX, WRITE_KEY_PREFIX } from "../http/keys.ts";
import type { KeyStore, NewKey } from "../store/sqlite/keys.ts";

const KEY_FILE_BYTES_MAX = 4_096;

/** The instance's keys; `freshSecretKey` only on the very first run, the one time it can be shown. */
export type InstanceKeys = {
  /** Those that hold now, the fresh ones included. */
  active(): readonly KnownKey[];
  writeKey: string;
  /** The first write key that holds by now; null when all of them were revoked. */
  liveWriteKey(): string | null;
  freshSecretKey: string | null;
  /** Another key was given than those that hold in this folder. */
  isGivenKeyIgnored: boolean;
  /** Stores what is fresh. Only when it can be shown: of a secret key nothing but its hash is kept. */
  persist(): void;
};

export function ensureKeys(store: KeyStore, givenSecretKey: string | null, nowMs: number): InstanceKeys {
  const stored = activeOf(store);
  const isFirstRun = stored.every(({ kind }) => kind !== "secret");
  const knownWriteKey = stored.find(({ kind }) => kind === "write")?.publicValue ?? null;
  const freshSecretKey = isFirstRun ? (givenSecretKey ?? mintKey(SECRET_KEY_PREFIX)) : null;
  const writeKey = knownWriteKey ?? mintKey(WRITE_KEY_PREFIX);
  let fresh: readonly NewKey[] = [
    ...(freshSecretKey === null ? [] : [firstKey("secret", freshSecretKey)]),
    ...(knownWriteKey === null ? [firstKey("write", writeKey)] : []),
  ];
  return {
    active: () => [...activeOf(store), ...fresh],
    liveWriteKey: () => [...activeOf(store), ...fresh].find(({ kind }) => kind === "write")?.publicValue ?? null,
    writeKey,
    freshSecretKey,
    isGivenKeyIgnored:
      !isFirstRun && givenSecretKey !== null && stored.every(({ hash }) => hash !== hashKey(givenSecretKey)),
    persist: () => {
      store.insert(fresh, nowMs);
      fresh = [];
    },
  };
}

function activeOf(store: KeyStore) {
  return store.list().filter(({ revokedMs }) => revokedMs === null);
}

function firstKey(kind: NewKey["kind"], key: string): NewKey {
  const isSecret = kind === "secret";
  return {
    kind,
    hash: hashKey(key),
    publicValue: isSecret ? null : key,
    name: "first run",
    scopes: isSecret ? [...SCOPES] : [],
  };
}

/** The key that the operator gives: itself in a variable, or in a file, as systemd's LoadCredential puts it. */
export function givenSecretKey({
  secretKey,
  secretKeyFile,
}: Pick<ServeOptions, "secretKey" | "secretKeyFile">): string | null {
  if (secretKeyFile === null) return secretKey;
  if (secretKey !== null) {
    throw new AppError("invalid", "DO_INTENT_SECRET_KEY and DO_INTENT_SECRET_KEY_FILE exclude each other; give one");
  }
  const parsed = secretKeySchema.safeParse(textOf(secretKeyFile).trim());
  if (parsed.success && parsed.data !== null) return parsed.data;
  throw new AppError("invalid", "the file in DO_INTENT_SECRET_KEY_FILE takes 16 to 200 visible ASCII characters");
}

function textOf(path: string): string {
  try {
    const stat = statSync(path);
    if (stat.isFile() && stat.size <= KEY_FILE_BYTES_MAX) return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new AppError(
      "unavailable",
      `the file in DO_INTENT_SECRET_KEY_FILE cannot be read (${code}); let the user that runs do-intent read it`,
    );
  }
  throw new AppError("invalid", "DO_INTENT_SECRET_KEY_FILE takes the path of a file that holds nothing but the key");
}
