import type { Database } from "bun:sqlite";
import type { IntentScore } from "../../core/state.ts";
import { SCORE_COLUMNS, type ScoreRow, scoreOfRow } from "./row.ts";

const CHUNK = 1_000;

export const SCORES_SQL = {
  chunk: `select ${SCORE_COLUMNS} from intent_score where person_id > ? order by person_id limit ?`,
} as const;

/** Everybody, in the order of their ids: for what runs beside the loop on a connection of its own. */
export function* allScores(database: Database): Generator<IntentScore> {
  const select = database.query<ScoreRow, [number, number]>(SCORES_SQL.chunk);
  let lastId = -1;
  for (;;) {
    const chunk = (select.values(lastId, CHUNK) as ScoreRow[]).map(scoreOfRow);
    yield* chunk;
    lastId = chunk.at(-1)?.personId ?? lastId;
    if (chunk.length < CHUNK) return;
  }
}
