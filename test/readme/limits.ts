import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";

const source = join(import.meta.dirname, "../../src");
const FACTORS: { readonly [unit: string]: number } = { KB: 1_024, s: 1_000, h: 3_600_000, d: 86_400_000 };

const NAMED: { readonly [name: string]: number } = {
  SECOND_MS: 1_000,
  MINUTE_MS: 60_000,
  HOUR_MS: 3_600_000,
  DAY_MS: 86_400_000,
};

/** The one constant of this name in a room of the code: a number, or a product of numbers and lengths of time. */
export function constantOf(where: string): number {
  const [, room = "", name = ""] = /^`([\w/]+)` (\w+)$/.exec(where) ?? [];
  const definition = new RegExp(`^(?:export )?const ${name} = ([\\w *]+);$`, "m");
  const found = [...new Glob("**/*.ts").scanSync(join(source, room))].flatMap(
    (file) => definition.exec(readFileSync(join(source, room, file), "utf8"))?.[1] ?? [],
  );
  const [said] = found;
  if (said === undefined || found.length > 1) throw new Error(`${room} has ${found.length} numbers ${name}`);
  return said
    .split(" * ")
    .reduce((product, factor) => product * (NAMED[factor] ?? Number(factor.replaceAll("_", ""))), 1);
}

/** "32 KB", "15 s" or "1,000" as the code counts them: bytes, milliseconds, pieces. */
export function limitOf(shown: string): number {
  const [amount = "", unit] = shown.replaceAll(",", "").split(" ");
  return Number(amount) * (unit === undefined ? 1 : (FACTORS[unit] ?? Number.NaN));
}
