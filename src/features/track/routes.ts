import { Elysia } from "elysia";
import { readBody } from "../../http/body.ts";
import { documented } from "../../http/document.ts";
import { visitorCookie } from "../../http/visitor-cookie.ts";
import { BATCH_BYTES_MAX, BATCH_EVENTS_MAX, trackBodySchema } from "./schema.ts";
import { type TrackDeps, track } from "./track.ts";

type Taken = {
  body: unknown;
  request: Request;
  server: { requestIP(request: Request): { address: string } | null } | null;
  set: { headers: { "set-cookie"?: string | string[] } };
};

const TRACK = documented({
  topic: "Taking in",
  summary: "Takes in what happened: one event, a list of them, or {events, sent_at}",
  access: "public",
  body: {
    type: "application/json",
    schema: trackBodySchema,
    description: `at most ${BATCH_EVENTS_MAX} events and ${BATCH_BYTES_MAX / 1024} KB; any content type is read as JSON`,
  },
  answer: { description: "what became of each event; with a key that may read also score, level, delta and signals" },
});

/** One door under several names: filter lists block telling ones, and the config may choose another. */
export function trackRoutes(deps: TrackDeps, eventsPath: string) {
  const parse = ({ request }: { request: Request }) => readBody(request, BATCH_BYTES_MAX);
  const take = async ({ body, request, server, set }: Taken) => {
    const peer = () => server?.requestIP(request)?.address ?? null;
    const { answer, visitor } = await track(body as string, request.headers, deps, peer);
    const cookie = visitorCookie(request.headers, visitor);
    if (cookie !== null) set.headers["set-cookie"] = cookie;
    return answer;
  };
  const routes = new Elysia({ name: "track" });
  for (const path of new Set(["/track", "/v1/e", eventsPath])) routes.post(path, take, { parse, ...TRACK });
  return routes;
}
