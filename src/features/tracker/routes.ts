import { Elysia } from "elysia";
import brotli from "../../../tracker/dist/s.js.br" with { type: "file" };
import gzip from "../../../tracker/dist/s.js.gz" with { type: "file" };

const MAX_AGE_S = 3_600;

type Variant = { bytes: Uint8Array<ArrayBuffer>; encoding: string | null };

export type TrackerScript = { variants: Variant[]; etag: string };

/** Reads the embedded script, which is kept compressed. */
export async function loadScript(): Promise<TrackerScript> {
  const [br, gz] = await Promise.all([Bun.file(brotli).bytes(), Bun.file(gzip).bytes()]);
  const plain = Bun.gunzipSync(gz);
  const hash = new Bun.CryptoHasher("sha256").update(plain).digest("base64url");
  return {
    variants: [
      { bytes: br, encoding: "br" },
      { bytes: gz, encoding: "gzip" },
      { bytes: plain, encoding: null },
    ],
    etag: `"${hash.slice(0, 22)}"`,
  };
}

export function trackerRoutes({ variants, etag }: TrackerScript) {
  const serve = (headers: Headers): Response => {
    const common = { etag, "cache-control": `public, max-age=${MAX_AGE_S}`, vary: "accept-encoding" };
    if (headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers: common });
    const accepted = headers.get("accept-encoding") ?? "";
    const variant = variants.find(({ encoding }) => encoding === null || accepted.includes(encoding));
    if (variant === undefined) throw new Error("the plain script is always there");
    const encoding = variant.encoding === null ? {} : { "content-encoding": variant.encoding };
    return new Response(variant.bytes, {
      headers: { ...common, ...encoding, "content-type": "text/javascript; charset=utf-8" },
    });
  };
  return new Elysia({ name: "tracker" })
    .get("/s.js", ({ request }) => serve(request.headers))
    .get("/t.js", ({ request }) => serve(request.headers));
}
