import { AppError } from "../core/error.ts";
import { storageRefusal } from "../core/storage-fault.ts";
import { describeFault } from "../http/errors.ts";
import { type CheckpointJob, isCheckpointJob, runCheckpoint } from "./checkpoints.ts";
import { type Outcome, type ReportJob, runReport } from "./reports.ts";

/** The far side of reports.ts: one job, one answer, on a thread of its own. */
if (!Bun.isMainThread) {
  globalThis.addEventListener("message", ({ data }: MessageEvent<ReportJob | CheckpointJob>) => {
    postMessage(isCheckpointJob(data) ? checkpointed(data) : outcomeOf(data));
  });
}

/** Nobody minds that it failed: the log only stays longer. */
function checkpointed(job: CheckpointJob): boolean {
  try {
    return runCheckpoint(job);
  } catch {
    return false;
  }
}

function outcomeOf(job: ReportJob): Outcome {
  try {
    return { answer: runReport(job) };
  } catch (error) {
    const known = error instanceof AppError ? error : storageRefusal(error);
    if (known === null) return { fault: describeFault(error) };
    const { code, message, field } = known;
    const refused = { code, message, field };
    return known === error ? { refused } : { refused, fault: describeFault(error) };
  }
}
