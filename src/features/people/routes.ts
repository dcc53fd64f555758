import { Elysia } from "elysia";
import type { Rules } from "../../core/compile.ts";
import { type SentSignal, sentSignals } from "../../core/delivery.ts";
import type { Keys } from "../../http/keys.ts";
import { linkQuerySchema, readQuery } from "../../http/query.ts";
import { checkSignedPath } from "../../http/signed-link.ts";
import type { DeliveryStore } from "../../store/sqlite/delivery.ts";
import type { EventReader } from "../../store/sqlite/events.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import type { RankStore } from "../../store/sqlite/ranks.ts";
import { NEWEST_SIGNAL, type SignalReader } from "../../store/sqlite/signals-read.ts";
import { listEvents } from "./events.ts";
import { explainPerson } from "./explain.ts";
import { explanationPage } from "./explanation-page.ts";
import { listPeople } from "./list.ts";
import { describePerson, findPerson, readPerson } from "./person.ts";
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
  /** What links are signed with. */
  secret: Buffer;
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

/** For those who come with a message's link, which is their key. */
export function explanationPageRoutes(deps: PeopleDeps) {
  const { keys, rules, now, people, secret } = deps;
  return new Elysia({ name: "explanation-page" }).get(
    "/people/:id/explanation",
    async ({ params, query, path, request }) => {
      const proof = readQuery(linkQuerySchema, query);
      if (proof.signature === undefined) keys.require(request.headers, "read");
      else checkSignedPath(secret, path, proof, now());
      const personId = findPerson(params.id, people);
      const person = describePerson(personId, people, rules(), now());
      return explanationPage(person, await explainPerson(personId, null, now(), deps, rules()));
    },
  );
}

/** The latest crossings of a person, with where they went; /signals has them all. */
function recentSignals(personId: number, { signals, deliveries }: PeopleDeps): SentSignal[] {
  const found = signals.newest({ personId, threshold: null, sinceMs: 0 }, NEWEST_SIGNAL, SIGNALS_MAX);
  return sentSignals(found, deliveries.bySignals(found.map(({ signalId }) => signalId)));
}
