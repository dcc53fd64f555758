import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = import.meta.dirname;
const outFolder = join(here, "dist");

export interface Sizes {
  min: number;
  gzip: number;
  brotli: number;
}

async function bundle(entry: string, format: "iife" | "esm"): Promise<string> {
  const built = await Bun.build({
    entrypoints: [join(here, entry)],
    target: "browser",
    format,
    minify: true,
  });
  const output = built.outputs[0];
  if (!built.success || output === undefined) throw new AggregateError(built.logs, `cannot bundle ${entry}`);
  return (await output.text()).trim();
}

// Compressed here, at the highest levels, because the server then never spends time on it.
async function write(name: string, text: string): Promise<Sizes> {
  const bytes = Buffer.from(text);
  const gzip = gzipSync(bytes, { level: 9 });
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  await Promise.all([
    Bun.write(join(outFolder, name), bytes),
    Bun.write(join(outFolder, `${name}.gz`), gzip),
    Bun.write(join(outFolder, `${name}.br`), brotli),
  ]);
  return { min: bytes.length, gzip: gzip.length, brotli: brotli.length };
}

export async function buildTracker(): Promise<Sizes> {
  await mkdir(outFolder, { recursive: true });
  return write("s.js", await bundle("main.ts", "iife"));
}

if (import.meta.main) {
  const sizes = await buildTracker();
  console.log(`tracker s.js: ${sizes.min} bytes min, ${sizes.gzip} gzip, ${sizes.brotli} brotli`);
}
