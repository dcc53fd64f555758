import type { DestinationConfig } from "../destinations/config.ts";
import type { DeliveryMark, DeliveryStore } from "../store/sqlite/delivery.ts";
import type { DestinationHealth } from "../store/sqlite/destination.ts";
import { type Attempt, attempt, type Post, realPost } from "./deliver-attempt.ts";
import { createLane, deliveryIdText, type Lane } from "./deliver-lane.ts";
import { sendTestSignal } from "./deliver-test-signal.ts";

/** Results gather so long before they are stored: a commit holds up the loop, and a thousand of them a second would. */
const MARK_WINDOW_MS = 20;
const STOP_MAX_MS = 2_000;
/** After the store failed. */
const FAULT_WAIT_MS = 1_000;
/** The command line may reopen deliveries beside a running server, which nobody tells this one. */
const LOOK_AGAIN_MS = 5_000;
/** The longest delay that timers take. */
const TIMER_MAX_MS = 2_147_483_647;

type LogFields = { readonly [field: string]: string | number | boolean | null };

export type DelivererOptions = {
  store: DeliveryStore;
  /** The same array as long as the config is the same. */
  destinations: () => readonly DestinationConfig[];
  /** What links in messages begin with. */
  publicUrl?: () => string | null;
  now: () => number;
  log: { info(event: string, fields?: LogFields): void; warn(event: string, fields?: LogFields): void };
  random?: () => number;
  /** Runs something later; returns how to call it off. */
  timer?: (run: () => void, delayMs: number) => () => void;
  post?: Partial<Post>;
};

export type Deliverer = {
  /** Something new may wait. Costs next to nothing: the work is done in a later turn of the event loop. */
  wake(): void;
  /** Sends nothing there until somebody says so; what comes meanwhile waits. */
  pause(name: string): void;
  /** Forgets what went wrong, and sends at once what waits. */
  resume(name: string): void;
  /** Sends a signal that says it is a test, at once and past filter, queue and pause; null where nobody has that name. */
  test(name: string): Promise<Attempt | null>;
  /** Resolves when nothing is under way and all results are stored. */
  settled(): Promise<void>;
  /** Lets what is under way finish for a moment; what does not stays pending and is sent after the next start. */
  stop(): Promise<void>;
};

/** Sends what the engine committed. The store is the only memory that counts: a new one on the same file goes on. */
export function createDeliverer(options: DelivererOptions): Deliverer {
  const { store, now, log, random = Math.random, timer = startTimer } = options;
  const post: Post = { ...realPost, ...options.post };
  const aborter = new AbortController();
  const lanes = new Map<string, Lane>();
  let marks: DeliveryMark[] = [];
  const changedHealth = new Map<string, DestinationHealth>();
  let isPumpScheduled = false;
  let isStopping = false;
  let isStopped = false;
  let flushTimer: ReturnType<typeof setTimeout> | null = null;
  let cancelTimer = (): void => undefined;
  let reportedFor: readonly DestinationConfig[] | null = null;
  let onSettled: (() => void)[] = [];

  const isSettled = (): boolean =>
    marks.length === 0 && !isPumpScheduled && [...lanes.values()].every((lane) => lane.underWay() === 0);

  const notify = (): void => {
    if (!isSettled()) return;
    const resolves = onSettled;
    onSettled = [];
    for (const resolve of resolves) resolve();
  };

  const flush = (): void => {
    if (flushTimer !== null) clearTimeout(flushTimer);
    flushTimer = null;
    if (isStopped || marks.length === 0) return;
    const batch = marks;
    try {
      store.mark(batch);
      for (const [name, health] of changedHealth) store.setHealth(name, health);
    } catch (error) {
      // They stay held, so nothing is sent twice while the disk is full.
      log.warn("delivery_not_stored", { reason: error instanceof Error ? error.message : "unknown" });
      flushTimer = setTimeout(flush, FAULT_WAIT_MS);
      return;
    }
    marks = [];
    changedHealth.clear();
    for (const { destination, deliveryId } of batch) lanes.get(destination)?.release(deliveryId);
    wake();
    notify();
  };

  const record = (mark: DeliveryMark, health: DestinationHealth | null): void => {
    marks.push(mark);
    if (health !== null) {
      changedHealth.set(mark.destination, health);
      report(mark.destination, health);
    }
    if (mark.state === "dead") {
      const { destination, status } = mark;
      log.warn("delivery_dead", { destination, delivery_id: deliveryIdText(mark.deliveryId), status });
    }
    flushTimer ??= setTimeout(flush, MARK_WINDOW_MS);
  };

  const report = (destination: string, health: DestinationHealth): void => {
    if (health.pausedMs !== null) log.warn("destination_paused", { destination, reason: health.pauseReason });
    else if (health.failingSinceMs !== null) log.warn("destination_failing", { destination });
    else log.info("destination_recovered", { destination });
  };

  const laneOf = (name: string): Lane => {
    const known = lanes.get(name);
    if (known !== undefined) return known;
    const lane = createLane(name, {
      store,
      now,
      random,
      attempt: (config, { deliveryId, body }) =>
        attempt(config, { deliveryId: deliveryIdText(deliveryId), body, nowMs: now() }, post, aborter.signal),
      record,
      onChange: wake,
    });
    lanes.set(name, lane);
    return lane;
  };

  const pumpAll = (): void => {
    isPumpScheduled = false;
    try {
      if (!isStopping) pump();
    } catch (error) {
      log.warn("delivery_not_read", { reason: error instanceof Error ? error.message : "unknown" });
    }
    notify();
  };

  const pump = (): void => {
    const configs = options.destinations();
    if (configs !== reportedFor) reportMissing(configs);
    const times = configs.map((config) => laneOf(config.name).pump(config)).filter((time) => time !== null);
    cancelTimer();
    const nextMs = Math.min(...times);
    if (nextMs === Number.POSITIVE_INFINITY) return;
    cancelTimer = timer(pumpAll, Math.min(Math.max(nextMs - now(), 0), TIMER_MAX_MS));
  };

  const reportMissing = (configs: readonly DestinationConfig[]): void => {
    reportedFor = configs;
    for (const { destination, state, count } of store.counts()) {
      if (state !== "pending" || configs.some(({ name }) => name === destination)) continue;
      log.warn("destination_not_configured", { destination, waiting: count });
    }
  };

  const wake = (): void => {
    if (isPumpScheduled || isStopping) return;
    isPumpScheduled = true;
    setImmediate(pumpAll);
  };

  const settled = (): Promise<void> =>
    isSettled() ? Promise.resolve() : new Promise((resolve) => onSettled.push(resolve));

  const setHealth = (name: string, health: DestinationHealth): void => {
    // What is not stored yet must not overwrite this afterwards.
    flush();
    store.setHealth(name, health);
    lanes.get(name)?.refresh();
    wake();
  };

  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    isStopping = true;
    cancelTimer();
    clearInterval(lookAgain);
    await Promise.race([settled(), new Promise((resolve) => setTimeout(resolve, STOP_MAX_MS).unref())]);
    flush();
    isStopped = true;
    aborter.abort();
  };

  const lookAgain = setInterval(wake, LOOK_AGAIN_MS);
  lookAgain.unref();

  return {
    wake,
    pause: (name) => setHealth(name, { ...store.health(name), pausedMs: now(), pauseReason: "manual" }),
    resume: (name) => {
      setHealth(name, { pausedMs: null, pauseReason: null, failingSinceMs: null });
      store.hurry(name, now());
    },
    test: async (name) => {
      const config = options.destinations().find((candidate) => candidate.name === name);
      const context = { publicUrl: options.publicUrl?.() ?? null, nowMs: now() };
      return config === undefined ? null : sendTestSignal(config, context, post, aborter.signal);
    },
    settled,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

function startTimer(run: () => void, delayMs: number): () => void {
  const handle = setTimeout(run, delayMs);
  return () => clearTimeout(handle);
}
