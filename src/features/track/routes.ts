import { Elysia } from "elysia";
import { readBody } from "../../http/body.ts";
import { BATCH_BYTES_MAX } from "./schema.ts";
import { type TrackDeps, track } from "./track.ts";

/** `/v1/e` is the same door under a name that no filter list blocks. */
export function trackRoutes(deps: TrackDeps) {
  const parse = ({ request }: { request: Request }) => readBody(request, BATCH_BYTES_MAX);
  return new Elysia({ name: "track" })
    .post("/track", ({ body, request }) => track(body as string, request.headers, deps), { parse })
    .post("/v1/e", ({ body, request }) => track(body as string, request.headers, deps), { parse });
}
