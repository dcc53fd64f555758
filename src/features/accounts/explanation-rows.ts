import { amount, centsOf, heldTo } from "../../core/cents.ts";
import type { FullAccountAnswer } from "./account.ts";

const NAME_MAX = 50;
export const HEAD = ["", "score", "share", "points", "group", ""];
/** The first and the last column are words. */
export const WORD_COLUMNS = [0, HEAD.length - 1];

/** Lines in which every printed number adds up. */
export function rowsOf({ groups, contributions, score }: FullAccountAnswer): string[][] {
  const total = groups.reduce((sum, { points }) => sum + points, 0);
  const groupCents = centsOf(
    groups.map(({ points }) => points),
    total,
  );
  const rows = groups.flatMap(({ group, raw, points, max }, index): string[][] => {
    const cents = groupCents[index] ?? 0;
    const note = raw === points ? "" : heldTo(max);
    if (group !== "people") return [[group, "", "", "", amount(cents), note]];
    const rawCents = raw === points ? cents : Math.round(raw * 100);
    const ownCents = centsOf(
      contributions.map((one) => one.points),
      rawCents / 100,
    );
    return [
      [group, "", "", "", "", ""],
      ...contributions.map((one, position) => [
        `  ${(one.email ?? one.person_id).slice(0, NAME_MAX)}`,
        amount(Math.round(one.score * 100)),
        one.share === 0 ? "0" : one.share === 1 ? "1" : `1/${1 / one.share}`,
        amount(ownCents[position] ?? 0),
        "",
        "",
      ]),
      ["  sum", "", "", amount(rawCents), amount(cents), note],
    ];
  });
  return [...rows, ["score", "", "", "", amount(Math.round(total * 100)), total === score ? "" : heldTo(score)]];
}
