/** Above it a request would wait longer than browsers and proxies do. */
const LAG_MAX_MS = 1_000;
/** Commands waiting for the writer; more than it stores in a second. */
const BACKLOG_MAX = 20_000;
const SAMPLE_EVERY_MS = 250;

export type Overload = {
  /** Whether what comes now should be turned away before any work is done for it. */
  isOverloaded(): boolean;
  /** How late the event loop was at the last look. */
  lagMs(): number;
  stop(): void;
};

/** Watches how late the event loop is, and how much waits to be stored. */
export function watchOverload(backlog: () => number): Overload {
  const lag = createLagMeter(performance.now());
  const timer = setInterval(() => lag.sample(performance.now()), SAMPLE_EVERY_MS);
  timer.unref();
  return {
    isOverloaded: () => lag.isLate() || backlog() > BACKLOG_MAX,
    lagMs: lag.lastMs,
    stop: () => clearInterval(timer),
  };
}

/** Late is who is late twice in a row: one long pause, such as a checkpoint's, is over when it is seen. */
export function createLagMeter(startedMs: number) {
  let sampledMs = startedMs;
  let before = 0;
  let last = 0;
  return {
    sample: (nowMs: number): void => {
      before = last;
      last = nowMs - sampledMs - SAMPLE_EVERY_MS;
      sampledMs = nowMs;
    },
    lastMs: (): number => Math.max(0, last),
    isLate: (): boolean => Math.min(before, last) > LAG_MAX_MS,
  };
}
