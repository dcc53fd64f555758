import { amount } from "../../core/cents.ts";
import { SCORE_MAX } from "../../core/score.ts";
import { escapeHtml, readingPage, tableOf } from "../../http/page.ts";
import type { ExplainAnswer } from "./explain.ts";
import { HEAD, NUMBERS, type Row, rowsOf } from "./explanation-rows.ts";
import type { PersonAnswer } from "./person.ts";

const COLUMNS = Object.keys(HEAD) as (keyof Row)[];
const IDENTIFIERS_SHOWN_MAX = 5;

/** What a message's link leads to: who it is, and every point of the score as of now. */
export function explanationPage(person: PersonAnswer, explanation: ExplainAnswer): Response {
  const { score, level, at, config_hash } = explanation;
  const named = person.identities.filter(({ kind }) => kind !== "anonymous_id").slice(0, IDENTIFIERS_SHOWN_MAX);
  const who = named.map(({ value }) => value).join(", ") || "A visitor not yet known";
  const rows = rowsOf(explanation).map((row) => ({
    isHeading: !row.name.startsWith(" "),
    cells: COLUMNS.map((column) => ({ text: row[column].trim(), isNumber: NUMBERS.has(column) })),
  }));
  const head = COLUMNS.map((column) => ({ text: HEAD[column], isNumber: NUMBERS.has(column) }));
  return readingPage(
    "Why this score",
    `<h1>${escapeHtml(who)}</h1>
<p>${escapeHtml([person.account?.domain ?? "", person.person_id].filter((part) => part !== "").join(", "))}</p>
<p class="score">${amount(Math.round(score * 100))}</p>
<p>of ${SCORE_MAX}, ${escapeHtml(level)}</p>
${tableOf(head, rows)}
<p><small>At ${at}, by the config ${config_hash}. Points fall with time, so tomorrow's page shows less.</small></p>`,
  );
}
