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

export const RESCORE_SQL = {
  people: "select person_id as personId from intent_score where person_id > ? order by person_id limit ?",
  score:
    "update intent_score set sums = ?2, score = ?3, score_bound = ?4, scored_at = ?5, rank = ?6 where person_id = ?1",
  session: "update session set counted = ?3 where identity_id = ?1 and session_id = ?2",
} as const;

/** Walks everybody, and puts in place what the rules of today make of the past. */
export function createRescoreStore(database: Database): {
  peopleAfter(personId: number, limit: number): number[];
  write(people: readonly RescoredPerson[]): void;
} {
  const selectPeople = database.query<{ personId: number }, [number, number]>(RESCORE_SQL.people);
  const updateScore = database.query(RESCORE_SQL.score);
  const updateSession = database.query(RESCORE_SQL.session);
  return {
    peopleAfter: (personId, limit) => selectPeople.all(personId, limit).map((row) => row.personId),
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
