import type { Rules } from "../core/compile.ts";
import { scoreAndBoundOf, scoreOf } from "../core/score.ts";
import { type MovedScore, RANK_VALID_MS, type RankStore, rankOf } from "../store/sqlite/ranks.ts";

/** People looked at in one step: few enough that an event which comes meanwhile does not notice. */
const STEP_PEOPLE = 200;
const STEP_EVERY_MS = 1_000;
/** While another config waits to reach everybody. */
const HURRY_EVERY_MS = 100;

export type RefresherOptions = {
  ranks: RankStore;
  rules: () => Rules;
  now: () => number;
  onFault: (error: unknown) => void;
};

export type Refresher = {
  /** Takes a step again and again. Everybody comes up once at a quicker pace first: the config may be another one. */
  start(): void;
  stop(): void;
  /** The next few people, from the beginning again after the last. */
  step(nowMs: number): void;
};

/**
 * Scores fall by themselves, and a new config changes them all at once; the stored order hears of it here. It emits no
 * signals: only events and merges do.
 */
export function createRefresher({ ranks, rules, now, onFault }: RefresherOptions): Refresher {
  let lastPersonId = 0;
  let isHurrying = true;
  let timer: ReturnType<typeof setTimeout> | null = null;

  const step = (nowMs: number): void => {
    const rows = ranks.sweep(lastPersonId, STEP_PEOPLE);
    const moved = rows.flatMap(({ personId, rank, sums }): MovedScore[] => {
      // A walk that began a while ago still asks for the scores of then.
      const scoreBound = scoreAndBoundOf(sums, rules(), nowMs - RANK_VALID_MS).bound;
      if (rankOf(scoreBound) === rank) return [];
      return [{ personId, score: scoreOf(sums, rules(), nowMs), scoreBound, scoredMs: nowMs }];
    });
    if (moved.length > 0) ranks.move(moved);
    lastPersonId = rows.length < STEP_PEOPLE ? 0 : (rows.at(-1)?.personId ?? 0);
    if (lastPersonId === 0) isHurrying = false;
  };

  const schedule = (): void => {
    timer = setTimeout(
      () => {
        try {
          step(now());
        } catch (error) {
          onFault(error);
        }
        schedule();
      },
      isHurrying ? HURRY_EVERY_MS : STEP_EVERY_MS,
    );
    timer.unref();
  };

  const stop = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };

  return {
    start: () => {
      stop();
      lastPersonId = 0;
      isHurrying = true;
      schedule();
    },
    stop,
    step,
  };
}
