import { openBeside } from "./store/sqlite/database.ts";

/** A checkpoint that takes longer is given up on; the next commit makes one itself. */
const RUN_MAX_MS = 30_000;

export type CheckpointJob = { checkpoint: true; dataFolder: string };

export type Checkpoints = {
  /** Resolves when what stood in the log is in the file, or could not be brought there. */
  run(): Promise<void>;
  close(): void;
};

/**
 * Brings the log into the file on a thread and a connection of its own: that takes tens of milliseconds and a wait for
 * the disk, and holds up nobody who writes meanwhile.
 */
export function createCheckpoints({ script, dataFolder }: { script: string; dataFolder: string }): Checkpoints {
  let worker: Worker | null = null;
  return {
    run: () => {
      worker ??= new Worker(script);
      const running = worker;
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, RUN_MAX_MS);
        timer.unref();
        running.onmessage = running.onerror = () => {
          clearTimeout(timer);
          resolve();
        };
        running.postMessage({ checkpoint: true, dataFolder } satisfies CheckpointJob);
      });
    },
    close: () => {
      worker?.terminate();
      worker = null;
    },
  };
}

export function isCheckpointJob(job: object): job is CheckpointJob {
  return "checkpoint" in job;
}

/** The far side, on whatever thread it is called. */
export function runCheckpoint({ dataFolder }: CheckpointJob): void {
  const database = openBeside(dataFolder);
  try {
    database.run("pragma wal_checkpoint(passive)");
  } finally {
    database.close(false);
  }
}
