import { hashKey, mintKey, SECRET_KEY_PREFIX, WRITE_KEY_PREFIX } from "../http/keys.ts";
import type { KeyStore } from "../store/sqlite/keys.ts";

/** The instance's keys; `freshSecretKey` only on the very first run, the one time it can be shown. */
export type InstanceKeys = {
  secretHashes: string[];
  writeHashes: string[];
  writeKey: string;
  freshSecretKey: string | null;
  /** The variable names another key than the one this folder was made with. */
  isGivenKeyIgnored: boolean;
};

export function ensureKeys(store: KeyStore, givenSecretKey: string | null, nowMs: number): InstanceKeys {
  const before = store.read();
  const isFirstRun = before.secretHashes.length === 0;
  const secretKey = isFirstRun ? (givenSecretKey ?? mintKey(SECRET_KEY_PREFIX)) : null;
  if (secretKey !== null) store.insert("secret", hashKey(secretKey), null, nowMs);
  if (before.writeKey === null) {
    const writeKey = mintKey(WRITE_KEY_PREFIX);
    store.insert("write", hashKey(writeKey), writeKey, nowMs);
  }
  const { secretHashes, writeHashes, writeKey } = store.read();
  if (writeKey === null) throw new Error("a write key was just stored");
  return {
    secretHashes,
    writeHashes,
    writeKey,
    freshSecretKey: secretKey,
    isGivenKeyIgnored: !isFirstRun && givenSecretKey !== null && !secretHashes.includes(hashKey(givenSecretKey)),
  };
}
