import type { Database } from "bun:sqlite";

/**
 * Writes the file anew without its gaps, so that nothing of what was deleted is left in it, and lets an older one give
 * back space by itself from then on. It takes as long as copying the file and as much room besides; nobody may write
 * meanwhile.
 */
export function compact(database: Database): void {
  database.run("pragma auto_vacuum = incremental");
  database.run("vacuum");
  database.run("pragma wal_checkpoint(truncate)");
}
