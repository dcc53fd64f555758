import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const outFolder = join(root, "dist");
const executable = join(outFolder, "do-intent");

/** One file with server, tracker, default config and migrations; runs where there is neither bun nor node. */
await rm(outFolder, { recursive: true, force: true });
await mkdir(outFolder, { recursive: true });
const built = await Bun.build({
  entrypoints: [join(root, "src/main.ts")],
  compile: { outfile: executable, autoloadDotenv: false, autoloadBunfig: false },
  target: "bun",
  minify: true,
  bytecode: true,
  sourcemap: "none",
});
if (!built.success) throw new AggregateError(built.logs, "the executable could not be built");
const { size } = await stat(executable);
console.log(`dist/do-intent: ${(size / 1024 / 1024).toFixed(1)} MB`);
