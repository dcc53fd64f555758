import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestInstance } from "./instance.ts";

/** The tables in which a text stands, in any case, by a look at every row there is. */
export function tablesWith(instance: Pick<TestInstance, "rows">, text: string): string[] {
  const tables = instance.rows<{ name: string }>("select name from sqlite_schema where type = 'table'");
  return tables
    .map(({ name }) => name)
    .filter((name) =>
      JSON.stringify(instance.rows(`select * from ${name}`))
        .toLowerCase()
        .includes(text.toLowerCase()),
    );
}

/** The files of a data folder in which a text stands, by a look at their bytes. */
export function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}
