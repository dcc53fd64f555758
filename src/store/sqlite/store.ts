import type { Database } from "bun:sqlite";
import type { LoopStore } from "../port.ts";
import { createApply } from "./apply.ts";
import { createLoader } from "./load.ts";
import { createRecent } from "./recent.ts";
import { createRejectedWriter } from "./rejected.ts";
import { createSignalWriter } from "./signal.ts";

/** A look at the file system, beside a thousand transactions. */
const CHECK_EVERY_MS = 500;

/** The embedded store: SQLite on this thread, every statement prepared once. */
export function createSqliteStore(database: Database, checkInPlace: () => void = () => {}): LoopStore {
  const recent = createRecent(database);
  const applyToTables = createApply(database);
  const begin = database.query("begin immediate");
  const commit = database.query("commit");
  const rollback = database.query("rollback");
  const selectLastId = database.query<{ id: number | null }, []>(
    [
      "person.person_id",
      "identity.identity_id",
      "signal.signal_id",
      "merge.merge_id",
      "account.account_id",
      "merge_review.review_id",
    ]
      .map((column) => `select max(${column.split(".")[1]}) as id from ${column.split(".")[0]}`)
      .join(" union all "),
  );
  let checkedAt = Number.NEGATIVE_INFINITY;
  const transact = <Result>(work: () => Result): Result => {
    begin.run();
    try {
      recent.begin();
      if (performance.now() - checkedAt >= CHECK_EVERY_MS) {
        checkInPlace();
        checkedAt = performance.now();
      }
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      recent.forget();
      // A full disk rolls back by itself; a second rollback would hide why.
      if (database.inTransaction) rollback.run();
      throw error;
    }
  };
  return {
    transact,
    administer: (work) => {
      try {
        return transact(work);
      } finally {
        // It changes tables behind the cache's back.
        recent.forget();
      }
    },
    ...createLoader(database, recent),
    apply: (changes) => {
      applyToTables(changes);
      recent.adopt(changes);
    },
    ...createSignalWriter(database),
    insertRejected: createRejectedWriter(database),
    lastId: () => Math.max(0, ...selectLastId.all().map(({ id }) => id ?? 0)),
  };
}
