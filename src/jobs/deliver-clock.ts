/** The longest delay that timers take. */
const DELAY_MAX_MS = 2_147_483_647;
/** After the work failed. */
const FAULT_WAIT_MS = 1_000;

/** Runs something later; returns how to call it off. */
export type Timer = (run: () => void, delayMs: number) => () => void;

export type Rounds = {
  /** Asks for a round in a later turn of the event loop; more than one asking in between is one round. */
  ask(): void;
  isAsked(): boolean;
  stop(): void;
};

/** Runs rounds of work when asked to, and when the time comes that the last round named; one timer for all of it. */
export function createRounds(options: {
  /** Does what is to be done now and says when there will be more: null is "when somebody asks". */
  run: () => number | null;
  onFault: (error: unknown) => void;
  onDone: () => void;
  now: () => number;
  timer: Timer;
}): Rounds {
  const { now, timer } = options;
  let isAsked = false;
  let isStopped = false;
  let cancel = (): void => undefined;

  const round = (): void => {
    isAsked = false;
    if (!isStopped) {
      cancel();
      const nextMs = attempt();
      if (nextMs !== null) cancel = timer(round, Math.min(Math.max(nextMs - now(), 0), DELAY_MAX_MS));
    }
    options.onDone();
  };

  const attempt = (): number | null => {
    try {
      return options.run();
    } catch (error) {
      options.onFault(error);
      return now() + FAULT_WAIT_MS;
    }
  };

  return {
    ask: () => {
      if (isAsked || isStopped) return;
      isAsked = true;
      setImmediate(round);
    },
    isAsked: () => isAsked,
    stop: () => {
      isStopped = true;
      cancel();
    },
  };
}

export const systemTimer: Timer = (run, delayMs) => {
  const handle = setTimeout(run, delayMs);
  return () => clearTimeout(handle);
};
