import { Elysia } from "elysia";
import { documented } from "../../http/document.ts";
import { readQuery } from "../../http/query.ts";
import { type PersonalizeDeps, personalize } from "./personalize.ts";
import { personalizeQuerySchema } from "./schema.ts";

/** A page view or two need not ask again. Whoever has just said who they are asks past the cache. */
const MAX_AGE_S = 30;

/**
 * GET /p, with credentials, from any page that may send.
 *
 *   asks     the cookie _di; else ?anonymous_id=ID; else ?i=LINK_ID; ?write_key= where ingest.require_write_key holds
 *   answers  200 {"fields":{"first_name":"Ann","company":"Acme","level":"hot"}}
 *
 * Of the fields listed under `personalize` in intent.json those that have a value, always as texts. {"fields":{}} for
 * nobody, somebody unknown, and where Sec-GPC or DNT is obeyed. `level` is "cold" for a visitor below all thresholds.
 * Who is known goes before who is not, in the order above: a fresh cookie does not hide the link that brought it.
 */
export function personalizeRoutes(deps: PersonalizeDeps) {
  return new Elysia({ name: "personalize" }).get(
    "/p",
    ({ query, request, set }) => {
      set.headers["cache-control"] = `private, max-age=${MAX_AGE_S}`;
      set.headers.vary = "Origin, Cookie, Sec-GPC, DNT";
      set.headers["x-content-type-options"] = "nosniff";
      return personalize(readQuery(personalizeQuerySchema, query), request.headers, deps);
    },
    documented({
      topic: "Taking in",
      summary: "What a page may say to its visitor of themselves",
      access: "public",
      query: personalizeQuerySchema,
      answer: { description: "fields: of those that personalize in intent.json lists, the ones with a value" },
    }),
  );
}
