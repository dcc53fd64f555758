import { Elysia } from "elysia";
import type { Rules } from "../../core/compile.ts";
import { type SentSignal, sentSignals } from "../../core/delivery.ts";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import { isLongPage, jsonAnswer, linkQuerySchema, readQuery } from "../../http/query.ts";
import { checkSignedPath } from "../../http/signed-link.ts";
import type { DeliveryStore } from "../../store/sqlite/delivery.ts";
import type { EventReader } from "../../store/sqlite/events.ts";
import { isLongPast } from "../../store/sqlite/past.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import type { RankStore } from "../../store/sqlite/ranks.ts";
import { NEWEST_SIGNAL, type SignalReader } from "../../store/sqlite/signals-read.ts";
import { type EventsQuery, listEvents } from "./events.ts";
import { type ExplainAnswer, explainPerson } from "./explain.ts";
import { explanationPage } from "./explanation-page.ts";
import { listPeople, type PeopleAnswer } from "./list.ts";
import { describePerson, findPerson, readPerson } from "./person.ts";
import { eventsQuerySchema, explainQuerySchema, type PeopleQuery, peopleQuerySchema } from "./schema.ts";

export type PeopleDeps = {
  keys: Keys;
  rules: () => Rules;
  now: () => number;
  people: PeopleReader;
  ranks: RankStore;
  events: EventReader;
  signals: SignalReader;
  deliveries: Pick<DeliveryStore, "bySignals">;
  /** These run beside the loop. */
  explainPast: (personId: number, atMs: number) => Promise<ExplainAnswer>;
  listManyPeople: (query: PeopleQuery) => Promise<PeopleAnswer>;
  listManyEvents: (personId: number, query: EventsQuery) => Promise<string>;
  /** What links are signed with. */
  secret: Buffer;
};

const SIGNALS_MAX = 20;
const PERSON = { id: "the person's id, or any of their identifiers, such as an e-mail address" };

/** What is known about people, for the secret key only. */
export function peopleRoutes(deps: PeopleDeps) {
  const { keys, rules, now, people } = deps;
  return new Elysia({ name: "people" })
    .onBeforeHandle(({ request }) => void keys.require(request.headers, "read"))
    .get(
      "/people",
      ({ query }) => {
        const asked = readQuery(peopleQuerySchema, query);
        return isLongPage(asked) ? deps.listManyPeople(asked) : listPeople(asked, deps, rules(), now());
      },
      documented({
        topic: "People",
        summary: "Everybody by their score now, or who has an identifier",
        access: "read",
        query: peopleQuerySchema,
        answer: { description: "people and next_cursor" },
      }),
    )
    .get(
      "/people/:id",
      ({ params }) => {
        const personId = findPerson(params.id, people);
        return { ...readPerson(personId, people, rules(), now()), signals: recentSignals(personId, deps) };
      },
      documented({
        topic: "People",
        summary: "One person",
        access: "read",
        path: PERSON,
        answer: { description: `identifiers, traits, score, level, account, and the last ${SIGNALS_MAX} signals` },
      }),
    )
    .get(
      "/people/:id/explain",
      ({ params, query }) => {
        const { at } = readQuery(explainQuerySchema, query);
        const personId = findPerson(params.id, people);
        if (at !== undefined && at < now() && isLongPast(personId, at, deps)) return deps.explainPast(personId, at);
        return explainPerson(personId, at ?? null, now(), deps, rules());
      },
      documented({
        topic: "People",
        summary: "Every point of a score, at any time",
        access: "read",
        path: PERSON,
        query: explainQuerySchema,
        answer: { description: "groups and contributions, which add up to the score" },
      }),
    )
    .get(
      "/people/:id/events",
      async ({ params, query }) => {
        const personId = findPerson(params.id, people);
        const asked = readQuery(eventsQuerySchema, query);
        return isLongPage(asked)
          ? jsonAnswer(await deps.listManyEvents(personId, asked))
          : listEvents(personId, asked, deps);
      },
      documented({
        topic: "People",
        summary: "What somebody did, the latest first",
        access: "read",
        path: PERSON,
        query: eventsQuerySchema,
        answer: { description: "events and next_cursor" },
      }),
    );
}

/** For those who come with a message's link, which is their key. */
export function explanationPageRoutes(deps: PeopleDeps) {
  const { keys, rules, now, people, secret } = deps;
  return new Elysia({ name: "explanation-page" }).get(
    "/people/:id/explanation",
    ({ params, query, path, request }) => {
      const proof = readQuery(linkQuerySchema, query);
      if (proof.signature === undefined) keys.require(request.headers, "read");
      else checkSignedPath(secret, path, proof, now());
      const personId = findPerson(params.id, people);
      const person = describePerson(personId, people, rules(), now());
      return explanationPage(person, explainPerson(personId, null, now(), deps, rules()));
    },
    documented({
      topic: "People",
      summary: "A person's score explained, as a page",
      access: "signed link or read",
      path: PERSON,
      query: linkQuerySchema,
      answer: { type: "text/html", description: "a page" },
    }),
  );
}

/** The latest crossings of a person, with where they went; /signals has them all. */
function recentSignals(personId: number, { signals, deliveries }: PeopleDeps): SentSignal[] {
  const found = signals.newest({ personId, threshold: null, sinceMs: 0 }, NEWEST_SIGNAL, SIGNALS_MAX);
  return sentSignals(found, deliveries.bySignals(found.map(({ signalId }) => signalId)));
}
