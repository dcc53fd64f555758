import { compileRules, type Rules } from "./compile.ts";
import type { Event } from "./event.ts";
import { areaUnderCurve, confidenceOf, fitLogistic } from "./logistic.ts";
import { recomputeSums } from "./recompute.ts";
import type { Rule, Scoring } from "./rules.ts";
import { type Sums, scoreOf } from "./score.ts";

/** Below so many people on either side there is nothing to learn from. */
export const SIDE_MIN = 20;
/** A rule that so few people met keeps its points. */
const SUPPORT_MIN = 10;
/** What the data says with less confidence than this is left as it is. */
const CONFIDENCE_MIN = 0.9;
const POINTS_MAX = 100;
/** Of ten people three are held out, told by their ids, so that every run holds out the same. */
const HELD_OUT_OF_TEN = 3;

/** One person as known just before the goal, or before their last event if they never reached it. */
export type Observation = { personId: number; reached: boolean; atMs: number; sums: Sums };

export type RuleAdvice = {
  rule: string;
  points: number;
  suggested: number;
  /** How much likelier those who met the rule reached the goal than everybody did. */
  lift: number | null;
  /** People who met the rule, and how many of them reached the goal. */
  support: number;
  supportReached: number;
  confidence: number;
  /** Why the points stay as they are; null where they are a suggestion. */
  kept: "too few people" | "not sure enough" | null;
};

export type Calibration = {
  people: number;
  reached: number;
  heldOut: number;
  aucToday: number | null;
  aucSuggested: number | null;
  advice: RuleAdvice[];
  rules: Rule[];
};

/**
 * What a person shows about a goal: only what came before it counts, and of that the time `withinMs` before. Null for
 * whoever shows nothing, or may still reach it.
 */
export function observe(
  personId: number,
  events: readonly Event[],
  goal: string,
  withinMs: number,
  rules: Rules,
  nowMs: number,
): Observation | null {
  const human = events.filter(({ bot }) => bot === null);
  const timesOf = (some: readonly Event[]) => some.map(({ occurredMs }) => occurredMs);
  const goalMs = timesOf(human.filter(({ name }) => name === goal)).reduce((a, b) => Math.min(a, b), Infinity);
  const lastMs = timesOf(human).reduce((a, b) => Math.max(a, b), -Infinity);
  const reached = goalMs !== Infinity;
  if (!reached && lastMs > nowMs - withinMs) return null;
  const atMs = reached ? goalMs : lastMs;
  const before = human.filter(({ occurredMs }) => occurredMs < atMs && occurredMs >= atMs - withinMs);
  return before.length === 0 ? null : { personId, reached, atMs, sums: recomputeSums(before, rules, atMs) };
}

/** Suggests points per rule: a logistic regression over what each rule counts, brought to the size of today's points. */
export function calibrate(scoring: Scoring, observations: readonly Observation[]): Calibration {
  const training = observations.filter(({ personId }) => !isHeldOut(personId));
  const heldOut = observations.filter(({ personId }) => isHeldOut(personId));
  const reached = training.filter((one) => one.reached).length;
  const features = training.map(({ sums }) => scoring.rules.map((rule) => featureOf(rule, sums)));
  const fit = fitLogistic(
    features,
    training.map((one) => one.reached),
  );
  const supports = scoring.rules.map((_, index) => {
    const who = training.filter((_one, row) => (features[row]?.[index] ?? 0) > 0);
    return { support: who.length, supportReached: who.filter((one) => one.reached).length };
  });
  const known = fit.weights.filter((_, index) => (supports[index]?.support ?? 0) >= SUPPORT_MIN);
  const sizeOf = (sizes: number[]) => sizes.reduce((sum, size) => sum + Math.abs(size), 0);
  const today = scoring.rules.map((rule, index) => rule.points * (fit.weights[index]?.deviation ?? 0));
  const scale = sizeOf(today) / Math.max(sizeOf(known.map(({ weight, deviation }) => weight * deviation)), 1e-9);
  const advice = scoring.rules.map((rule, index): RuleAdvice => {
    const { weight, error } = fit.weights[index] ?? { weight: 0, error: 0 };
    const { support, supportReached } = supports[index] ?? { support: 0, supportReached: 0 };
    const confidence = confidenceOf(weight, error);
    const kept = support < SUPPORT_MIN ? "too few people" : confidence < CONFIDENCE_MIN ? "not sure enough" : null;
    return {
      rule: rule.name,
      points: rule.points,
      suggested: kept === null ? rounded(Math.min(Math.max(weight * scale, -POINTS_MAX), POINTS_MAX)) : rule.points,
      lift: support === 0 || reached === 0 ? null : supportReached / support / (reached / training.length),
      support,
      supportReached,
      confidence,
      kept,
    };
  });
  const rules = scoring.rules.map((rule, index) => withPoints(rule, advice[index]?.suggested ?? rule.points));
  return {
    people: observations.length,
    reached: observations.filter((one) => one.reached).length,
    heldOut: heldOut.length,
    aucToday: areaOf(scoring, heldOut),
    aucSuggested: areaOf({ ...scoring, rules }, heldOut),
    advice,
    rules,
  };
}

/** What the rule counts of somebody, as far as its `max` lets it count. */
function featureOf({ name, points, max }: Rule, sums: Sums): number {
  const weight = sums[name]?.weight ?? 0;
  return max === undefined || points === 0 ? weight : Math.min(weight, max / Math.abs(points));
}

/** `max` goes along, so that the rule stops counting where it did. */
function withPoints(rule: Rule, points: number): Rule {
  if (points === rule.points) return rule;
  if (rule.max === undefined || rule.points === 0 || points === 0) return { ...rule, points };
  return { ...rule, points, max: Math.max(rounded(rule.max * Math.abs(points / rule.points)), 0.1) };
}

function areaOf(scoring: Scoring, observations: readonly Observation[]): number | null {
  const rules = compileRules(scoring, "");
  return areaUnderCurve(
    observations.map(({ sums, atMs, reached }) => ({ score: scoreOf(sums, rules, atMs), reached })),
  );
}

/** Neighbouring ids are spread, since ids are times. */
function isHeldOut(personId: number): boolean {
  let hash = 2_166_136_261;
  for (const character of String(personId)) hash = Math.imul(hash ^ character.charCodeAt(0), 16_777_619);
  return (hash >>> 8) % 10 < HELD_OUT_OF_TEN;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
