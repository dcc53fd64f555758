import type { Database } from "bun:sqlite";
import type { Sums } from "../../core/score.ts";
import { unpackSums } from "./row.ts";
import { createUnsynced } from "./unsynced.ts";

/** Points per step of the stored order: coarse, so that most events leave its index alone. */
const RANK_STEP_POINTS = 5;

export function rankOf(scoreBound: number): number {
  return Math.ceil(scoreBound / RANK_STEP_POINTS);
}

/**
 * The stored order: `rank` is an upper bound of the score, in coarse steps, from the moment it was written on. Whoever
 * rewrites ranks leaves them valid for the scores of so long ago, so that the pages of one walk all see the same order.
 */
export const RANK_VALID_MS = 60 * 60 * 1_000;

/** Where a walk through the order stands: it goes from high ranks to low, within a rank from new people to old. */
export type RankPosition = { rank: number; personId: number };

export type RankedRow = RankPosition & { sums: Sums };

export const ABOVE_ALL: RankPosition = { rank: Number.MAX_SAFE_INTEGER, personId: 0 };
export const BELOW_ALL: RankPosition = { rank: -1, personId: 0 };

export type RankStore = {
  /** The next rows below `from`, down to and with `until`. */
  walk(from: RankPosition, until: RankPosition, limit: number): RankedRow[];
  /** The next rows in the order of their ids. */
  sweep(afterPersonId: number, limit: number): RankedRow[];
  /** Moves people to the places that their scores have by now, in one short transaction. */
  move(scores: readonly MovedScore[]): void;
};

export type MovedScore = { personId: number; score: number; scoreBound: number; scoredMs: number };

export const RANKS_SQL = {
  /** One rank at a time: a comparison of pairs would read everybody of the rank from its beginning, on every page. */
  walk: `select rank, person_id, sums from intent_score
    where rank = ? and person_id < ? and person_id >= ? order by person_id desc limit ?`,
  nextRank: "select max(rank) as rank from intent_score where rank < ? and rank >= ?",
  sweep: "select rank, person_id, sums from intent_score where person_id > ? order by person_id limit ?",
  move: "update intent_score set rank = ?, score = ?, score_bound = ?, scored_at = ? where person_id = ?",
} as const;

type Row = [rank: number, personId: number, sums: string];

export function createRankStore(database: Database): RankStore {
  const selectWalk = database.query<Row, [number, number, number, number]>(RANKS_SQL.walk);
  const selectNextRank = database.query<{ rank: number | null }, [number, number]>(RANKS_SQL.nextRank);
  const selectSweep = database.query<Row, [number, number]>(RANKS_SQL.sweep);
  const update = database.query(RANKS_SQL.move);
  return {
    walk: (from, until, limit) => {
      const rows: Row[] = [];
      let { rank, personId }: { rank: number | null; personId: number } = from;
      while (rank !== null && rows.length < limit) {
        const lowest = rank === until.rank ? until.personId : 0;
        rows.push(...(selectWalk.values(rank, personId, lowest, limit - rows.length) as Row[]));
        rank = selectNextRank.get(rank, until.rank)?.rank ?? null;
        personId = Number.MAX_SAFE_INTEGER;
      }
      return rows.map(rowOf);
    },
    sweep: (afterPersonId, limit) => (selectSweep.values(afterPersonId, limit) as Row[]).map(rowOf),
    move: createUnsynced(
      database,
      database.transaction((scores: readonly MovedScore[]): void => {
        for (const { personId, score, scoreBound, scoredMs } of scores) {
          update.run(rankOf(scoreBound), score, scoreBound, scoredMs, personId);
        }
      }).immediate,
    ),
  };
}

/** No score below this position in the order is above it. */
export function reachOf({ rank }: RankPosition): number {
  return rank * RANK_STEP_POINTS;
}

/** Where the order begins in which scores can be as high as `score`, seen from below. */
export function positionBelow(score: number): RankPosition {
  return { rank: rankOf(score), personId: 0 };
}

function rowOf([rank, personId, sums]: Row): RankedRow {
  return { rank, personId, sums: unpackSums(sums) };
}
