import type { Database } from "bun:sqlite";
import type { RescoredSession } from "../../core/rescore.ts";
import type { Sums } from "../../core/score.ts";
import { rankOf } from "./ranks.ts";
import { packSums } from "./row.ts";

export type RescoredPerson = {
  personId: number;
  sums: Sums;
  sessions: readonly RescoredSession[];
  score: number;
  scoreBound: number;
  scoredMs: number;
};

/** Merges in one transaction. */
const STEP_MERGES = 1_000;

export const RESCORE_SQL = {
  people: "select person_id as personId from intent_score where person_id > ? order by person_id limit ?",
  score:
    "update intent_score set sums = ?2, score = ?3, score_bound = ?4, scored_at = ?5, rank = ?6 where person_id = ?1",
  /** An undo counts what came after the mark of a merge: from now on everything, by the rules of today. */
  merges: `update merge set last_event_seq = 0, snapshot = json_set(snapshot, '$.survivor.score.sums', json('{}'),
    '$.absorbed.score.sums', json('{}')) where merge_id > ?1 and merge_id <= ?2`,
  nextMerge: "select merge_id as mergeId from merge where merge_id > ? order by merge_id limit 1 offset ?",
  lastMerge: "select max(merge_id) as mergeId from merge",
  session: "update session set counted = ?3 where identity_id = ?1 and session_id = ?2",
} as const;

/** Walks everybody, and puts in place what the rules of today make of the past. */
export function createRescoreStore(database: Database): {
  peopleAfter(personId: number, limit: number): number[];
  write(people: readonly RescoredPerson[]): void;
  /** What merges remember of sums as they were no longer agrees with what is counted now. */
  forgetMergedSums(): void;
} {
  const selectPeople = database.query<{ personId: number }, [number, number]>(RESCORE_SQL.people);
  const updateScore = database.query(RESCORE_SQL.score);
  const updateMerges = database.query(RESCORE_SQL.merges);
  const selectNextMerge = database.query<{ mergeId: number }, [number, number]>(RESCORE_SQL.nextMerge);
  const selectLastMerge = database.query<{ mergeId: number | null }, []>(RESCORE_SQL.lastMerge);
  const updateSession = database.query(RESCORE_SQL.session);
  return {
    peopleAfter: (personId, limit) => selectPeople.all(personId, limit).map((row) => row.personId),
    forgetMergedSums: () => {
      const last = selectLastMerge.get()?.mergeId ?? 0;
      for (let after = 0; after < last; ) {
        const until = selectNextMerge.get(after, STEP_MERGES)?.mergeId ?? last;
        updateMerges.run(after, until);
        after = until;
      }
    },
    write: database.transaction((people: readonly RescoredPerson[]) => {
      for (const { personId, sums, sessions, score, scoreBound, scoredMs } of people) {
        updateScore.run(personId, packSums(sums), score, scoreBound, scoredMs, rankOf(scoreBound));
        for (const { identityId, sessionKey, counted } of sessions) {
          updateSession.run(identityId, sessionKey, JSON.stringify(counted));
        }
      }
    }),
  };
}
