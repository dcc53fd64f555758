import type { Database } from "bun:sqlite";
import { createHmac } from "node:crypto";
import { type Identifier, identifierKey } from "../../core/identifier.ts";
import { ensureInstanceSecret } from "./instance-secret.ts";

export const SUPPRESSION_SQL = {
  any: "select min(hash) as hash from suppression",
  find: "select suppressed_at as suppressedMs from suppression where hash = ?",
  insert: "insert into suppression (hash, suppressed_at) values (?, ?) on conflict (hash) do nothing",
  remove: "delete from suppression where hash = ?",
} as const;

/** Whom not to process: who was erased comes back neither by a replayed event nor by a list that is imported again. */
export type Suppressions = {
  /** Most instances never erased anybody; then nothing is hashed, and no secret is needed. */
  isAny(): boolean;
  /** A value as it is compared: see normalizeIdentifier. One that is known to the store is never suppressed. */
  isSuppressed(identifier: Identifier): boolean;
  /** The same in two steps: it hashes at once, and looks up when the answer is called. */
  ask(identifier: Identifier): () => boolean;
  /** Since when; null when it is not. */
  since(identifier: Identifier): number | null;
  add(identifiers: readonly Identifier[], nowMs: number): void;
  /** False when there was nothing to lift. */
  lift(identifier: Identifier): boolean;
};

/**
 * With a key, so that a hash tells nothing outside of its file, and the same person's in two instances differ. The key
 * lies in the same file: whoever has all of it can try addresses.
 */
export function suppressionHash(secret: Buffer, identifier: Identifier): string {
  return createHmac("sha256", secret).update(identifierKey(identifier)).digest("hex");
}

export function createSuppressions(database: Database): Suppressions {
  const selectAny = database.query<{ hash: string | null }, []>(SUPPRESSION_SQL.any);
  const select = database.query<{ suppressedMs: number }, [string]>(SUPPRESSION_SQL.find);
  const insert = database.query(SUPPRESSION_SQL.insert);
  const remove = database.query(SUPPRESSION_SQL.remove);
  let secret: Buffer | null = null;
  const hashOf = (identifier: Identifier, nowMs = 0): string => {
    secret ??= ensureInstanceSecret(database, nowMs);
    return suppressionHash(secret, identifier);
  };
  const isAny = (): boolean => selectAny.get()?.hash != null;
  const since = (identifier: Identifier): number | null =>
    isAny() ? (select.get(hashOf(identifier))?.suppressedMs ?? null) : null;
  return {
    isAny,
    since,
    isSuppressed: (identifier) => since(identifier) !== null,
    ask: (identifier) => {
      const hash = hashOf(identifier);
      return () => select.get(hash) !== null;
    },
    add: (identifiers, nowMs) => {
      for (const identifier of identifiers) insert.run(hashOf(identifier, nowMs), nowMs);
    },
    lift: (identifier) => since(identifier) !== null && remove.run(hashOf(identifier)).changes > 0,
  };
}
