import { Elysia } from "elysia";

/** What a key opens is about people: nothing on the way keeps it, nor the browser of whoever looked. */
export function forbidStoring() {
  return new Elysia({ name: "no-store" }).onRequest(({ request, set }) => {
    if (request.headers.has("authorization")) set.headers["cache-control"] = "no-store";
  });
}
