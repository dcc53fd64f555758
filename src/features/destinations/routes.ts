import { Elysia } from "elysia";
import { AppError } from "../../core/error.ts";
import { onceFree } from "../../engine/held.ts";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import { readQuery } from "../../http/query.ts";
import type { DeliveryStore } from "../../store/sqlite/delivery.ts";
import { listDeliveries, replayDelivery } from "./deliveries.ts";
import { describeDestinations } from "./list.ts";
import { deliveriesQuerySchema, replayQuerySchema } from "./schema.ts";

type TestResult = { verdict: { outcome: string }; status: number | null; answer: string };

export type DestinationsDeps = {
  keys: Keys;
  now: () => number;
  deliveries: DeliveryStore;
  destinations: () => readonly { name: string; type: string }[];
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
export function destinationRoutes({ keys, now, deliveries, destinations, sender }: DestinationsDeps) {
  /** A destination that left the config can still be paused and replayed, as long as something waits for it. */
  const known = (name: string): string => {
    const isKnown = destinations().some((config) => config.name === name);
    if (isKnown || deliveries.counts().some(({ destination }) => destination === name)) return name;
    throw new AppError("not_found", "no destination in intent.json has this name; GET /destinations lists them");
  };
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
      async ({ params }) => {
        const replayed = await onceFree(() => replayDelivery(params.id, deliveries, now()));
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
      async ({ params, query }) => {
        const { since } = readQuery(replayQuerySchema, query);
        const replayed = await deliveries.replaySince(known(params.name), since, now(), onceFree);
        sender.wake();
        return { replayed };
      },
      { parse: "none", ...REPLAY },
    )
    .post(
      "/destinations/:name/test",
      ({ params }) => testDestination(known(params.name), sender),
      changing("Sends a marked test signal", NAMED, "whether it was delivered, and what answered"),
    )
    .post(
      "/destinations/:name/pause",
      async ({ params }) => {
        await sender.pause(known(params.name));
        return { ok: true };
      },
      changing("Holds a destination back", NAMED, "ok"),
    )
    .post(
      "/destinations/:name/resume",
      async ({ params }) => {
        await sender.resume(known(params.name));
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
