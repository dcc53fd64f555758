import type { Database } from "bun:sqlite";
import type { IntentScore } from "../../core/state.ts";
import { SCORE_COLUMNS, type ScoreRow, scoreOfRow } from "./row.ts";

const CHUNK = 1_000;

export const SCORES_SQL = {
  chunk: `select ${SCORE_COLUMNS} from intent_score where person_id > ? order by person_id limit ?`,
  ofAccounts: `select ${SCORE_COLUMNS}, seen_day from intent_score where account_id is not null
    and (account_id, seen_day, person_id) > (?, ?, ?) order by account_id, seen_day, person_id limit ?`,
  ofNone: `select ${SCORE_COLUMNS} from intent_score where person_id > ? and account_id is null
    order by person_id limit ?`,
} as const;

/** Everybody, in the order of their ids: for what runs beside the loop on a connection of its own. */
export function allScores(database: Database): Generator<IntentScore> {
  return byId(database, SCORES_SQL.chunk);
}

/** Everybody, one company's people after the other's, those of none last: on a connection that sees one moment. */
export function* scoresByAccount(database: Database): Generator<IntentScore> {
  const select = database.query<ScoreRow, [number, number, number, number]>(SCORES_SQL.ofAccounts);
  let after: [accountId: number, seenDay: number, personId: number] = [-1, -1, -1];
  for (;;) {
    const rows = select.values(...after, CHUNK) as ScoreRow[];
    for (const row of rows) {
      const score = scoreOfRow(row);
      after = [score.accountId ?? -1, row.at(-1) as number, score.personId];
      yield score;
    }
    if (rows.length < CHUNK) break;
  }
  yield* byId(database, SCORES_SQL.ofNone);
}

function* byId(database: Database, sql: string): Generator<IntentScore> {
  const select = database.query<ScoreRow, [number, number]>(sql);
  let lastId = -1;
  for (;;) {
    const chunk = (select.values(lastId, CHUNK) as ScoreRow[]).map(scoreOfRow);
    yield* chunk;
    lastId = chunk.at(-1)?.personId ?? lastId;
    if (chunk.length < CHUNK) return;
  }
}
