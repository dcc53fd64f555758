import { amount } from "../../core/cents.ts";
import { SCORE_MAX } from "../../core/score.ts";
import { escapeHtml, readingPage, tableOf } from "../../http/page.ts";
import type { FullAccountAnswer } from "./account.ts";
import { HEAD, rowsOf, WORD_COLUMNS } from "./explanation-rows.ts";

/** What the link in an account's message leads to: the company, and who makes up its score. */
export function explanationPage(account: FullAccountAnswer): Response {
  const { domain, score, level, active_people_14d, momentum, at, config_hash } = account;
  const cellsOf = (texts: readonly string[]) =>
    texts.map((text, column) => ({ text: text.trim(), isNumber: !WORD_COLUMNS.includes(column) }));
  const rows = rowsOf(account).map((row) => ({ isHeading: !row[0]?.startsWith(" "), cells: cellsOf(row) }));
  return readingPage(
    "Why this score",
    `<h1>${escapeHtml(domain)}</h1>
<p>${active_people_14d} active in 14 days; ${momentum.ratio.toFixed(2)} times the events of the weeks before</p>
<p class="score">${amount(Math.round(score * 100))}</p>
<p>of ${SCORE_MAX}, ${escapeHtml(level)}</p>
${tableOf(cellsOf(HEAD), rows)}
<p><small>At ${at}, by the config ${config_hash}. Points fall with time, so tomorrow's page shows less.</small></p>`,
  );
}
