import type { Database } from "bun:sqlite";
import type { Rules } from "../core/compile.ts";
import { formatId } from "../core/id.ts";
import { type OneAccountAnswer, readOneAccount } from "../features/accounts/one.ts";
import { listMerges } from "../features/merges/merges.ts";
import { listReviews } from "../features/merges/reviews.ts";
import type { MergesQuery, ReviewsQuery } from "../features/merges/schema.ts";
import { type EventsQuery, listEvents } from "../features/people/events.ts";
import { type ExplainAnswer, explainPerson } from "../features/people/explain.ts";
import { listPeople, type PeopleAnswer } from "../features/people/list.ts";
import { findPerson } from "../features/people/person.ts";
import type { PeopleQuery } from "../features/people/schema.ts";
import { listSignals, type SignalsQuery } from "../features/signals/list.ts";
import { createDeliveryReads } from "../store/sqlite/delivery-reads.ts";
import { createRankStore } from "../store/sqlite/ranks.ts";
import { createReaders } from "../store/sqlite/readers.ts";

/** What is asked of one person or company, or for one page, and may take longer than events should wait. */
export type ReadRequest =
  | { name: "explanation"; personId: number; atMs: number }
  | { name: "account"; said: string | null; atMs: number | null }
  | { name: "people"; query: PeopleQuery }
  | { name: "events"; personId: number; query: EventsQuery }
  | { name: "signals"; query: SignalsQuery }
  | { name: "merges"; query: MergesQuery }
  | { name: "reviews"; query: ReviewsQuery };

export type Reads = {
  explainPast(personId: number, atMs: number): Promise<ExplainAnswer>;
  /** The one of a domain as somebody said it, now or at a time. */
  readOneAccount(said: string | null, atMs: number | null): Promise<OneAccountAnswer>;
  listManyPeople(query: PeopleQuery): Promise<PeopleAnswer>;
  /** Long pages come as JSON, since whoever asked only hands them on. */
  listManyEvents(personId: number, query: EventsQuery): Promise<string>;
  listManySignals(query: SignalsQuery): Promise<string>;
  listManyMerges(query: MergesQuery): Promise<string>;
  listManyReviews(query: ReviewsQuery): Promise<string>;
};

export function readsBy(ask: (read: ReadRequest) => Promise<unknown>): Reads {
  return {
    explainPast: (personId, atMs) => ask({ name: "explanation", personId, atMs }) as Promise<ExplainAnswer>,
    readOneAccount: (said, atMs) => ask({ name: "account", said, atMs }) as Promise<OneAccountAnswer>,
    listManyPeople: (query) => ask({ name: "people", query }) as Promise<PeopleAnswer>,
    listManyEvents: (personId, query) => ask({ name: "events", personId, query }) as Promise<string>,
    listManySignals: (query) => ask({ name: "signals", query }) as Promise<string>,
    listManyMerges: (query) => ask({ name: "merges", query }) as Promise<string>,
    listManyReviews: (query) => ask({ name: "reviews", query }) as Promise<string>,
  };
}

/** The far side, on whatever thread it is called. */
export function runRead(read: ReadRequest, database: Database, rules: Rules, nowMs: number): unknown {
  const deps = { ...createReaders(database), deliveries: createDeliveryReads(database) };
  // Whoever was merged or erased since they were found.
  const stillThere = (personId: number): number => findPerson(formatId("person", personId), deps.people);
  switch (read.name) {
    case "explanation":
      return explainPerson(stillThere(read.personId), read.atMs, nowMs, deps, rules);
    case "account":
      return readOneAccount(read.said, deps, rules, read.atMs, nowMs);
    case "people":
      return listPeople(read.query, { ...deps, ranks: createRankStore(database) }, rules, nowMs);
    case "events":
      return JSON.stringify(listEvents(stillThere(read.personId), read.query, deps));
    case "signals":
      return JSON.stringify(listSignals(read.query, deps));
    case "merges":
      return JSON.stringify(listMerges(read.query, deps));
    case "reviews":
      return JSON.stringify(listReviews(read.query, deps));
  }
}
