import type { ClickStore } from "../store/sqlite/clicks.ts";

/** So long a click may wait for a hand on the page; one that comes later still counts. */
export const PENDING_FOR_MS = 10 * 60_000;
const STEP_CLICKS = 200;
const STEP_EVERY_MS = 30_000;
/** While there is more than one step had room for. */
const HURRY_EVERY_MS = 100;

export type SettlerOptions = {
  clicks: ClickStore;
  now: () => number;
  onFault: (error: unknown) => void;
};

export type Settler = {
  start(): void;
  stop(): void;
  /** Gives up some that have waited for too long; true when there may be more. */
  step(nowMs: number): boolean;
};

/** Clicks that nobody's hand has followed were a machine's. Nothing hangs on the moment: they were never scored. */
export function createClickSettler({ clicks, now, onFault }: SettlerOptions): Settler {
  let timer: ReturnType<typeof setTimeout> | null = null;

  const step = (nowMs: number): boolean => clicks.settle(nowMs - PENDING_FOR_MS, STEP_CLICKS) === STEP_CLICKS;

  const schedule = (delayMs: number): void => {
    timer = setTimeout(() => {
      let isMore = false;
      try {
        isMore = step(now());
      } catch (error) {
        onFault(error);
      }
      schedule(isMore ? HURRY_EVERY_MS : STEP_EVERY_MS);
    }, delayMs);
    timer.unref();
  };

  return {
    start: () => schedule(STEP_EVERY_MS),
    stop: () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
    step,
  };
}
