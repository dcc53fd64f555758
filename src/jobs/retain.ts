import { parseDurationMs } from "../core/duration.ts";
import { type RetainStore, SWEPT, type Swept } from "../store/sqlite/retain.ts";

/** Of the five milliseconds that the writer may be held: the commit comes on top. */
const STEP_BUDGET_MS = 2;
/** Between two steps, so that what is sent in has most of the time. */
const STEP_EVERY_MS = 10;
/** While there is always something to write, a step is due all the same: what comes in daily must also go daily. */
const BUSY_STEP_EVERY_MS = 100;
/** From the end of a sweep to the next. */
const SWEEP_EVERY_MS = 10 * 60_000;
/** After the file could not be written, or somebody else held it. */
const FAULT_WAIT_MS = 5_000;

/** How long is kept what; null stays. */
export type Retain = { readonly [Name in Swept]: string | null };

export type RetainerOptions = {
  store: RetainStore;
  retain: () => Retain;
  now: () => number;
  /** Whether nothing waits to be written. */
  isIdle: () => boolean;
  onFault: (error: unknown) => void;
};

export type Retainer = {
  /** Begins a sweep at once, and another one again and again. */
  start(): void;
  stop(): void;
  /** One step; false when nothing is left to do for now. */
  step(): boolean;
};

/** Deletes what is older than the config lets it become, in steps that nobody notices, and gives back the space. */
export function createRetainer({ store, retain, now, isIdle, onFault }: RetainerOptions): Retainer {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let waitedMs = 0;
  /** Where each table is left off; null is through with. */
  let places = new Map<Swept, number | null>();

  const sweepNext = (): boolean => {
    const nowMs = now();
    for (const swept of SWEPT) {
      const kept = retain()[swept];
      const keptMs = kept === null ? null : parseDurationMs(kept);
      const afterId = places.get(swept) ?? 0;
      if (keptMs === null || places.get(swept) === null) continue;
      const sweep = { swept, afterId, beforeMs: nowMs - keptMs, nowMs, budgetMs: STEP_BUDGET_MS };
      const step = store.sweep(sweep);
      places.set(swept, step.afterId);
      return true;
    }
    return false;
  };

  const step = (): boolean => {
    if (sweepNext() || store.shrink(STEP_BUDGET_MS)) return true;
    places = new Map();
    return false;
  };

  const schedule = (delayMs: number): void => {
    timer = setTimeout(() => {
      if (!isIdle() && waitedMs < BUSY_STEP_EVERY_MS) {
        waitedMs += STEP_EVERY_MS;
        schedule(STEP_EVERY_MS);
        return;
      }
      waitedMs = 0;
      try {
        schedule(step() ? STEP_EVERY_MS : SWEEP_EVERY_MS);
      } catch (error) {
        onFault(error);
        schedule(FAULT_WAIT_MS);
      }
    }, delayMs);
    timer.unref();
  };

  const stop = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };

  return {
    start: () => {
      stop();
      places = new Map();
      schedule(STEP_EVERY_MS);
    },
    stop,
    step,
  };
}
