import type { Database } from "bun:sqlite";

export type KeyKind = "write" | "secret";

export type StoredKeys = { secretHashes: string[]; writeHashes: string[]; writeKey: string | null };

export type NewKey = { kind: KeyKind; hash: string; publicValue: string | null };

export type KeyStore = {
  read(): StoredKeys;
  /** All or none of them. */
  insert(keys: readonly NewKey[], createdMs: number): void;
};

export function createKeyStore(database: Database): KeyStore {
  const select = database.query<{ kind: KeyKind; hash: string; public_value: string | null }, []>(
    "select kind, hash, public_value from api_key where revoked_at is null order by key_id",
  );
  const insert = database.query("insert into api_key (kind, hash, public_value, created_at) values (?, ?, ?, ?)");
  return {
    read: () => {
      const rows = select.all();
      const hashesOf = (kind: KeyKind) => rows.filter((row) => row.kind === kind).map(({ hash }) => hash);
      return {
        secretHashes: hashesOf("secret"),
        writeHashes: hashesOf("write"),
        writeKey: rows.find(({ kind }) => kind === "write")?.public_value ?? null,
      };
    },
    insert: database.transaction((keys: readonly NewKey[], createdMs: number) => {
      for (const { kind, hash, publicValue } of keys) insert.run(kind, hash, publicValue, createdMs);
    }),
  };
}
