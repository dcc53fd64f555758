import type { Database } from "bun:sqlite";

/** What SQLite itself takes. */
const CHECKPOINT_PAGES = 1_000;

/**
 * A commit that finds the log long brings it into the file, which takes longer than the commit. This leaves it to
 * somebody else until what it returns is called.
 */
export function createDeferral(database: Database): () => () => void {
  const found = database.query<{ wal_autocheckpoint: number }, []>("pragma wal_autocheckpoint").get();
  const pages = found?.wal_autocheckpoint ?? CHECKPOINT_PAGES;
  return () => {
    database.run("pragma wal_autocheckpoint = 0");
    return () => void database.run(`pragma wal_autocheckpoint = ${pages}`);
  };
}
