import type { Database } from "bun:sqlite";

export type StoredKey = {
  kind: "write" | "secret";
  hash: string;
  /** The key itself, of write keys only. */
  publicValue: string | null;
  name: string | null;
  scopes: string[];
  createdMs: number;
  revokedMs: number | null;
  lastUsedMs: number | null;
};

export type NewKey = Pick<StoredKey, "kind" | "hash" | "publicValue" | "name" | "scopes">;

export type KeyStore = {
  /** All of them, the revoked ones too, in the order they were made. */
  list(): StoredKey[];
  /** All or none of them. */
  insert(keys: readonly NewKey[], createdMs: number): void;
  revoke(hash: string, revokedMs: number): void;
  noteUse(hash: string, usedMs: number): void;
};

/** Revoked keys that stay listed; the oldest go first. */
const REVOKED_KEYS_MAX = 200;

type Row = {
  kind: StoredKey["kind"];
  hash: string;
  public_value: string | null;
  name: string | null;
  scopes: string;
  created_at: number;
  revoked_at: number | null;
  last_used_at: number | null;
};

export function createKeyStore(database: Database): KeyStore {
  const select = database.query<Row, []>(
    `select kind, hash, public_value, name, scopes, created_at, revoked_at, last_used_at
     from api_key order by key_id`,
  );
  const insert = database.query(
    "insert into api_key (kind, hash, public_value, name, scopes, created_at) values (?, ?, ?, ?, ?, ?)",
  );
  const revoke = database.query("update api_key set revoked_at = ?2 where hash = ?1 and revoked_at is null");
  const prune = database.query(
    `delete from api_key where revoked_at is not null and key_id not in
       (select key_id from api_key where revoked_at is not null order by key_id desc limit ${REVOKED_KEYS_MAX})`,
  );
  const noteUse = database.query(
    "update api_key set last_used_at = ?2 where hash = ?1 and (last_used_at is null or last_used_at < ?2)",
  );
  return {
    list: () => select.all().map(keyOf),
    insert: database.transaction((keys: readonly NewKey[], createdMs: number) => {
      for (const { kind, hash, publicValue, name, scopes } of keys) {
        insert.run(kind, hash, publicValue, name, scopes.join(), createdMs);
      }
    }),
    revoke: database.transaction((hash: string, revokedMs: number) => {
      revoke.run(hash, revokedMs);
      prune.run();
    }),
    noteUse: (hash, usedMs) => {
      noteUse.run(hash, usedMs);
    },
  };
}

function keyOf({ kind, hash, public_value, name, scopes, created_at, revoked_at, last_used_at }: Row): StoredKey {
  return {
    kind,
    hash,
    publicValue: public_value,
    name,
    scopes: kind === "secret" ? scopes.split(",") : [],
    createdMs: created_at,
    revokedMs: revoked_at,
    lastUsedMs: last_used_at,
  };
}
