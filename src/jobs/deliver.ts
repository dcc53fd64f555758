import type { DestinationConfig } from "../destinations/config.ts";
import type { RenderContext } from "../destinations/interface.ts";
import { onceFree } from "../engine/held.ts";
import type { DeliveryStore } from "../store/sqlite/delivery.ts";
import { type DestinationHealth, HEALTHY } from "../store/sqlite/destination.ts";
import { type Attempt, type Post, realPost } from "./deliver-attempt.ts";
import { createRounds, systemTimer, type Timer } from "./deliver-clock.ts";
import { createLanes } from "./deliver-lanes.ts";
import { createMarkBook, type DeliveryLog } from "./deliver-marks.ts";
import { createSetback } from "./deliver-setback.ts";
import { sendTestSignal } from "./deliver-test-signal.ts";

const STOP_MAX_MS = 2_000;
/** The command line may reopen deliveries beside a running server, which nobody tells this one. */
const LOOK_AGAIN_MS = 5_000;
/** Made due at once in one turn of the event loop; everything else waits as long. */
const HURRY_ROWS = 500;

export type DelivererOptions = {
  store: DeliveryStore;
  /** The same array as long as the config is the same. */
  destinations: () => readonly DestinationConfig[];
  linkTo?: () => RenderContext["linkTo"];
  now: () => number;
  log: DeliveryLog;
  random?: () => number;
  /** Runs forward only, whatever happens to the clock. */
  uptimeMs?: () => number;
  lookAgainMs?: number;
  timer?: Timer;
  post?: Partial<Post>;
};

export type Deliverer = {
  /** Signals were committed. Costs next to nothing: the work is done in a later turn of the event loop. */
  follow(): void;
  /** The same after deliveries were opened again, or the destinations changed. */
  wake(): void;
  /** Sends nothing there until somebody says so; what comes meanwhile waits. */
  pause(name: string): Promise<void>;
  /** Forgets what went wrong, and sends at once what waits; resolves when all of it is due. */
  resume(name: string): Promise<void>;
  /** Sends a signal that says it is a test, at once and past filter, queue and pause; null where nobody has that name. */
  test(name: string): Promise<Attempt | null>;
  /** Resolves when nothing is under way and all results are stored. */
  settled(): Promise<void>;
  /** Lets what is under way finish for a moment; what does not stays pending and is sent after the next start. */
  stop(): Promise<void>;
};

/** Sends what the engine committed. The store is the only memory that counts: a new one on the same file goes on. */
export function createDeliverer(options: DelivererOptions): Deliverer {
  const { store, log } = options;
  const setback = createSetback(options.now, options.uptimeMs);
  const { now } = setback;
  const post: Post = { ...realPost, ...options.post };
  const aborter = new AbortController();
  const lanes = createLanes({
    ...options,
    now,
    post,
    abort: aborter.signal,
    record: (...mark) => book.record(...mark),
  });
  const rounds = createRounds({
    run: lanes.pump,
    onFault: (error) => log.warn("delivery_not_read", { reason: error instanceof Error ? error.message : "unknown" }),
    onDone: () => tellSettled(),
    now,
    timer: options.timer ?? systemTimer,
  });
  lanes.onChange(() => {
    rounds.ask();
    // Once the rounds are stopped, nobody else says so.
    tellSettled();
  });
  const book = createMarkBook(store, log, lanes.release);
  const lookAgain = setInterval(() => {
    if (setback.wasSetBack()) void pullForward(true);
    lanes.wake();
  }, options.lookAgainMs ?? LOOK_AGAIN_MS);
  lookAgain.unref();

  let onSettled: (() => void)[] = [];
  const isSettled = (): boolean => book.isEmpty() && !rounds.isAsked() && lanes.underWay() === 0;
  const tellSettled = (): void => {
    if (!isSettled()) return;
    const resolves = onSettled;
    onSettled = [];
    for (const resolve of resolves) resolve();
  };
  const settled = (): Promise<void> =>
    isSettled() ? Promise.resolve() : new Promise((resolve) => onSettled.push(resolve));

  const setHealth = (name: string, health: DestinationHealth): void => {
    // What is not stored yet must not overwrite this afterwards.
    book.flush();
    store.setHealth(name, health);
    lanes.refresh(name);
  };

  /** Whoever pauses it meanwhile has the last word: being due sends nothing yet. */
  const resume = async (name: string): Promise<void> => {
    const nowMs = now();
    const hurry = () => store.hurry(name, nowMs, HURRY_ROWS);
    let hurried = await onceFree(() => {
      setHealth(name, HEALTHY);
      return hurry();
    });
    while (stopped === null && hurried === HURRY_ROWS) {
      lanes.wake();
      await new Promise((resolve) => setImmediate(resolve));
      hurried = await onceFree(hurry);
    }
    lanes.wake();
  };

  /** What was put off by a clock that was ahead would wait until the clock is there again, which may take a day. */
  const pullForward = async (isSetBack = false): Promise<void> => {
    try {
      for (const { name } of options.destinations()) {
        const health = store.health(name);
        if (isSetBack && health.quietUntilMs !== null) setHealth(name, { ...health, quietUntilMs: null });
        else lanes.refresh(name);
        while (stopped === null && store.pullForward(name, now(), HURRY_ROWS) === HURRY_ROWS)
          await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      log.warn("delivery_not_read", { reason: error instanceof Error ? error.message : "unknown" });
    }
    lanes.wake();
  };

  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    rounds.stop();
    clearInterval(lookAgain);
    await Promise.race([settled(), new Promise((resolve) => setTimeout(resolve, STOP_MAX_MS).unref())]);
    book.flush();
    book.close();
    aborter.abort();
  };

  // An earlier run may have had another clock.
  void pullForward();
  return {
    follow: lanes.follow,
    wake: lanes.wake,
    pause: (name) => onceFree(() => setHealth(name, { ...store.health(name), pausedMs: now(), pauseReason: "manual" })),
    resume,
    test: async (name) => {
      const config = options.destinations().find((candidate) => candidate.name === name);
      const context = { linkTo: options.linkTo?.() ?? null, nowMs: now() };
      return config === undefined ? null : sendTestSignal(config, context, post, aborter.signal);
    },
    settled,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
