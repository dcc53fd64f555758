import { Elysia } from "elysia";
import type { Keys } from "../../http/keys.ts";
import { readQuery } from "../../http/query.ts";
import { listSignals, type SignalsSources, signalsQuerySchema } from "./list.ts";

export type SignalsDeps = SignalsSources & { keys: Keys };

export function signalRoutes(deps: SignalsDeps) {
  return new Elysia({ name: "signals" })
    .onBeforeHandle(({ request }) => void deps.keys.require(request.headers, "read"))
    .get("/signals", ({ query }) => listSignals(readQuery(signalsQuerySchema, query), deps));
}
