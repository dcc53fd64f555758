import { emptyLog, openBeside } from "../store/sqlite/database.ts";

/** A checkpoint that takes longer is given up on; the next commit makes one itself. */
const RUN_MAX_MS = 30_000;
/** Whoever writes waits as long for the log to be emptied. */
const EMPTY_WAIT_MS = 10;

/** Brought into the file as far as nobody is in the way; or all of it, so that nothing is left in the log. */
type Extent = "some" | "all";

export type CheckpointJob = { checkpoint: Extent; dataFolder: string; job: number };

/** To which job it belongs: an answer may come after its job was given up on, while the next one waits. */
export type CheckpointDone = { job: number; isDone: boolean };

export type CheckpointsOptions = { script: string; dataFolder: string; runMaxMs?: number };

export type Checkpoints = {
  /**
   * Resolves when what stood in the log is in the file, or could not be brought there: true when it is all of it. Whoever
   * writes next begins the log anew then, and waits for the disk.
   */
  run(): Promise<boolean>;
  /** Cuts the log to nothing; false when somebody reads what is older. */
  empty(): Promise<boolean>;
  close(): void;
};

/**
 * Brings the log into the file on a thread and a connection of its own: that takes tens of milliseconds and a wait for
 * the disk, and holds up nobody who writes meanwhile.
 */
export function createCheckpoints({ script, dataFolder, runMaxMs = RUN_MAX_MS }: CheckpointsOptions): Checkpoints {
  let worker: Worker | null = null;
  let jobs = 0;
  let last: Promise<unknown> = Promise.resolve();
  const post = (checkpoint: Extent): Promise<boolean> => {
    worker ??= new Worker(script);
    const running = worker;
    jobs += 1;
    const job = jobs;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, runMaxMs, false);
      timer.unref();
      const done = (isDone: boolean): void => {
        clearTimeout(timer);
        resolve(isDone);
      };
      running.onmessage = ({ data }: MessageEvent<CheckpointDone>) => {
        if (data.job === job) done(data.isDone);
      };
      running.onerror = () => done(false);
      running.postMessage({ checkpoint, dataFolder, job } satisfies CheckpointJob);
    });
  };
  let isClosed = false;
  /** One at a time: the thread does no two at once either. */
  const inTurn = (extent: Extent): Promise<boolean> => {
    const mine = last.then(() => !isClosed && post(extent));
    last = mine;
    return mine;
  };
  return {
    run: () => inTurn("some"),
    empty: () => inTurn("all"),
    close: () => {
      isClosed = true;
      worker?.terminate();
      worker = null;
    },
  };
}

export function isCheckpointJob(job: object): job is CheckpointJob {
  return "checkpoint" in job;
}

/** The far side, on whatever thread it is called; whether it got as far as was asked. */
export function runCheckpoint({ checkpoint, dataFolder }: CheckpointJob): boolean {
  const database = openBeside(dataFolder);
  try {
    const standing = database.query<{ log: number; checkpointed: number }, []>("pragma wal_checkpoint(passive)").get();
    if (checkpoint === "some") return standing !== null && standing.log === standing.checkpointed;
    database.run(`pragma busy_timeout = ${EMPTY_WAIT_MS}`);
    return emptyLog(database);
  } finally {
    database.close(false);
  }
}
