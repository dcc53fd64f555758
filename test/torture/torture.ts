import { parseArgs } from "node:util";
import { buildExecutable } from "../executable/executable.ts";
import { crash } from "./crash.ts";

/**
 * Usage: bun run torture [--iterations N] [--minutes N] [--seed N] [--faults]
 * Prints its seed first and its figures last; exits with 1 when anything was not as it must be.
 */
const { values } = parseArgs({
  options: {
    iterations: { type: "string", default: "500" },
    minutes: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    faults: { type: "boolean", default: false },
  },
});

const WRONGS_SHOWN_MAX = 20;

const seed = Number(values.seed);
console.log(`seed ${seed}`);
await buildExecutable();
const startedAt = Date.now();
const { wrongs, ...figures } = await crash({
  seed,
  iterations: Number(values.iterations),
  minutes: Number(values.minutes),
  isFaulty: values.faults,
  tell: (line) => console.log(line),
});
console.log(JSON.stringify({ ...figures, seconds: Math.round((Date.now() - startedAt) / 1_000) }, null, 2));
for (const wrong of [...new Set(wrongs)].slice(0, WRONGS_SHOWN_MAX)) console.error(wrong);
process.exitCode = wrongs.length === 0 ? 0 : 1;
