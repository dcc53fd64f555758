import { SCORE_MAX, scoreOf } from "../../core/score.ts";
import { levelOf } from "../../core/threshold.ts";
import type { View } from "./view.ts";

const BAND_POINTS = 10;

export const intentDistribution: View = {
  help: "how many people stand at which score: bands of ten points, parted where a level begins",
  columns: () => ["level", "score_from", "score_below", "people", "share"],
  read: (_, { scores }, { rules, nowMs }) => {
    const tens = Array.from({ length: SCORE_MAX / BAND_POINTS }, (__, index) => index * BAND_POINTS);
    const edges = [...new Set([...tens, ...rules.thresholds.map(({ score }) => score)])]
      .filter((edge) => edge < SCORE_MAX)
      .sort((a, b) => a - b);
    const counts = edges.map(() => 0);
    let people = 0;
    for (const { sums } of scores) {
      const score = scoreOf(sums, rules, nowMs);
      const band = edges.findLastIndex((edge) => score >= edge);
      counts[band] = (counts[band] ?? 0) + 1;
      people += 1;
    }
    const rows = edges.map((edge, index) => ({
      level: levelOf(edge, rules.thresholds),
      score_from: edge,
      // The highest score belongs to the last band.
      score_below: edges[index + 1] ?? null,
      people: counts[index] ?? 0,
      share: people === 0 ? 0 : (counts[index] ?? 0) / people,
    }));
    return { rows, nextCursor: null };
  },
};
