import { existsSync, readdirSync } from "node:fs";

/** What a migration and a restore leave beside the database: the whole of it, as it was before. */
const OLD_COPY_PATTERN = /^do-intent\.(before-.+\.db|db\.before-restore-.+Z)$/;

/** The copies in a data folder that no erasure reaches. */
export function oldCopiesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => OLD_COPY_PATTERN.test(name))
    .sort();
}
