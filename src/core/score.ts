import type { CompiledRule, Rules } from "./compile.ts";

/**
 * What one rule holds of one person: Σ 2^−((atMs − tᵢ)/half_life) over the counted events, as of `atMs`. Points are not
 * in it, so changed points hold at once for everybody's past.
 */
export type DecayedSum = {
  weight: number;
  atMs: number;
  count: number;
  /** The last event that matched, whether it was counted or not. */
  lastEventMs: number;
};

export type Sums = { readonly [rule: string]: DecayedSum };

type Contribution = { rule: CompiledRule; sum: DecayedSum; raw: number; points: number };

export type Evaluation = {
  score: number;
  groups: { group: string; raw: number; max: number; points: number }[];
  contributions: Contribution[];
};

export const SCORE_MAX = 100;

/**
 * weight · 2^−((to − from)/half_life); a rule without half-life keeps its weight. A clock that was set back must not let
 * scores explode, so nothing ever grows on the way back.
 */
function decay(weight: number, fromMs: number, toMs: number, halfLifeMs: number | null): number {
  return halfLifeMs === null || toMs <= fromMs ? weight : weight * 2 ** ((fromMs - toMs) / halfLifeMs);
}

export function sumOfOne(atMs: number): DecayedSum {
  return { weight: 1, atMs, count: 1, lastEventMs: atMs };
}

/** Commutative and associative: what makes batches, arrival order and merges come out the same. */
export function combineSums(
  rule: Pick<CompiledRule, "keep" | "once" | "halfLifeMs"> | undefined,
  a: DecayedSum,
  b: DecayedSum,
): DecayedSum {
  const lastEventMs = Math.max(a.lastEventMs, b.lastEventMs);
  if (rule?.once) return { ...(b.atMs < a.atMs ? b : a), lastEventMs };
  if (rule?.keep === "latest") return { ...(b.atMs > a.atMs ? b : a), lastEventMs };
  const halfLifeMs = rule?.halfLifeMs ?? null;
  const atMs = Math.max(a.atMs, b.atMs);
  const weight = decay(a.weight, a.atMs, atMs, halfLifeMs) + decay(b.weight, b.atMs, atMs, halfLifeMs);
  return { weight, atMs, count: a.count + b.count, lastEventMs };
}

/** Takes back one counted event: the one that an earlier event of its session has pushed out. */
export function withoutEvent(rule: CompiledRule | undefined, sum: DecayedSum, eventMs: number): DecayedSum {
  const weight = sum.weight - decay(1, eventMs, sum.atMs, rule?.halfLifeMs ?? null);
  const count = sum.count - 1;
  return { ...sum, weight: count === 0 ? 0 : Math.max(0, weight), count };
}

/** What is left of a sum without a part of it; not for rules that keep one event only. */
export function withoutSum(rule: CompiledRule | undefined, sum: DecayedSum, part: DecayedSum): DecayedSum {
  const weight = sum.weight - decay(part.weight, part.atMs, sum.atMs, rule?.halfLifeMs ?? null);
  const count = sum.count - part.count;
  return { ...sum, weight: count <= 0 ? 0 : Math.max(0, weight), count: Math.max(0, count) };
}

/** A rule's raw points at `nowMs`: points · n(T). */
function rawOf(rule: CompiledRule, sum: DecayedSum, nowMs: number): number {
  return rule.points * decay(sum.weight, sum.atMs, nowMs, rule.halfLifeMs);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function pointsOf(rule: CompiledRule, sum: DecayedSum, nowMs: number): number {
  const raw = rawOf(rule, sum, nowMs);
  return rule.max === undefined ? raw : clamp(raw, -rule.max, rule.max);
}

/** Score at `nowMs`, which is not to be before the sums' own time: clamp(Σ groups, 0, 100). */
export function scoreOf(sums: Sums, rules: Rules, nowMs: number): number {
  return scoreAndBoundOf(sums, rules, nowMs).score;
}

/**
 * The score, and what no later score without a further event is above: as if only what is positive counted. In one walk,
 * since every event needs both.
 */
export function scoreAndBoundOf(sums: Sums, rules: Rules, nowMs: number): { score: number; bound: number } {
  let score = 0;
  let bound = 0;
  for (const { max, rules: groupRules } of rules.groups.values()) {
    let points = 0;
    let positive = 0;
    for (const rule of groupRules) {
      const sum = sums[rule.name];
      if (sum === undefined) continue;
      const contribution = pointsOf(rule, sum, nowMs);
      points += contribution;
      if (contribution > 0) positive += contribution;
    }
    score += clamp(points, -max, max);
    bound += Math.min(positive, max);
  }
  return { score: clamp(score, 0, SCORE_MAX), bound: Math.min(bound, SCORE_MAX) };
}

/** What each group gives, held to its cap, in the order of the config. */
export function groupPointsOf(sums: Sums, rules: Rules, nowMs: number): number[] {
  const groups: number[] = [];
  for (const { max, rules: groupRules } of rules.groups.values()) {
    let points = 0;
    for (const rule of groupRules) {
      const sum = sums[rule.name];
      if (sum !== undefined) points += pointsOf(rule, sum, nowMs);
    }
    groups.push(clamp(points, -max, max));
  }
  return groups;
}

export function scoreOfGroups(groupPoints: readonly number[]): number {
  return clamp(
    groupPoints.reduce((total, points) => total + points, 0),
    0,
    SCORE_MAX,
  );
}

/** The score with every row that makes it up; the rows add up, cap by cap, to the score. */
export function evaluate(sums: Sums, rules: Rules, nowMs: number): Evaluation {
  const groups: Evaluation["groups"] = [];
  const contributions: Contribution[] = [];
  for (const [group, { max, rules: groupRules }] of rules.groups) {
    let raw = 0;
    for (const rule of groupRules) {
      const sum = sums[rule.name];
      if (sum === undefined || sum.count === 0) continue;
      const points = pointsOf(rule, sum, nowMs);
      raw += points;
      contributions.push({ rule, sum, raw: rawOf(rule, sum, nowMs), points });
    }
    groups.push({ group, raw, max, points: clamp(raw, -max, max) });
  }
  return {
    score: scoreOfGroups(groups.map(({ points }) => points)),
    groups,
    contributions,
  };
}
