import type { Database } from "bun:sqlite";
import { adopt } from "../../core/decide.ts";
import { type Changes, emptyState, type State } from "../../core/state.ts";

/** Rows kept of each kind: the visitors who are on the site right now. */
const KEPT_MAX = 10_000;

/**
 * What the last commands loaded and wrote, as it stands in the tables, so that a visitor's next event need not read and
 * parse it again. Only a cache: this process is the only one that writes those tables, and whatever may have changed
 * them otherwise empties it.
 */
export type Recent = {
  kept: Pick<State, "identities" | "scores" | "sessions">;
  /** First in every transaction: is what is kept still what is stored? */
  begin(): void;
  adopt(changes: readonly Changes[]): void;
  forget(): void;
};

export function createRecent(database: Database): Recent {
  const selectVersion = database.query<{ data_version: number }, []>("pragma data_version");
  const kept = emptyState();
  let version = -1;
  const forget = (): void => {
    kept.identities.clear();
    kept.scores.clear();
    kept.sessions.clear();
  };
  return {
    kept,
    begin: () => {
      const seen = selectVersion.get()?.data_version ?? -1;
      if (seen !== version) forget();
      version = seen;
      for (const rows of [kept.identities, kept.scores, kept.sessions]) if (rows.size > KEPT_MAX) rows.clear();
    },
    adopt: (changes) => {
      for (const change of changes) {
        adopt(kept, { ...change, events: [], people: [], accounts: [], standings: [] });
        // A merge puts two people's sessions together, an undo takes them apart.
        if (change.merges.length + change.undone.length > 0) kept.sessions.clear();
      }
    },
    forget,
  };
}
