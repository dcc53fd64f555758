import { SCORE_MAX } from "../core/score.ts";
import type { ExplainAnswer } from "../features/people/explain.ts";

const WIDTH_MAX = 100;
const GAP = "  ";
/** However much the numbers need, so much of a rule's name stays. */
const NAME_MIN = 12;

type Row = { name: string; count: string; halfLife: string; last: string; points: string; group: string; note: string };

const HEAD: Row = {
  name: "",
  count: "count",
  halfLife: "half-life",
  last: "last event (UTC)",
  points: "points",
  group: "group",
  note: "",
};
const COLUMNS = Object.keys(HEAD) as (keyof Row)[];
const TO_THE_RIGHT: ReadonlySet<keyof Row> = new Set(["count", "points", "group"]);
const BLANK: Row = { name: "", count: "", halfLife: "", last: "", points: "", group: "", note: "" };

/** A table in which every printed number is the sum of the printed numbers above it, or says what held it. */
export function explanationText(explanation: ExplainAnswer): string {
  const { person_id, at, score, level, config_hash } = explanation;
  const lines = [
    `${person_id}: ${amount(Math.round(score * 100))} of ${SCORE_MAX}, ${level}`,
    `at ${at}, config ${config_hash}`,
    "",
    ...layOut([HEAD, ...rowsOf(explanation)]),
  ];
  return lines.join("\n");
}

function rowsOf({ groups, contributions, score }: ExplainAnswer): Row[] {
  const total = groups.reduce((sum, { points }) => sum + points, 0);
  const groupCents = centsOf(
    groups.map(({ points }) => points),
    total,
  );
  const rows = groups.flatMap(({ group, raw, points, max }, index): Row[] => {
    const cents = groupCents[index] ?? 0;
    const own = contributions.filter((contribution) => contribution.group === group);
    if (own.length === 0) return [{ ...BLANK, name: group, group: amount(cents) }];
    const isHeld = raw !== points;
    const rawCents = isHeld ? Math.round(raw * 100) : cents;
    const ruleCents = centsOf(
      own.map((contribution) => contribution.points),
      rawCents / 100,
    );
    return [
      { ...BLANK, name: group },
      ...own.map((contribution, position) => ruleRow(contribution, ruleCents[position] ?? 0)),
      { ...BLANK, name: "  sum", points: amount(rawCents), group: amount(cents), note: isHeld ? heldTo(max) : "" },
    ];
  });
  const note = total === score ? "" : heldTo(score);
  return [...rows, { ...BLANK, name: "score", group: amount(Math.round(total * 100)), note }];
}

function ruleRow(contribution: ExplainAnswer["contributions"][number], cents: number): Row {
  const { rule, count, half_life_days, last_event_at, raw, points } = contribution;
  return {
    ...BLANK,
    name: `  ${rule}`,
    count: String(count),
    halfLife: half_life_days === null ? "none" : duration(half_life_days),
    last: last_event_at.slice(0, 16).replace("T", " "),
    points: amount(cents),
    note: raw === points ? "" : heldTo(Math.abs(points)),
  };
}

/** Hundredths that add up to the total's: rounded down, and what is missing goes to those who lost most. */
export function centsOf(points: readonly number[], total: number): number[] {
  // A sum of doubles may lie a hair below the hundredth it means.
  const exact = points.map((value) => Number((value * 100).toFixed(6)));
  const cents = exact.map(Math.floor);
  const missing = Math.round(total * 100) - cents.reduce((sum, value) => sum + value, 0);
  const byLoss = exact
    .map((value, index) => ({ index, loss: value - Math.floor(value) }))
    .sort((a, b) => b.loss - a.loss || a.index - b.index);
  for (const { index } of byLoss.slice(0, Math.max(0, missing))) cents[index] = (cents[index] ?? 0) + 1;
  return cents;
}

export function amount(cents: number): string {
  return ((cents === 0 ? 0 : cents) / 100).toFixed(2);
}

export function heldTo(max: number): string {
  return `held to ${Number(max.toFixed(2))}`;
}

function duration(days: number): string {
  const units = [
    ["d", 1],
    ["h", 1 / 24],
    ["m", 1 / 1_440],
  ] as const;
  const [unit, length] = units.find(([, ofDays]) => days >= ofDays) ?? ["s", 1 / 86_400];
  return `${Number((days / length).toFixed(2))}${unit}`;
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
      return TO_THE_RIGHT.has(column) ? text.padStart(width) : text.padEnd(width);
    })
      .join(GAP)
      .trimEnd(),
  );
}

function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
