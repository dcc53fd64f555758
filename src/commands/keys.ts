import { hashKey, mintKey, SECRET_KEY_PREFIX, WRITE_KEY_PREFIX } from "../http/keys.ts";
import type { KeyStore, NewKey } from "../store/sqlite/keys.ts";

/** The instance's keys; `freshSecretKey` only on the very first run, the one time it can be shown. */
export type InstanceKeys = {
  secretHashes: string[];
  writeHashes: string[];
  writeKey: string;
  freshSecretKey: string | null;
  /** The variable names another key than the one this folder was made with. */
  isGivenKeyIgnored: boolean;
  /** Stores what is fresh. Only when it can be shown: of a secret key nothing but its hash is kept. */
  persist(): void;
};

export function ensureKeys(store: KeyStore, givenSecretKey: string | null, nowMs: number): InstanceKeys {
  const { secretHashes, writeHashes, writeKey: knownWriteKey } = store.read();
  const isFirstRun = secretHashes.length === 0;
  const fresh: NewKey[] = [];
  const freshSecretKey = isFirstRun ? (givenSecretKey ?? mintKey(SECRET_KEY_PREFIX)) : null;
  if (freshSecretKey !== null) fresh.push({ kind: "secret", hash: hashKey(freshSecretKey), publicValue: null });
  const writeKey = knownWriteKey ?? mintKey(WRITE_KEY_PREFIX);
  if (knownWriteKey === null) fresh.push({ kind: "write", hash: hashKey(writeKey), publicValue: writeKey });
  const hashesOf = (kind: NewKey["kind"]) => fresh.filter((key) => key.kind === kind).map(({ hash }) => hash);
  return {
    secretHashes: [...secretHashes, ...hashesOf("secret")],
    writeHashes: [...writeHashes, ...hashesOf("write")],
    writeKey,
    freshSecretKey,
    isGivenKeyIgnored: !isFirstRun && givenSecretKey !== null && !secretHashes.includes(hashKey(givenSecretKey)),
    persist: () => store.insert(fresh, nowMs),
  };
}
