import type { Database } from "bun:sqlite";

/** Writes and commits a row: the only way to know that an event could be stored. Throws what SQLite throws. */
export function createWriteProbe(database: Database, checkInPlace: () => void): (nowMs: number) => void {
  const upsert = database.query(
    "insert into heartbeat (heartbeat_id, beaten_at) values (1, ?1) on conflict (heartbeat_id) do update set beaten_at = ?1",
  );
  return (nowMs) => {
    checkInPlace();
    upsert.run(nowMs);
  };
}
