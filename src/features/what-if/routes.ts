import { Elysia } from "elysia";
import { readBody } from "../../http/body.ts";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import type { TryAnswer } from "./try.ts";

const CONFIG_BYTES_MAX = 500 * 1_024;

export type WhatIfDeps = {
  keys: Keys;
  /** Takes the text of an intent.json; beside the loop. */
  tryConfig: (text: string) => Promise<TryAnswer>;
};

export function whatIfRoutes({ keys, tryConfig }: WhatIfDeps) {
  return new Elysia({ name: "what-if" })
    .onBeforeHandle(({ request }) => void keys.require(request.headers, "read"))
    .post("/config/try", ({ body }) => tryConfig(body as string), {
      parse: ({ request }) => readBody(request, CONFIG_BYTES_MAX),
      ...documented({
        topic: "Reports",
        summary: "What another intent.json would make of everybody; changes nothing",
        access: "read",
        body: { type: "application/json", description: "an intent.json; its schema: do-intent config schema" },
        answer: { description: "who moves between levels, who would newly be hot, and which rules changed it" },
      }),
    });
}
