import { amount } from "../core/cents.ts";
import { SCORE_MAX } from "../core/score.ts";
import type { FullAccountAnswer } from "../features/accounts/account.ts";
import { HEAD, rowsOf, WORD_COLUMNS } from "../features/accounts/explanation-rows.ts";

const GAP = "  ";

/** Who makes up an account's score, in a table in which every printed number adds up. */
export function accountExplanationText(account: FullAccountAnswer): string {
  const { domain, score, level, at, config_hash, active_people_14d, momentum } = account;
  const rows = [HEAD, ...rowsOf(account)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    row
      .map((cell, column) =>
        WORD_COLUMNS.includes(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join(GAP)
      .trimEnd();
  return [
    `${domain}: ${amount(Math.round(score * 100))} of ${SCORE_MAX}, ${level}`,
    `at ${at}, config ${config_hash}`,
    `${active_people_14d} active in 14 days; ${momentum.ratio.toFixed(2)} times the events of the weeks before`,
    "",
    ...rows.map(line),
  ].join("\n");
}
