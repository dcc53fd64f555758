import { amount } from "../core/cents.ts";
import { SCORE_MAX } from "../core/score.ts";
import type { ExplainAnswer } from "../features/people/explain.ts";
import { HEAD, NUMBERS, type Row, rowsOf } from "../features/people/explanation-rows.ts";

const WIDTH_MAX = 100;
const GAP = "  ";
/** However much the numbers need, so much of a rule's name stays. */
const NAME_MIN = 12;

const COLUMNS = Object.keys(HEAD) as (keyof Row)[];

/** A table in which every printed number is the sum of the printed numbers above it, or says what held it. */
export function explanationText(explanation: ExplainAnswer): string {
  const { person_id, at, score, level, config_hash, events_since } = explanation;
  const lines = [
    `${person_id}: ${amount(Math.round(score * 100))} of ${SCORE_MAX}, ${level}`,
    `at ${at}, config ${config_hash}`,
    ...(events_since === undefined ? [] : [`from events since ${events_since} only: older ones are not kept`]),
    "",
    ...layOut([HEAD, ...rowsOf(explanation)]),
  ];
  return lines.join("\n");
}

function layOut(rows: readonly Row[]): string[] {
  const widths = new Map(COLUMNS.map((column) => [column, Math.max(...rows.map((row) => row[column].length))]));
  const others = COLUMNS.slice(1).reduce((sum, column) => sum + GAP.length + (widths.get(column) ?? 0), 0);
  const nameWidth = Math.min(widths.get("name") ?? 0, Math.max(NAME_MIN, WIDTH_MAX - others));
  widths.set("name", nameWidth);
  return rows.map((row) =>
    COLUMNS.map((column) => {
      const text = column === "name" ? shorten(row.name, nameWidth) : row[column];
      const width = widths.get(column) ?? 0;
      return NUMBERS.has(column) ? text.padStart(width) : text.padEnd(width);
    })
      .join(GAP)
      .trimEnd(),
  );
}

function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
