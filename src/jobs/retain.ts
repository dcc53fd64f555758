import { parseDurationMs } from "../core/duration.ts";
import { type RetainStore, SWEPT, type Swept } from "../store/sqlite/retain.ts";

/** Of the five milliseconds that the writer may be held: the commit comes on top. */
const STEP_BUDGET_MS = 1;
/** Between two steps, so that what is sent in has most of the time. */
const STEP_EVERY_MS = 10;
/** Steps whose pages the log takes up before they are brought into the file. */
const CHECKPOINT_EVERY_STEPS = 64;
/**
 * Once all of it is there, the next who writes begins the log anew and waits for the disk: that is left to an event,
 * which waits for it anyway. Where none comes for so long, nobody is held up either.
 */
const NEW_LOG_WAIT_MS = 500;
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
  /** Brings the log into the file beside the writer; true when nothing of it is left. */
  checkpoint: () => Promise<boolean>;
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
export function createRetainer({ store, retain, now, isIdle, checkpoint, onFault }: RetainerOptions): Retainer {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let waitedMs = 0;
  let steps = 0;
  /** What was written when the log was brought into the file as a whole; null while it is in use. */
  let emptiedAt: number | null = null;
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

  /** How long until the next look. */
  const look = async (): Promise<number> => {
    const isLogBegun = emptiedAt === null || store.changes() !== emptiedAt;
    const waitMaxMs = !isLogBegun ? NEW_LOG_WAIT_MS : isIdle() ? 0 : BUSY_STEP_EVERY_MS;
    if (waitedMs < waitMaxMs) {
      waitedMs += STEP_EVERY_MS;
      return STEP_EVERY_MS;
    }
    waitedMs = 0;
    emptiedAt = null;
    const isMore = step();
    steps += 1;
    if (steps >= CHECKPOINT_EVERY_STEPS || (!isMore && steps > 1)) {
      steps = 0;
      emptiedAt = (await checkpoint()) ? store.changes() : null;
    }
    return isMore ? STEP_EVERY_MS : SWEEP_EVERY_MS;
  };

  const schedule = (delayMs: number): void => {
    const mine = setTimeout(async () => {
      const waitMs = await look().catch((error) => {
        onFault(error);
        return FAULT_WAIT_MS;
      });
      // Whoever stopped it, or began anew, meanwhile has the word.
      if (timer === mine) schedule(waitMs);
    }, delayMs);
    mine.unref();
    timer = mine;
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
