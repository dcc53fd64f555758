import { Elysia } from "elysia";
import { AppError } from "../../core/error.ts";
import { onceFree } from "../../engine/held.ts";
import { documented } from "../../http/document.ts";
import { readQuery } from "../../http/query.ts";
import { listDeliveries, replayDelivery } from "./deliveries.ts";
import { describeDestinations } from "./list.ts";
import { createNotes, type NotesDeps } from "./notes.ts";
import { deliveriesQuerySchema, replayQuerySchema } from "./schema.ts";

type TestResult = { verdict: { outcome: string }; status: number | null; answer: string };

export type DestinationsDeps = NotesDeps & {
  /** The job that sends. */
  sender: {
    wake(): void;
    pause(name: string): Promise<void>;
    resume(name: string): Promise<void>;
    test(name: string): Promise<TestResult | null>;
  };
};

const NAMED = { name: "the destination's name in intent.json" };

const REPLAY = documented({
  topic: "Signals",
  summary: "Sends again what a destination got since a time",
  access: "admin",
  path: NAMED,
  query: replayQuerySchema,
  answer: { description: "how many" },
});

/** Where signals go and what became of them, for the secret key only. */
export function destinationRoutes(deps: DestinationsDeps) {
  const { keys, engine, now, deliveries, destinations, sender } = deps;
  const { note, noted } = createNotes(deps);
  const changing = (summary: string, path: { [name: string]: string }, description: string) => ({
    parse: "none" as const,
    ...documented({ topic: "Signals", summary, access: "admin", path, answer: { description } }),
  });
  return new Elysia({ name: "destinations" })
    .onBeforeHandle(({ request }) => void keys.require(request.headers, request.method === "GET" ? "read" : "admin"))
    .get(
      "/destinations",
      () => ({ destinations: describeDestinations(destinations(), deliveries) }),
      documented({
        topic: "Signals",
        summary: "How each destination fares, and what waits for it",
        access: "read",
        answer: { description: "each with its type, what is pending and dead, and why it is paused" },
      }),
    )
    .get(
      "/deliveries",
      ({ query }) => listDeliveries(readQuery(deliveriesQuerySchema, query), deliveries),
      documented({
        topic: "Signals",
        summary: "Signals on their way, the latest first",
        access: "read",
        query: deliveriesQuerySchema,
        answer: { description: "deliveries and next_cursor" },
      }),
    )
    .post(
      "/deliveries/:id/replay",
      async ({ params, request }) => {
        const replayed = await engine.administer(() => {
          const again = replayDelivery(params.id, deliveries, now());
          const detail = { destination: again.destination };
          note(request, { action: "delivery_replay", subject: again.delivery_id, detail });
          return again;
        });
        sender.wake();
        return replayed;
      },
      changing(
        "Sends one delivery again",
        { id: "the delivery, as /deliveries lists it" },
        "the delivery as it waits now",
      ),
    )
    .post(
      "/destinations/:name/replay",
      async ({ params, query, request }) => {
        const { since } = readQuery(replayQuerySchema, query);
        const name = await noted(params.name, request, "destination_replay");
        const replayed = await deliveries.replaySince(name, since, now(), onceFree);
        sender.wake();
        return { replayed };
      },
      { parse: "none", ...REPLAY },
    )
    .post(
      "/destinations/:name/test",
      async ({ params, request }) => testDestination(await noted(params.name, request, "destination_test"), sender),
      changing("Sends a marked test signal", NAMED, "whether it was delivered, and what answered"),
    )
    .post(
      "/destinations/:name/pause",
      async ({ params, request }) => {
        await sender.pause(await noted(params.name, request, "destination_pause"));
        return { ok: true };
      },
      changing("Holds a destination back", NAMED, "ok"),
    )
    .post(
      "/destinations/:name/resume",
      async ({ params, request }) => {
        await sender.resume(await noted(params.name, request, "destination_resume"));
        return { ok: true };
      },
      changing("Lets a destination go on", NAMED, "ok"),
    );
}

async function testDestination(name: string, sender: DestinationsDeps["sender"]) {
  const result = await sender.test(name);
  if (result === null) throw new AppError("not_found", "this destination is no longer in intent.json");
  const { verdict, status, answer } = result;
  return { delivered: verdict.outcome === "delivered", outcome: verdict.outcome, status, answer };
}
