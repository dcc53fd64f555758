import { amount, centsOf, heldTo } from "../../core/cents.ts";
import type { ExplainAnswer } from "./explain.ts";

/** One line of an explanation, as people read it. */
export type Row = {
  name: string;
  count: string;
  halfLife: string;
  last: string;
  points: string;
  group: string;
  note: string;
};

export const HEAD: Row = {
  name: "",
  count: "count",
  halfLife: "half-life",
  last: "last event (UTC)",
  points: "points",
  group: "group",
  note: "",
};
/** Columns that hold numbers. */
export const NUMBERS: ReadonlySet<keyof Row> = new Set(["count", "points", "group"]);
const BLANK: Row = { name: "", count: "", halfLife: "", last: "", points: "", group: "", note: "" };

/** Lines in which every printed number is the sum of the printed numbers above it, or says what held it. */
export function rowsOf({ groups, contributions, score }: ExplainAnswer): Row[] {
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

function duration(days: number): string {
  const units = [
    ["d", 1],
    ["h", 1 / 24],
    ["m", 1 / 1_440],
  ] as const;
  const [unit, length] = units.find(([, ofDays]) => days >= ofDays) ?? ["s", 1 / 86_400];
  return `${Number((days / length).toFixed(2))}${unit}`;
}
