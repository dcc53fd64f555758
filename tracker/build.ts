import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { minify } from "terser";

export interface Sizes {
  min: number;
  gzip: number;
  brotli: number;
}

const here = import.meta.dirname;
const outFolder = join(here, "dist");

const letters = "etnoiarscdlumhpgfvbywkxjqz";
const starts = `${letters}${letters.toUpperCase()}$_`;
const rests = `${starts}0123456789`;

/** The shortest names, those with the most frequent letters first: what is compressed later has fewer of them to tell apart. */
const names = {
  get(nth: number): string {
    const rest = Math.floor(nth / starts.length);
    const start = `${starts[nth % starts.length]}`;
    return rest === 0 ? start : `${start}${rests[rest - 1]}`;
  },
};

async function bundle(entry: string, format: "iife" | "esm"): Promise<string> {
  const built = await Bun.build({
    entrypoints: [join(here, entry)],
    target: "browser",
    format,
    minify: { syntax: true },
  });
  const output = built.outputs[0];
  if (!built.success || output === undefined) throw new AggregateError(built.logs, `cannot bundle ${entry}`);
  const how = { module: format === "esm", toplevel: true, ecma: 2020 } as const;
  // Bun's own minifier leaves 5 % more, and the budget has no such room.
  const short = await minify(await output.text(), {
    ...how,
    mangle: false,
    compress: {
      passes: 4,
      unsafe: true,
      unsafe_arrows: true,
      unsafe_methods: true,
      pure_getters: true,
      keep_fargs: false,
      hoist_funs: true,
    },
  });
  // Names are given at the end, for the same reason: what is alike then still looks alike.
  const { code } = await minify(short.code ?? "", {
    ...how,
    compress: false,
    mangle: { toplevel: true, nth_identifier: names },
  });
  if (!code) throw new Error(`nothing left of ${entry}`);
  return code;
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

/** The types stand alone, so that one file beside the module is all an importer needs. */
async function declarations(): Promise<string> {
  const types = await Bun.file(join(here, "types.ts")).text();
  return `${types}\n/** Events go to where the module came from, unless said otherwise. */\nexport declare function start(options?: Partial<Options>): DoIntent;\n`;
}

export async function buildTracker(): Promise<Record<string, Sizes>> {
  await mkdir(outFolder, { recursive: true });
  const texts = {
    "s.js": bundle("main.ts", "iife"),
    "s.mjs": bundle("module.ts", "esm"),
    "observe.js": bundle("parts/observe.ts", "esm"),
    "personalize.js": bundle("parts/personalize.ts", "esm"),
    "magnet.js": bundle("parts/magnet.ts", "esm"),
    "s.d.ts": declarations(),
  };
  const sizes = await Promise.all(
    Object.entries(texts).map(async ([name, text]) => [name, await write(name, await text)]),
  );
  return Object.fromEntries(sizes);
}

if (import.meta.main) {
  for (const [name, { min, gzip, brotli }] of Object.entries(await buildTracker())) {
    console.log(`tracker ${name}: ${min} bytes min, ${gzip} gzip, ${brotli} brotli`);
  }
}
