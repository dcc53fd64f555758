import { createHash } from "node:crypto";
import { brotliCompressSync } from "node:zlib";
import magnetBrotli from "../../../tracker/dist/magnet.js.br" with { type: "file" };
import magnetGzip from "../../../tracker/dist/magnet.js.gz" with { type: "file" };
import observeBrotli from "../../../tracker/dist/observe.js.br" with { type: "file" };
import observeGzip from "../../../tracker/dist/observe.js.gz" with { type: "file" };
import personalizeBrotli from "../../../tracker/dist/personalize.js.br" with { type: "file" };
import personalizeGzip from "../../../tracker/dist/personalize.js.gz" with { type: "file" };
import typesBrotli from "../../../tracker/dist/s.d.ts.br" with { type: "file" };
import typesGzip from "../../../tracker/dist/s.d.ts.gz" with { type: "file" };
import scriptBrotli from "../../../tracker/dist/s.js.br" with { type: "file" };
import scriptGzip from "../../../tracker/dist/s.js.gz" with { type: "file" };
import moduleBrotli from "../../../tracker/dist/s.mjs.br" with { type: "file" };
import moduleGzip from "../../../tracker/dist/s.mjs.gz" with { type: "file" };
import type { TrackerConfig } from "./config.ts";
import { policyText, shippedPolicy } from "./config.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** One file in every encoding it is served in. */
export type ServedFile = {
  path: string;
  type: string;
  etag: string;
  integrity: string;
  br: Bytes;
  gzip: Bytes;
  plain: Bytes;
};

const JAVASCRIPT = "text/javascript; charset=utf-8";
const embedded = {
  script: { br: scriptBrotli, gzip: scriptGzip, type: JAVASCRIPT },
  module: { br: moduleBrotli, gzip: moduleGzip, type: JAVASCRIPT },
  observe: { br: observeBrotli, gzip: observeGzip, type: JAVASCRIPT },
  personalize: { br: personalizeBrotli, gzip: personalizeGzip, type: JAVASCRIPT },
  magnet: { br: magnetBrotli, gzip: magnetGzip, type: JAVASCRIPT },
  types: { br: typesBrotli, gzip: typesGzip, type: "text/plain; charset=utf-8" },
} as const;

/** Every file of the tracker under the address it is served at. */
export function loadFiles(config: TrackerConfig): Promise<ServedFile[]> {
  return Promise.all([
    ...config.paths.script.map((path) => load("script", path, config)),
    load("observe", "/s/observe.js", config),
    load("personalize", "/s/personalize.js", config),
    load("magnet", "/s/magnet.js", config),
    load("module", "/s.mjs", config),
    load("types", "/s.d.ts", config),
  ]);
}

async function load(name: keyof typeof embedded, path: string, config: TrackerConfig): Promise<ServedFile> {
  const { br, gzip, type } = embedded[name];
  const [brotliBytes, gzipBytes] = await Promise.all([Bun.file(br).bytes(), Bun.file(gzip).bytes()]);
  const shipped = Bun.gunzipSync(gzipBytes);
  const policy = policyText(config);
  // As built, unless the config wants it otherwise: then it is compressed once, here.
  const isAsBuilt = policy === shippedPolicy || (name !== "script" && name !== "module");
  if (isAsBuilt) {
    return describe({ path, type, br: brotliBytes, gzip: gzipBytes, plain: shipped });
  }
  const plain = Buffer.from(new TextDecoder().decode(shipped).replace(shippedPolicy, policy));
  return describe({ path, type, br: brotliCompressSync(plain), gzip: Bun.gzipSync(plain, { level: 9 }), plain });
}

function describe(file: Omit<ServedFile, "etag" | "integrity">): ServedFile {
  const etag = `"${createHash("sha256").update(file.plain).digest("base64url").slice(0, 22)}"`;
  const integrity = `sha384-${createHash("sha384").update(file.plain).digest("base64")}`;
  return { ...file, etag, integrity };
}
