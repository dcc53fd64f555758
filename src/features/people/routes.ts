import { Elysia } from "elysia";
import type { Rules } from "../../core/compile.ts";
import { type SentSignal, sentSignals } from "../../core/delivery.ts";
import type { Keys } from "../../http/keys.ts";
import { readQuery } from "../../http/query.ts";
import type { DeliveryStore } from "../../store/sqlite/delivery.ts";
import type { EventReader } from "../../store/sqlite/events.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import type { RankStore } from "../../store/sqlite/ranks.ts";
import { NEWEST_SIGNAL, type SignalReader } from "../../store/sqlite/signals-read.ts";
import { listEvents } from "./events.ts";
import { explainPerson } from "./explain.ts";
import { listPeople } from "./list.ts";
import { findPerson, readPerson } from "./person.ts";
import { eventsQuerySchema, explainQuerySchema, peopleQuerySchema } from "./schema.ts";

export type PeopleDeps = {
  keys: Keys;
  rules: () => Rules;
  now: () => number;
  people: PeopleReader;
  ranks: RankStore;
  events: EventReader;
  signals: SignalReader;
  deliveries: Pick<DeliveryStore, "bySignals">;
};

const SIGNALS_MAX = 20;

/** What is known about people, for the secret key only. */
export function peopleRoutes(deps: PeopleDeps) {
  const { keys, rules, now, people } = deps;
  return new Elysia({ name: "people" })
    .onBeforeHandle(({ request }) => void keys.require(request.headers, "read"))
    .get("/people", ({ query }) => listPeople(readQuery(peopleQuerySchema, query), deps, rules(), now()))
    .get("/people/:id", ({ params }) => {
      const personId = findPerson(params.id, people);
      return { ...readPerson(personId, people, rules(), now()), signals: recentSignals(personId, deps) };
    })
    .get("/people/:id/explain", ({ params, query }) => {
      const { at } = readQuery(explainQuerySchema, query);
      return explainPerson(findPerson(params.id, people), at ?? null, now(), deps, rules());
    })
    .get("/people/:id/events", ({ params, query }) =>
      listEvents(findPerson(params.id, people), readQuery(eventsQuerySchema, query), deps),
    );
}

/** The latest crossings of a person, with where they went; /signals has them all. */
function recentSignals(personId: number, { signals, deliveries }: PeopleDeps): SentSignal[] {
  const found = signals.newest({ personId, threshold: null, sinceMs: 0 }, NEWEST_SIGNAL, SIGNALS_MAX);
  return sentSignals(found, deliveries.bySignals(found.map(({ signalId }) => signalId)));
}
