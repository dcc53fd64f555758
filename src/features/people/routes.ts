import { Elysia } from "elysia";
import type { Rules } from "../../core/compile.ts";
import type { Keys } from "../../http/keys.ts";
import { readQuery } from "../../http/query.ts";
import type { EventReader } from "../../store/sqlite/events.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import type { RankStore } from "../../store/sqlite/ranks.ts";
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
};

/** What is known about people, for the secret key only. */
export function peopleRoutes(deps: PeopleDeps) {
  const { keys, rules, now, people } = deps;
  return new Elysia({ name: "people" })
    .onBeforeHandle(({ request }) => keys.requireSecret(request.headers))
    .get("/people", ({ query }) => listPeople(readQuery(peopleQuerySchema, query), deps, rules(), now()))
    .get("/people/:id", ({ params }) => readPerson(params.id, people, rules(), now()))
    .get("/people/:id/explain", ({ params, query }) => {
      const { at } = readQuery(explainQuerySchema, query);
      return explainPerson(findPerson(params.id, people), at ?? now(), deps, rules());
    })
    .get("/people/:id/events", ({ params, query }) =>
      listEvents(findPerson(params.id, people), readQuery(eventsQuerySchema, query), deps),
    );
}
