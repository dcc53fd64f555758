import { Elysia } from "elysia";
import { readBody } from "../../http/body.ts";
import { visitorCookie } from "../../http/visitor-cookie.ts";
import { BATCH_BYTES_MAX } from "./schema.ts";
import { type TrackDeps, track } from "./track.ts";

type Taken = { body: unknown; request: Request; set: { headers: { "set-cookie"?: string | string[] } } };

/** `/v1/e` is the same door under a name that no filter list blocks. */
export function trackRoutes(deps: TrackDeps) {
  const parse = ({ request }: { request: Request }) => readBody(request, BATCH_BYTES_MAX);
  const take = ({ body, request, set }: Taken) => {
    const cookie = visitorCookie(request.headers, body as string);
    if (cookie !== null) set.headers["set-cookie"] = cookie;
    return track(body as string, request.headers, deps);
  };
  return new Elysia({ name: "track" }).post("/track", take, { parse }).post("/v1/e", take, { parse });
}
