import { Elysia } from "elysia";
import { readBody } from "../../http/body.ts";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import { readQuery } from "../../http/query.ts";
import { tryQuerySchema } from "./schema.ts";
import type { TryAnswer } from "./try.ts";

const CONFIG_BYTES_MAX = 500 * 1_024;

export type WhatIfDeps = {
  keys: Keys;
  /** Takes the text of an intent.json; beside the loop. */
  tryConfig: (text: string, limit: number) => Promise<TryAnswer>;
};

export function whatIfRoutes({ keys, tryConfig }: WhatIfDeps) {
  return new Elysia({ name: "what-if" })
    .onBeforeHandle(({ request }) => void keys.require(request.headers, "read"))
    .post("/config/try", ({ body, query }) => tryConfig(body as string, readQuery(tryQuerySchema, query).limit), {
      parse: ({ request }) => readBody(request, CONFIG_BYTES_MAX),
      ...documented({
        topic: "Reports",
        summary: "What another intent.json would make of everybody; changes nothing",
        access: "read",
        query: tryQuerySchema,
        body: { type: "application/json", description: "an intent.json; its schema: do-intent config schema" },
        answer: {
          description:
            "who moves between levels, who would newly be hot, which rules changed it, and which accounts move",
        },
      }),
    });
}
