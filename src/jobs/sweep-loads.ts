import type { CampaignLoader } from "../store/sqlite/campaign-load.ts";

const LOOK_EVERY_MS = 30_000;
/** Between two steps, so that what is sent in has most of the time. */
const STEP_EVERY_MS = 50;
/** Steps whose pages the log takes up before they are brought into the file: there may be no room for more. */
const CHECKPOINT_EVERY_STEPS = 2;

export type LoadSweeperOptions = {
  loader: Pick<CampaignLoader, "sweep">;
  now: () => number;
  /** Brings the log into the file beside the writer. */
  checkpoint: () => Promise<unknown>;
  onFault: (error: unknown) => void;
};

export type LoadSweeper = {
  start(): void;
  stop(): void;
  /** One step of taking back what dead loads left; true when there may be more. */
  step(): boolean;
};

/** Takes back what a campaign's load left that died, or that found no room for doing so itself. */
export function createLoadSweeper({ loader, now, checkpoint, onFault }: LoadSweeperOptions): LoadSweeper {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let sweep: Generator<void, void> | null = null;

  const step = (): boolean => {
    sweep ??= loader.sweep(now());
    const steps = sweep;
    // One that throws is not asked again.
    sweep = null;
    if (steps.next().done === true) return false;
    sweep = steps;
    return true;
  };

  const look = async (steps: number): Promise<boolean> => {
    try {
      const isMore = step();
      if (steps > 0 && (!isMore || steps % CHECKPOINT_EVERY_STEPS === 0)) await checkpoint();
      return isMore;
    } catch (error) {
      onFault(error);
      await checkpoint();
      return false;
    }
  };

  const schedule = (delayMs: number, steps: number): void => {
    const mine = setTimeout(async () => {
      const isMore = await look(steps);
      // Whoever stopped it meanwhile has the word.
      if (timer === mine) schedule(isMore ? STEP_EVERY_MS : LOOK_EVERY_MS, isMore ? steps + 1 : 0);
    }, delayMs);
    mine.unref();
    timer = mine;
  };

  return {
    start: () => schedule(STEP_EVERY_MS, 0),
    stop: () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
    step,
  };
}
