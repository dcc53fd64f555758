import { Elysia } from "elysia";
import { refusalOf } from "./errors.ts";
import type { AddressAt } from "./methods.ts";
import type { Metrics } from "./metrics.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "./request-id.ts";
import type { RequestLog } from "./request-log.ts";

/** Whoever sends this gets told how long the answer took. */
const TIMING_HEADER = "x-server-timing";
const UNKNOWN_ROUTE = "none";
const PREFLIGHT_STATUS = 204;

type Answer = { route: string; status: number; headers: { [name: string]: string | number } };

/**
 * Counts every answer by its route, says how long it took to those who ask, and writes it down where there is a log of
 * requests. Mounted before the errors' handler.
 */
export function observeRequests(metrics: Metrics, addressAt: AddressAt, requestLog: RequestLog | null = null) {
  const began = new WeakMap<Request, number>();
  const answered = (request: Request, { route, status, headers }: Answer): void => {
    metrics.countRequest(request.method, route, status);
    const beganMs = began.get(request);
    if (beganMs === undefined) return;
    const durationMs = performance.now() - beganMs;
    if (request.headers.has(TIMING_HEADER)) headers["server-timing"] = `total;dur=${durationMs.toFixed(2)}`;
    writeDown(request, { route, status, headers }, durationMs);
  };
  const writeDown = (request: Request, { route, status, headers }: Answer, durationMs: number): void => {
    if (requestLog === null) return;
    headers[REQUEST_ID_HEADER] = requestIdOf(request.headers);
    // What was answered before its route was looked for has one all the same.
    const asked = route === UNKNOWN_ROUTE ? addressAt(request.url).path : route;
    requestLog({ request, route: asked ?? UNKNOWN_ROUTE, status, durationMs });
  };
  return new Elysia({ name: "observe" })
    .onRequest(({ request, set }) => {
      // What browsers ask before they send is answered next, whatever it asks.
      if (requestLog !== null && request.method === "OPTIONS") {
        writeDown(request, { route: UNKNOWN_ROUTE, status: PREFLIGHT_STATUS, headers: set.headers }, 0);
      } else if (requestLog !== null || request.headers.has(TIMING_HEADER)) began.set(request, performance.now());
    })
    .onAfterHandle({ as: "global" }, ({ request, route, set, responseValue }) => {
      answered(request, { route, status: statusOf(responseValue, set.status), headers: set.headers });
    })
    .onError({ as: "global" }, ({ request, route, set, error, code }) => {
      const { status, missed = route } = refusalOf({ error, code, url: request.url }, addressAt);
      answered(request, { route: missed ?? UNKNOWN_ROUTE, status, headers: set.headers });
    });
}

/** What a handler made itself has a status of its own. */
function statusOf(made: unknown, status: number | string | undefined): number {
  if (made instanceof Response) return made.status;
  return typeof status === "number" ? status : 200;
}
