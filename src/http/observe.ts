import { Elysia } from "elysia";
import { refusalOf } from "./errors.ts";
import type { AddressAt } from "./methods.ts";
import type { Metrics } from "./metrics.ts";

/** Whoever sends this gets told how long the answer took. */
const TIMING_HEADER = "x-server-timing";
const UNKNOWN_ROUTE = "none";

/** Counts every answer by its route, and says how long it took to those who ask. Mounted before the errors' handler. */
export function observeRequests(metrics: Metrics, addressAt: AddressAt) {
  const began = new WeakMap<Request, number>();
  const timing = (request: Request): string | undefined => {
    const beganMs = began.get(request);
    return beganMs === undefined ? undefined : `total;dur=${(performance.now() - beganMs).toFixed(2)}`;
  };
  return new Elysia({ name: "observe" })
    .onRequest(({ request }) => {
      if (request.headers.has(TIMING_HEADER)) began.set(request, performance.now());
    })
    .onAfterHandle({ as: "global" }, ({ request, route, set }) => {
      metrics.countRequest(request.method, route, typeof set.status === "number" ? set.status : 200);
      const told = timing(request);
      if (told !== undefined) set.headers["server-timing"] = told;
    })
    .onError({ as: "global" }, ({ request, route, set, error, code }) => {
      const { status, missed = route } = refusalOf({ error, code, url: request.url }, addressAt);
      metrics.countRequest(request.method, missed ?? UNKNOWN_ROUTE, status);
      const told = timing(request);
      if (told !== undefined) set.headers["server-timing"] = told;
    });
}
