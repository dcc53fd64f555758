import { Elysia } from "elysia";
import { readBody } from "../../http/body.ts";
import { visitorCookie } from "../../http/visitor-cookie.ts";
import { BATCH_BYTES_MAX } from "./schema.ts";
import { type TrackDeps, track } from "./track.ts";

type Taken = { body: unknown; request: Request; set: { headers: { "set-cookie"?: string | string[] } } };

/** One door under several names: filter lists block telling ones, and the config may choose another. */
export function trackRoutes(deps: TrackDeps, eventsPath: string) {
  const parse = ({ request }: { request: Request }) => readBody(request, BATCH_BYTES_MAX);
  const take = async ({ body, request, set }: Taken) => {
    const { answer, visitor } = await track(body as string, request.headers, deps);
    const cookie = visitorCookie(request.headers, visitor);
    if (cookie !== null) set.headers["set-cookie"] = cookie;
    return answer;
  };
  const routes = new Elysia({ name: "track" });
  for (const path of new Set(["/track", "/v1/e", eventsPath])) routes.post(path, take, { parse });
  return routes;
}
