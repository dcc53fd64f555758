import type { Threshold } from "./compile.ts";

/** Where a person stands with one threshold: how often it fired, and whether it may fire again. */
export type ThresholdState = { epoch: number; isArmed: boolean };

export type ThresholdStates = { readonly [threshold: string]: ThresholdState };

export const COLD = "cold";

const FRESH: ThresholdState = { epoch: 0, isArmed: true };

/** The highest threshold at or below the score; `cold` below them all. Thresholds come lowest first. */
export function levelOf(score: number, thresholds: readonly Threshold[]): string {
  return thresholds.findLast((threshold) => score >= threshold.score)?.name ?? COLD;
}

/** Who fell below the re-arm level may cross again. */
export function rearm(states: ThresholdStates, score: number, thresholds: readonly Threshold[]): ThresholdStates {
  let result = states;
  for (const { name, rearm: rearmBelow } of thresholds) {
    const state = states[name];
    if (state && !state.isArmed && score < rearmBelow) result = { ...result, [name]: { ...state, isArmed: true } };
  }
  return result;
}

/** Fires every armed threshold that the score has reached, from the lowest up, each under its next epoch. */
export function cross(
  states: ThresholdStates,
  score: number,
  thresholds: readonly Threshold[],
): { states: ThresholdStates; crossed: { threshold: Threshold; epoch: number }[] } {
  let result = rearm(states, score, thresholds);
  const crossed: { threshold: Threshold; epoch: number }[] = [];
  for (const threshold of thresholds) {
    const state = result[threshold.name] ?? FRESH;
    if (score < threshold.score || !state.isArmed) continue;
    const epoch = state.epoch + 1;
    result = { ...result, [threshold.name]: { epoch, isArmed: false } };
    crossed.push({ threshold, epoch });
  }
  return { states: result, crossed };
}

/** Both sides' past counts: a level that either side has emitted, and not fallen from, stays emitted. */
export function combineThresholds(a: ThresholdStates, b: ThresholdStates): ThresholdStates {
  const result: { [threshold: string]: ThresholdState } = { ...a };
  for (const [name, theirs] of Object.entries(b)) {
    const ours = result[name] ?? FRESH;
    result[name] = { epoch: Math.max(ours.epoch, theirs.epoch), isArmed: ours.isArmed && theirs.isArmed };
  }
  return result;
}
