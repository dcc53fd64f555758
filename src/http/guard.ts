import { Elysia } from "elysia";
import { AppError } from "../core/error.ts";
import { createBodyRooms } from "./body-room.ts";
import type { Limits } from "./limits.ts";
import type { Overload } from "./overload.ts";
import { keepRequestId, REQUEST_ID_HEADER } from "./request-id.ts";

/** Who asks whether all is well must be told also when it is not. */
const ALWAYS_ANSWERED = /^https?:\/\/[^/]+\/(?:health|ready|metrics)(?:\?|$)/;

/** What every answer carries; a page of ours may say more of its own. */
const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "content-security-policy": "frame-ancestors 'self'",
};

/** Turns away what is too much, before any work is done for it: first of all when there is too much of everything. */
export function guardLoad(limits: Limits, overload: Pick<Overload, "isOverloaded">) {
  const limitBody = createBodyRooms();
  return new Elysia({ name: "guard-load" }).headers(SECURITY_HEADERS).onRequest(({ request, server }) => {
    const { headers, url } = request;
    const peer = server?.requestIP(request)?.address ?? null;
    if (headers.has(REQUEST_ID_HEADER) && limits.isProxy(peer)) keepRequestId(headers);
    if (overload.isOverloaded() && !ALWAYS_ANSWERED.test(url)) throw overloaded();
    const stranger = limits.admit(headers, peer);
    if (stranger !== null) limitBody(headers, stranger);
  });
}

export type LoadGuards = { limits: Pick<Limits, "admit">; overload: Pick<Overload, "isOverloaded"> };

/** The same for what comes without a request of its own, on a connection that one opened before. */
export function refuseLoad(headers: Headers, peer: string | null, { limits, overload }: LoadGuards): void {
  if (overload.isOverloaded()) throw overloaded();
  limits.admit(headers, peer);
}

function overloaded(): AppError {
  return new AppError("overloaded", "there is more to do than can be done; try again in a second");
}
