import { parseArgs } from "node:util";
import { buildExecutable } from "../executable/executable.ts";
import { crash } from "./crash.ts";
import { fuzz } from "./fuzz.ts";
import { growWal } from "./wal.ts";

/**
 * Usage: bun run torture [--seed N] [--minutes N] [--iterations N] [--faults] | --fuzz INPUTS | --wal MEGABYTES
 * Kills the server over and over, with --faults while its disk fails and its clock jumps; or sends it anything; or lets
 * its log grow. Prints its seed first and its figures last; exits with 1 when anything was not as it must be.
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    minutes: { type: "string", default: "60" },
    iterations: { type: "string", default: "500" },
    faults: { type: "boolean", default: false },
    fuzz: { type: "string" },
    wal: { type: "string" },
  },
});

const WRONGS_SHOWN_MAX = 20;

function torture(seed: number, tell: (line: string) => void): Promise<{ wrongs: string[] }> {
  if (values.fuzz !== undefined) return fuzz({ seed, inputs: Number(values.fuzz), tell });
  if (values.wal !== undefined) return growWal(Number(values.wal), tell);
  return crash({
    seed,
    iterations: Number(values.iterations),
    minutes: Number(values.minutes),
    isFaulty: values.faults,
    tell,
  });
}

const seed = Number(values.seed);
console.log(`seed ${seed}`);
await buildExecutable();
const startedAt = Date.now();
const { wrongs, ...figures } = await torture(seed, (line) => console.log(line));
console.log(JSON.stringify({ ...figures, seconds: Math.round((Date.now() - startedAt) / 1_000) }, null, 2));
for (const wrong of [...new Set(wrongs)].slice(0, WRONGS_SHOWN_MAX)) console.error(wrong);
process.exitCode = wrongs.length === 0 ? 0 : 1;
