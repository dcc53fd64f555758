import { SCORE_MAX } from "../core/score.ts";
import type { FullAccountAnswer } from "../features/accounts/account.ts";
import { amount, centsOf, heldTo } from "./explain-table.ts";

const NAME_MAX = 50;
const GAP = "  ";
const HEAD = ["", "score", "share", "points", "group", ""];
/** The first and the last column are words. */
const WORD_COLUMNS = [0, HEAD.length - 1];

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

function rowsOf({ groups, contributions, score }: FullAccountAnswer): string[][] {
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
