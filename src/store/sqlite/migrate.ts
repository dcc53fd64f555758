import type { Database } from "bun:sqlite";
import { MIGRATIONS, type Migration } from "./migrations.ts";

/** The migrations a file has been through. */
export function appliedTags(database: Database): Set<string> {
  const rows = database.query<{ tag: string }, []>("select tag from migration").all();
  return new Set(rows.map(({ tag }) => tag));
}

/** Each missing one in a transaction with its own entry; a copy of what was before is for the caller to make. */
export function bringUpToDate(database: Database): void {
  const applied = appliedTags(database);
  const missing = MIGRATIONS.filter(({ tag }) => !applied.has(tag));
  const apply = ({ tag, statements }: Migration): void => {
    for (const statement of statements) database.run(statement);
    database.query("insert into migration (tag, applied_at) values (?, unixepoch('subsec') * 1000)").run(tag);
  };
  // A fresh file waits for the disk once, instead of once for each.
  const steps = applied.size === 0 ? [missing] : missing.map((one) => [one]);
  for (const step of steps) database.transaction(() => step.forEach(apply))();
}
