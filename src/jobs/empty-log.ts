/** Somebody reads what is older, such as an export or a backup: it is tried again until they are through. */
const AGAIN_AFTER_MS = 1_000;

export type LogEmptierOptions = {
  /** Cuts the log to nothing; false when somebody is in the way. */
  empty: () => Promise<boolean>;
  againAfterMs?: number;
};

export type LogEmptier = {
  /** What was committed until now is to stand in the log no longer, as soon as that can be. */
  ask(): void;
  stop(): void;
};

/** Every row that was ever written stands in the log until its place is needed: after an erasure it is emptied. */
export function createLogEmptier({ empty, againAfterMs = AGAIN_AFTER_MS }: LogEmptierOptions): LogEmptier {
  let asked = 0;
  let isAtWork = false;
  let isStopped = false;

  const work = async (): Promise<void> => {
    if (isAtWork) return;
    isAtWork = true;
    let done = 0;
    while (done < asked && !isStopped) {
      // Whoever asks while it is being emptied has committed too late for it.
      const until = asked;
      if (await empty().catch(() => false)) done = until;
      else await new Promise((resolve) => setTimeout(resolve, againAfterMs).unref());
    }
    asked -= done;
    isAtWork = false;
  };

  return {
    ask: () => {
      asked += 1;
      void work();
    },
    stop: () => {
      isStopped = true;
    },
  };
}
