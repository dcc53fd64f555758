import { Elysia } from "elysia";
import type { Keys } from "../../http/keys.ts";
import { readQuery } from "../../http/query.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import type { SignalReader } from "../../store/sqlite/signals-read.ts";
import { listSignals, signalsQuerySchema } from "./list.ts";

export type SignalsDeps = { keys: Keys; people: PeopleReader; signals: SignalReader };

export function signalRoutes(deps: SignalsDeps) {
  return new Elysia({ name: "signals" })
    .onBeforeHandle(({ request }) => deps.keys.requireSecret(request.headers))
    .get("/signals", ({ query }) => listSignals(readQuery(signalsQuerySchema, query), deps));
}
