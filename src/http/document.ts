import type { z } from "zod";
import type { Scope } from "./keys.ts";

/** In this order they are told. */
export const TOPICS = [
  "Taking in",
  "People",
  "Accounts",
  "Signals",
  "Reports",
  "Campaigns",
  "Lead magnets",
  "Privacy",
  "Running it",
] as const;

export type Topic = (typeof TOPICS)[number];

/** Who may ask: everybody, who holds a signed link, such a holder or a key, or a key with this scope. */
export type Access = "public" | "signed link" | "signed link or read" | Scope;

/** One content type that a route takes, and the schema that reads it. */
export type BodyDocument = { type: string; schema?: z.ZodType; description?: string };

/** What a route says of itself; openapi.json is made of these, so that it cannot tell anything else than the doors do. */
export type RouteDocument = {
  topic: Topic;
  summary: string;
  access: Access;
  /** What each part of the path stands for. */
  path?: { readonly [name: string]: string };
  /** What the address takes behind the question mark; the very schema that reads it. */
  query?: z.ZodObject;
  body?: BodyDocument | readonly BodyDocument[];
  /** What comes back when it went well: JSON unless said; null where there is nothing in it. */
  answer: { status?: number; type?: string | readonly string[] | null; description: string };
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

export function bodiesOf({ body }: RouteDocument): readonly BodyDocument[] {
  return body === undefined ? [] : [body].flat();
}

export function answerTypesOf({ answer: { type } }: RouteDocument): readonly string[] {
  return type === null ? [] : [type ?? "application/json"].flat();
}
