import type { Database } from "bun:sqlite";

/** SQLite's number for `full`. */
const FULL_SYNC = 2;

/**
 * Work whose commit need not wait for the disk, since a power cut may take it back: it is done once more then, or missed
 * by nobody. A sync would hold up those who wait for theirs.
 */
export function createUnsynced<Input, Result>(
  database: Database,
  work: (input: Input) => Result,
): (input: Input) => Result {
  const inUnsynced = unsyncedOn(database);
  return (input) => inUnsynced(() => work(input));
}

/** The same for work in steps. */
export function* unsyncedSteps(database: Database, steps: Generator<void, void>): Generator<void, void> {
  const inUnsynced = unsyncedOn(database);
  while (inUnsynced(() => steps.next()).done !== true) yield;
}

function unsyncedOn(database: Database): <Result>(work: () => Result) => Result {
  const durability = database.query<{ synchronous: number }, []>("pragma synchronous").get()?.synchronous ?? FULL_SYNC;
  return (work) => {
    database.run("pragma synchronous = normal");
    try {
      return work();
    } finally {
      database.run(`pragma synchronous = ${durability}`);
    }
  };
}
