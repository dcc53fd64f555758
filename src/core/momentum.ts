import { DAY_MS } from "./duration.ts";

export const WEEK_MS = 7 * DAY_MS;
/** This week and the three before. */
export const MOMENTUM_WEEKS = 4;

/** `ratio` is 1 for who goes on as before, above it for who does more. */
export type Momentum = { events_7d: number; weekly_before: number; ratio: number };

/** One event more on either side, so that a first visit is a beginning and no division by nothing. */
export function momentumOf([thisWeek = 0, ...before]: readonly number[]): Momentum {
  const weeklyBefore = before.reduce((sum, count) => sum + count, 0) / (MOMENTUM_WEEKS - 1);
  return { events_7d: thisWeek, weekly_before: weeklyBefore, ratio: (thisWeek + 1) / (weeklyBefore + 1) };
}
