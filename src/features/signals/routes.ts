import { Elysia } from "elysia";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import { isLongPage, jsonAnswer, readQuery } from "../../http/query.ts";
import { listSignals, type SignalsQuery, type SignalsSources, signalsQuerySchema } from "./list.ts";

export type SignalsDeps = SignalsSources & {
  keys: Keys;
  /** Beside the loop. */
  listManySignals: (query: SignalsQuery) => Promise<string>;
};

export function signalRoutes(deps: SignalsDeps) {
  return new Elysia({ name: "signals" })
    .onBeforeHandle(({ request }) => void deps.keys.require(request.headers, "read"))
    .get(
      "/signals",
      async ({ query }) => {
        const asked = readQuery(signalsQuerySchema, query);
        return isLongPage(asked) ? jsonAnswer(await deps.listManySignals(asked)) : listSignals(asked, deps);
      },
      documented({
        topic: "Signals",
        summary: "Every crossing of a threshold, the latest first",
        access: "read",
        query: signalsQuerySchema,
        answer: { description: "signals with where each went, when, and what answered; next_cursor" },
      }),
    );
}
