import { Elysia } from "elysia";
import { readBody } from "../../http/body.ts";
import { type IdentifyDeps, identify } from "./identify.ts";
import { IDENTIFY_BYTES_MAX } from "./schema.ts";

export function identifyRoutes(deps: IdentifyDeps) {
  return new Elysia({ name: "identify" }).post(
    "/identify",
    ({ body, request }) => identify(body as string, request.headers, deps),
    { parse: ({ request }) => readBody(request, IDENTIFY_BYTES_MAX) },
  );
}
