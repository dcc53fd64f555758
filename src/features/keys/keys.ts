import { AppError } from "../../core/error.ts";
import { hashKey, keyIdOf, mintKey, SCOPES, type Scope, SECRET_KEY_PREFIX, WRITE_KEY_PREFIX } from "../../http/keys.ts";
import type { AuditStore } from "../../store/sqlite/audit.ts";
import type { KeyStore, StoredKey } from "../../store/sqlite/keys.ts";
import type { NewKeyRequest } from "./schema.ts";

/** Each request with a key is compared with all of them. */
const KEYS_MAX = 100;

export type KeyAnswer = {
  key_id: string;
  kind: StoredKey["kind"];
  name: string | null;
  scopes: string[];
  /** Of write keys, which stand in every page's source anyway. */
  key: string | null;
  created_at: string;
  last_used_at: string | null;
  revoked_at: string | null;
};

/** What changes keys; `by` is whom the audit names. */
export type KeyBook = { store: KeyStore; audit: AuditStore; by: string; nowMs: number };

export function listKeys(store: KeyStore): KeyAnswer[] {
  return store.list().map(answerOf);
}

/** Makes a key; of a secret one this answer is all there ever is to see. Runs in the caller's transaction. */
export function createKey({ name, kind, scopes }: NewKeyRequest, { store, audit, by, nowMs }: KeyBook): KeyAnswer {
  const isSecret = kind === "secret";
  if (isSecret && scopes.length === 0) {
    throw new AppError("invalid", `says what the key may do: one or more of ${SCOPES.join(", ")}`, "scopes");
  }
  if (!isSecret && scopes.length > 0) {
    throw new AppError("invalid", "are for secret keys; a write key can only send, leave them out", "scopes");
  }
  if (store.list().filter(isActive).length >= KEYS_MAX) {
    throw new AppError("conflict", `there are ${KEYS_MAX} keys, which is the most; revoke one that is not used`);
  }
  const key = mintKey(isSecret ? SECRET_KEY_PREFIX : WRITE_KEY_PREFIX);
  const fresh = {
    kind,
    hash: hashKey(key),
    publicValue: isSecret ? null : key,
    name,
    scopes: SCOPES.filter((scope) => scopes.includes(scope)),
  };
  store.insert([fresh], nowMs);
  const keyId = keyIdOf(fresh.hash);
  const detail = { kind, scopes: fresh.scopes.join() };
  audit.record({ occurredMs: nowMs, keyId: by, action: "key_create", subject: keyId, detail });
  return { ...answerOf({ ...fresh, createdMs: nowMs, revokedMs: null, lastUsedMs: null }), key };
}

/** Ends a key for good. The last one that may administer stays: nobody could make another over HTTP. */
export function revokeKey(keyId: string, { store, audit, by, nowMs }: KeyBook): KeyAnswer {
  const keys = store.list();
  const key = keys.find(({ hash }) => keyIdOf(hash) === keyId);
  if (key === undefined) throw new AppError("not_found", "no key has this id; do-intent keys list shows them");
  if (!isActive(key)) return answerOf(key);
  const isLeft = keys.some((other) => other !== key && isActive(other) && mayAdminister(other));
  if (mayAdminister(key) && !isLeft) {
    throw new AppError(
      "conflict",
      "this is the last key with the scope admin; make another first: do-intent keys create NAME --scope admin",
    );
  }
  store.revoke(key.hash, nowMs);
  audit.record({ occurredMs: nowMs, keyId: by, action: "key_revoke", subject: keyId, detail: { kind: key.kind } });
  return answerOf({ ...key, revokedMs: nowMs });
}

function isActive({ revokedMs }: StoredKey): boolean {
  return revokedMs === null;
}

function mayAdminister({ kind, scopes }: StoredKey): boolean {
  return kind === "secret" && scopes.includes("admin" satisfies Scope);
}

function answerOf(key: StoredKey): KeyAnswer {
  const at = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    key_id: keyIdOf(key.hash),
    kind: key.kind,
    name: key.name,
    scopes: key.scopes,
    key: key.publicValue,
    created_at: new Date(key.createdMs).toISOString(),
    last_used_at: at(key.lastUsedMs),
    revoked_at: at(key.revokedMs),
  };
}
