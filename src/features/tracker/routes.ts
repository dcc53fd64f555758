import { Elysia } from "elysia";
import { documented } from "../../http/document.ts";
import type { TrackerConfig } from "./config.ts";
import { loadFiles, type ServedFile } from "./files.ts";

const MAX_AGE_S = 3_600;

export type TrackerScript = { files: readonly ServedFile[]; eventsPath: string };

export async function loadScript(config: TrackerConfig): Promise<TrackerScript> {
  return { files: await loadFiles(config), eventsPath: config.paths.events };
}

const SCRIPT = documented({
  topic: "Taking in",
  summary: "The tracker, or a part of it",
  access: "public",
  answer: { type: "text/javascript", description: "a script, compressed as it was built" },
});

/** The script, its module form and its parts, compressed as they were built. */
export function trackerRoutes({ files }: TrackerScript) {
  const routes = new Elysia({ name: "tracker" });
  for (const file of files) routes.get(file.path, ({ request }) => serve(file, request.headers), SCRIPT);
  return routes;
}

function serve(file: ServedFile, headers: Headers): Response {
  const common = {
    etag: file.etag,
    "cache-control": `public, max-age=${MAX_AGE_S}, stale-while-revalidate=86400`,
    vary: "accept-encoding",
    // For every page and not for the one that asks: a cached answer must fit the next origin too.
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
  };
  if (headers.get("if-none-match")?.includes(file.etag)) return new Response(null, { status: 304, headers: common });
  const accepted = headers.get("accept-encoding") ?? "";
  const encoding = accepted.includes("br") ? "br" : accepted.includes("gzip") ? "gzip" : "plain";
  const encoded = encoding === "plain" ? {} : { "content-encoding": encoding };
  return new Response(file[encoding], { headers: { ...common, ...encoded, "content-type": file.type } });
}
