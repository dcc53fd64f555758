import { realpathSync, statSync } from "node:fs";
import { basename, join, sep } from "node:path";
import type { Magnet } from "../../core/magnet.ts";

const RANGE_PATTERN = /^bytes=(\d*)-(\d*)$/;

export type Asset = { path: string; size: number; modified: Date };

/** The file below the folder; null when it is not there, or a link leads it out of there. */
export function findAsset(folder: string, file: string): Asset | null {
  try {
    const root = realpathSync(folder);
    const path = realpathSync(join(root, file));
    const stat = statSync(path);
    return path.startsWith(root + sep) && stat.isFile() ? { path, size: stat.size, modified: stat.mtime } : null;
  } catch {
    return null;
  }
}

/** The magnets whose file nobody could download. */
export function withoutFile<Given extends Pick<Magnet, "file">>(magnets: readonly Given[], folder: string): Given[] {
  return magnets.filter(({ file }) => file !== undefined && findAsset(folder, file) === null);
}

/** The file as a stream, or the part of it that a broken download still lacks. */
export function serveAsset({ path, size, modified }: Asset, file: string, requested: Headers): Response {
  const content = Bun.file(path);
  const etag = `"${size.toString(36)}-${modified.getTime().toString(36)}"`;
  const headers = {
    "content-type": content.type,
    "content-disposition": dispositionOf(basename(file)),
    "cache-control": "private, no-store",
    "accept-ranges": "bytes",
    etag,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; sandbox",
  };
  const condition = requested.get("if-range");
  const range = condition === null || condition === etag ? rangeOf(requested.get("range"), size) : null;
  if (range === null) return new Response(content, { headers });
  if (range === "outside") {
    return new Response(null, { status: 416, headers: { ...headers, "content-range": `bytes */${size}` } });
  }
  const { start, end } = range;
  return new Response(content.slice(start, end + 1), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${end}/${size}` },
  });
}

/** One range, as download managers ask for it; several at once get the whole file, which the standard allows. */
function rangeOf(header: string | null, size: number): { start: number; end: number } | "outside" | null {
  const [, from = "", to = ""] = RANGE_PATTERN.exec(header ?? "") ?? [];
  if (from === "" && to === "") return null;
  const start = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== "" && to !== "" && Number(to) < start) return null;
  return start >= size || end < start ? "outside" : { start, end };
}

/** The name in ASCII for old programs and in full for all others. */
function dispositionOf(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const full = encodeURIComponent(name).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${ascii}"; filename*=UTF-8''${full}`;
}
