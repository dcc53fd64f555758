import { cors } from "@elysiajs/cors";
import { Elysia } from "elysia";
import { AppError } from "../core/error.ts";

const PREFLIGHT_MAX_AGE_S = 86_400;

/** Exact origins, or `https://*.example.com` for any sub-domain. None configured means any. */
export function compileOrigins(origins: readonly string[]): (origin: string) => boolean {
  if (origins.length === 0) return () => true;
  const exact = new Set(origins.map((origin) => origin.toLowerCase()));
  const wildcards = origins
    .filter((origin) => origin.includes("://*."))
    .map((origin) => origin.toLowerCase().split("*") as [string, string]);
  return (origin) => {
    const folded = origin.toLowerCase();
    if (exact.has(folded)) return true;
    return wildcards.some(([scheme, domain]) => folded.startsWith(scheme) && folded.endsWith(domain));
  };
}

/** Cookies travel only to origins that may send, so the origin is named back instead of a star. */
export function corsFor(isAllowed: (origin: string) => boolean) {
  const cookies = new Elysia({ name: "cors-cookies" }).onRequest(({ request: { headers }, set }) => {
    const origin = headers.get("origin");
    if (origin !== null && isAllowed(origin)) set.headers["access-control-allow-credentials"] = "true";
  });
  const rest = cors({
    origin: (request) => isAllowed(request.headers.get("origin") ?? ""),
    methods: ["GET", "POST", "DELETE", "OPTIONS"],
    allowedHeaders: ["content-type", "authorization"],
    // Else it would name back the headers of the request.
    exposeHeaders: ["retry-after"],
    // It would say so to everybody.
    credentials: false,
    maxAge: PREFLIGHT_MAX_AGE_S,
  });
  return cookies.use(rest);
}

/**
 * Without the answer's permission a browser still sends; it only keeps the answer from the page. What another site sends
 * is refused here. The secret key needs no origin.
 */
export function guardOrigin(isAllowed: (origin: string) => boolean) {
  return new Elysia({ name: "guard-origin" }).onRequest(({ request: { method, headers, url } }) => {
    if (method !== "POST") return;
    refuseOrigin(headers, (origin) => isAllowed(origin) || isOwnForm(url, origin));
  });
}

/** The same for a socket, which no CORS protects: any page may open one anywhere. */
export function refuseOrigin(headers: Headers, isAllowed: (origin: string) => boolean): void {
  const origin = headers.get("origin");
  if (origin === null || /^bearer\s/i.test(headers.get("authorization") ?? "") || isAllowed(origin)) return;
  throw new AppError("forbidden", "this site may not send here; allow it with --origin", "origin");
}

/** The pages of lead magnets are ours, and send where they come from. */
function isOwnForm(url: string, origin: string): boolean {
  const [, host, path] = /^https?:\/\/([^/]+)(\/[^?]*)/.exec(url) ?? [];
  return path?.startsWith("/m/") === true && /^https?:\/\/(.+)$/.exec(origin)?.[1] === host;
}
