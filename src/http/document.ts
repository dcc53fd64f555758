import type { z } from "zod";
import type { Scope } from "./keys.ts";

/** Who may ask: everybody, who holds a signed link, or a key with this scope. */
export type Access = "public" | "signed link" | Scope;

/** What a route says of itself; openapi.json is made of these, so that it cannot tell anything else than the doors do. */
export type RouteDocument = {
  summary: string;
  access: Access;
  /** What the address takes behind the question mark; the very schema that reads it. */
  query?: z.ZodObject;
  body?: { type: string; schema?: z.ZodType; description?: string };
  /** What comes back when it went well. */
  answer: { status?: number; type?: string; description: string };
};

type Documented = { detail: { summary: string } };

/** A route's options with its document in them: `.get("/path", handler, documented({ … }))`. */
export function documented(document: RouteDocument): Documented {
  const detail = { summary: document.summary, document };
  return { detail };
}

/** The document of a route, or null where it has none. */
export function documentOf(hooks: unknown): RouteDocument | null {
  if (hooks === null || typeof hooks !== "object" || !("detail" in hooks)) return null;
  const { detail } = hooks as { detail?: { document?: RouteDocument } };
  return detail?.document ?? null;
}
