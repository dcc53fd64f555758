import type { Touch } from "../../core/attribution.ts";
import { DIRECT } from "../../core/channel.ts";
import type { Rules } from "../../core/compile.ts";
import { AppError } from "../../core/error.ts";
import { scoreOf } from "../../core/score.ts";
import type { IntentScore } from "../../core/state.ts";
import { COLD, levelOf } from "../../core/threshold.ts";
import type { AttributionQuery } from "./schema.ts";

/** Strangers write campaign names; beyond so many different ones the rest is counted together. */
const VALUES_MAX = 10_000;

export type AttributionRow = { value: string | null; people: number; levels: { [level: string]: number } };

export type AttributionAnswer = {
  by: AttributionQuery["by"];
  touch: AttributionQuery["touch"];
  at: string;
  config_hash: string;
  people: number;
  rows: AttributionRow[];
  /** People under values that found no place in `rows`. */
  others: number;
};

/**
 * How many people came from where, and at which level they are now. It looks at everybody, so it runs beside the loop and
 * never in it.
 */
export function reportAttribution(
  { by, level, touch, limit }: AttributionQuery,
  scores: Iterable<IntentScore>,
  rules: Rules,
  nowMs: number,
): AttributionAnswer {
  const levels = [COLD, ...rules.thresholds.map(({ name }) => name)];
  if (level !== undefined && !levels.includes(level)) {
    throw new AppError("invalid", `must be one of ${levels.join(", ")}`, "level");
  }
  const rows = new Map<string | null, AttributionRow>();
  let people = 0;
  for (const { sums, attribution } of scores) {
    const own = levelOf(scoreOf(sums, rules, nowMs), rules.thresholds);
    if (level !== undefined && own !== level) continue;
    people += 1;
    const value = originOf(by, attribution?.[touch] ?? null, rules);
    const row = rows.get(value) ?? { value, people: 0, levels: {} };
    if (!rows.has(value) && rows.size >= VALUES_MAX) continue;
    row.people += 1;
    row.levels[own] = (row.levels[own] ?? 0) + 1;
    rows.set(value, row);
  }
  const shown = [...rows.values()]
    .sort((a, b) => b.people - a.people || ((a.value ?? "") < (b.value ?? "") ? -1 : 1))
    .slice(0, limit);
  const others = people - shown.reduce((sum, row) => sum + row.people, 0);
  return { by, touch, at: new Date(nowMs).toISOString(), config_hash: rules.hash, people, rows: shown, others };
}

/** Who has no touch came by themselves; null stands for a touch that does not say. */
function originOf(by: AttributionQuery["by"], touch: Touch | null, rules: Rules): string | null {
  const channel = touch === null ? DIRECT : rules.channelOf(touch);
  switch (by) {
    case "channel":
      return channel;
    case "source":
      return touch?.source ?? touch?.referrer ?? touch?.click_id ?? (channel === DIRECT ? DIRECT : null);
    case "campaign":
      return touch?.campaign ?? null;
    case "landing":
      return touch?.landing ?? null;
  }
}
