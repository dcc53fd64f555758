import { Elysia } from "elysia";
import { readBody } from "../../http/body.ts";
import { documented } from "../../http/document.ts";
import { type IdentifyDeps, identify } from "./identify.ts";
import { IDENTIFY_BYTES_MAX, identifySchema } from "./schema.ts";

export function identifyRoutes(deps: IdentifyDeps) {
  return new Elysia({ name: "identify" }).post(
    "/identify",
    ({ body, request }) => identify(body as string, request.headers, deps),
    {
      parse: ({ request }) => readBody(request, IDENTIFY_BYTES_MAX),
      ...documented({
        topic: "Taking in",
        summary: "Says who somebody is; ties identifiers to one person",
        access: "public",
        body: { type: "application/json", schema: identifySchema },
        answer: { description: "with a key that may read: the person, score, level, reasons and signals" },
      }),
    },
  );
}
