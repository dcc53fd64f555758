import type { Database } from "bun:sqlite";
import { type AccountReader, createAccountReader } from "./accounts.ts";
import { createEventReader, type EventReader } from "./events.ts";
import { createMergeReader, type MergeReader } from "./merges.ts";
import { createPeopleReader, type PeopleReader } from "./people.ts";
import { createReviewReader, type ReviewReader } from "./reviews.ts";
import { createSignalReader, type SignalReader } from "./signals-read.ts";

export type Readers = {
  people: PeopleReader;
  accounts: AccountReader;
  events: EventReader;
  signals: SignalReader;
  merges: MergeReader;
  reviews: ReviewReader;
};

/** What answers questions about what the loop wrote; a read-only connection will do. */
export function createReaders(database: Database): Readers {
  return {
    people: createPeopleReader(database),
    accounts: createAccountReader(database),
    events: createEventReader(database),
    signals: createSignalReader(database),
    merges: createMergeReader(database),
    reviews: createReviewReader(database),
  };
}
