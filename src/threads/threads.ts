/** Threads that wait for their next job; a further one ends when its job is done. */
const IDLE_THREADS_MAX = 1;
/** An idle one is worth its ten megabytes for so long. */
const IDLE_MAX_MS = 60_000;

export type Threads<Job, Outcome> = {
  /** What comes of the job, on a thread of its own; a fault where there is none in time. */
  run(job: Job, options: { timeMaxMs: number; handOver: ArrayBuffer[] }): Promise<Outcome | { fault: string }>;
  /** A thread for a longer talk, until it is given back. */
  lend(): Lent;
  close(): void;
};

export type Lent = {
  thread: Worker;
  /** It waits for the next job. */
  giveBack(): void;
  /** It is of no use any more. */
  end(): void;
};

/**
 * A thread is used again: what one leaves behind when it ends is given back late, and a dashboard that asks every second
 * would fill the memory with them.
 */
export function createThreads<Job, Outcome>(script: string): Threads<Job, Outcome> {
  const busy = new Set<Worker>();
  const idle = new Map<Worker, ReturnType<typeof setTimeout>>();

  const end = (thread: Worker): void => {
    clearTimeout(idle.get(thread));
    idle.delete(thread);
    busy.delete(thread);
    thread.terminate();
  };

  const take = (): Worker => {
    const [waiting] = idle.keys();
    const thread = waiting ?? new Worker(script);
    clearTimeout(idle.get(thread));
    idle.delete(thread);
    busy.add(thread);
    return thread;
  };

  const putBack = (thread: Worker): void => {
    if (idle.size >= IDLE_THREADS_MAX) {
      end(thread);
      return;
    }
    busy.delete(thread);
    const timer = setTimeout(() => end(thread), IDLE_MAX_MS);
    timer.unref();
    idle.set(thread, timer);
  };

  const lend = (): Lent => {
    const thread = take();
    return {
      thread,
      giveBack: () => {
        // Unless all were ended meanwhile.
        if (busy.has(thread)) putBack(thread);
      },
      end: () => end(thread),
    };
  };

  return {
    run: async (job, { timeMaxMs, handOver }) => {
      const { thread, giveBack, end: endIt } = lend();
      const answer = await answerOf<Job, Outcome>(thread, job, timeMaxMs, handOver);
      if ("fault" in answer) {
        endIt();
        return { fault: answer.fault };
      }
      giveBack();
      return answer.said;
    },
    lend,
    close: () => {
      for (const thread of [...busy, ...idle.keys()]) end(thread);
    },
  };
}

type Answer<Outcome> = { said: Outcome } | { fault: string };

function answerOf<Job, Outcome>(
  thread: Worker,
  job: Job,
  timeMaxMs: number,
  handOver: ArrayBuffer[],
): Promise<Answer<Outcome>> {
  return new Promise((resolve) => {
    const told = new AbortController();
    const settle = (answer: Answer<Outcome>): void => {
      clearTimeout(timer);
      told.abort();
      resolve(answer);
    };
    const timer = setTimeout(() => settle({ fault: `no answer within ${timeMaxMs} ms` }), timeMaxMs);
    const { signal } = told;
    thread.addEventListener("message", ({ data }: MessageEvent<Outcome>) => settle({ said: data }), { signal });
    thread.addEventListener("error", () => settle({ fault: "the thread could not start" }), { signal });
    thread.addEventListener("close", () => settle({ fault: "the thread ended" }), { signal });
    thread.postMessage(job, handOver);
  });
}
