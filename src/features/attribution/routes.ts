import { Elysia } from "elysia";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import { readQuery } from "../../http/query.ts";
import type { AttributionAnswer } from "./report.ts";
import { type AttributionQuery, attributionQuerySchema } from "./schema.ts";

export type AttributionDeps = {
  keys: Keys;
  /** Beside the loop. */
  reportAttribution: (query: AttributionQuery) => Promise<AttributionAnswer>;
};

export function attributionRoutes({ keys, reportAttribution }: AttributionDeps) {
  return new Elysia({ name: "attribution" })
    .onBeforeHandle(({ request }) => void keys.require(request.headers, "read"))
    .get(
      "/attribution",
      ({ query }) => reportAttribution(readQuery(attributionQuerySchema, query)),
      documented({
        topic: "Reports",
        summary: "Where people came from",
        access: "read",
        query: attributionQuerySchema,
        answer: { description: "people by origin, and at which level they are" },
      }),
    );
}
