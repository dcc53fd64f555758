import type { Rules } from "./compile.ts";
import type { Rule, Scoring } from "./rules.ts";
import { type Evaluation, evaluate, type Sums } from "./score.ts";
import { COLD, levelOf } from "./threshold.ts";

/** People named of those whose level rises, and as many accounts; all of them are counted. */
export const TRY_NAMED_MAX = 1_000;
export const TRY_NAMED_DEFAULT = 50;

export type LevelMove = { from: string; to: string; people: number };
export type Shift = { people: number; points: number };
export type PointsChange = { name: string; before: number; after: number };
export type Riser = {
  personId: number;
  from: string;
  to: string;
  scoreBefore: number;
  scoreAfter: number;
  /** What made the difference, the largest first. */
  rules: PointsChange[];
};

/** What another config would make of everybody, held against the one in force. */
export type WhatIf = {
  people: number;
  levels: { level: string; before: number; after: number }[];
  moves: LevelMove[];
  rising: number;
  risers: Riser[];
  /** Over those who move: how many had a rule's points changed, and by how much together. */
  rules: (Shift & { rule: string })[];
  groups: (Shift & { group: string })[];
};

/**
 * The rules whose counts cannot be taken over from what is stored, since they match or count other events than the rule of
 * that name does today. Changed points, caps and thresholds need no events: those come from the config when reading.
 */
export function rulesToRecount(today: Scoring, tried: Scoring): Rule[] {
  const known = new Map(today.rules.map((rule) => [rule.name, countingOf(rule)]));
  const hasOtherPages =
    JSON.stringify(Object.entries(today.page_classes)) !== JSON.stringify(Object.entries(tried.page_classes));
  const hasOtherChannels = JSON.stringify(today.channels) !== JSON.stringify(tried.channels);
  return tried.rules.filter((rule) => {
    if (known.get(rule.name) !== countingOf(rule)) return true;
    if (hasOtherPages && rule.when?.page_class !== undefined) return true;
    return hasOtherChannels && rule.when?.attribution?.channel !== undefined;
  });
}

function countingOf({ event, when, half_life, per_session, keep, once }: Rule): string {
  return JSON.stringify([event, when ?? null, half_life ?? null, per_session ?? null, keep ?? null, once ?? null]);
}

/** The stored sums with the recounted rules' put in their place. */
export function replaceSums(stored: Sums, recounted: Sums, rules: readonly Rule[]): Sums {
  const names = new Set(rules.map(({ name }) => name));
  return { ...Object.fromEntries(Object.entries(stored).filter(([name]) => !names.has(name))), ...recounted };
}

export type WhatIfCount = { add(personId: number, before: Sums, after: Sums): void; result(): WhatIf };

export function createWhatIf(today: Rules, tried: Rules, nowMs: number, namedMax: number): WhatIfCount {
  const levels = new Map<string, { before: number; after: number }>();
  const moves = new Map<string, LevelMove>();
  const rules = new Map<string, Shift>();
  const groups = new Map<string, Shift>();
  let people = 0;
  let rising = 0;
  let risers: Riser[] = [];
  for (const { name } of [{ name: COLD }, ...today.thresholds, ...tried.thresholds]) {
    levels.set(name, { before: 0, after: 0 });
  }
  /** Among the tried levels; one that is no longer there stands where its score would. */
  const heightOf = (level: string): number => {
    const found = tried.thresholds.findIndex(({ name }) => name === level);
    const score = today.thresholds.find(({ name }) => name === level)?.score ?? -1;
    return found >= 0 ? found : tried.thresholds.findLastIndex((threshold) => threshold.score <= score);
  };
  const count = (level: string, side: "before" | "after"): void => {
    const known = levels.get(level);
    if (known !== undefined) known[side] += 1;
  };
  return {
    add: (personId, sumsBefore, sumsAfter) => {
      const before = evaluate(sumsBefore, today, nowMs);
      const after = evaluate(sumsAfter, tried, nowMs);
      const from = levelOf(before.score, today.thresholds);
      const to = levelOf(after.score, tried.thresholds);
      people += 1;
      count(from, "before");
      count(to, "after");
      if (from === to) return;
      const move = moves.get(`${from} ${to}`) ?? { from, to, people: 0 };
      moves.set(`${from} ${to}`, { ...move, people: move.people + 1 });
      const changed = changesOf(pointsByRule(before), pointsByRule(after));
      for (const change of changed) addShift(rules, change);
      for (const change of changesOf(pointsByGroup(before), pointsByGroup(after))) addShift(groups, change);
      if (heightOf(to) <= heightOf(from)) return;
      rising += 1;
      risers.push({ personId, from, to, scoreBefore: before.score, scoreAfter: after.score, rules: changed });
      if (risers.length >= 2 * namedMax) risers = highest(risers, namedMax);
    },
    result: () => ({
      people,
      levels: [...levels].map(([level, counts]) => ({ level, ...counts })),
      moves: [...moves.values()].sort((a, b) => b.people - a.people || (a.from + a.to < b.from + b.to ? -1 : 1)),
      rising,
      risers: highest(risers, namedMax),
      rules: shiftsOf(rules).map(([rule, shift]) => ({ rule, ...shift })),
      groups: shiftsOf(groups).map(([group, shift]) => ({ group, ...shift })),
    }),
  };
}

function highest(risers: readonly Riser[], namedMax: number): Riser[] {
  return [...risers].sort((a, b) => b.scoreAfter - a.scoreAfter || a.personId - b.personId).slice(0, namedMax);
}

function pointsByRule({ contributions }: Evaluation): Map<string, number> {
  return new Map(contributions.map(({ rule, points }) => [rule.name, points]));
}

function pointsByGroup({ groups }: Evaluation): Map<string, number> {
  return new Map(groups.map(({ group, points }) => [group, points]));
}

function changesOf(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): PointsChange[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({ name, before: before.get(name) ?? 0, after: after.get(name) ?? 0 }))
    .filter((change) => change.before !== change.after)
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before) || (a.name < b.name ? -1 : 1));
}

function addShift(shifts: Map<string, Shift>, { name, before, after }: PointsChange): void {
  const known = shifts.get(name) ?? { people: 0, points: 0 };
  shifts.set(name, { people: known.people + 1, points: known.points + after - before });
}

function shiftsOf(shifts: ReadonlyMap<string, Shift>): [string, Shift][] {
  return [...shifts].sort(([a, one], [b, other]) => Math.abs(other.points) - Math.abs(one.points) || (a < b ? -1 : 1));
}
