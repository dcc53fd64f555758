import { type CheckpointDone, type CheckpointJob, isCheckpointJob, runCheckpoint } from "./checkpoints.ts";
import { refusedBy } from "./refused.ts";
import { type Outcome, type ReportJob, runReport } from "./reports.ts";
import { createStreamer } from "./streamer.ts";
import { isStreamCall, type StreamCall } from "./streams.ts";

/** The far side of reports.ts, streams.ts and checkpoints.ts, on a thread of its own. */
if (!Bun.isMainThread) {
  const stream = createStreamer((said, handOver) => postMessage(said, handOver));
  globalThis.addEventListener("message", ({ data }: MessageEvent<ReportJob | CheckpointJob | StreamCall>) => {
    if (isStreamCall(data)) stream(data);
    else if (isCheckpointJob(data)) postMessage(checkpointed(data));
    else void outcomeOf(data).then((outcome) => postMessage(outcome));
  });
}

/** Nobody minds that it failed: the log only stays longer. */
function checkpointed(job: CheckpointJob): CheckpointDone {
  try {
    return { job: job.job, isDone: runCheckpoint(job) };
  } catch {
    return { job: job.job, isDone: false };
  }
}

async function outcomeOf(job: ReportJob): Promise<Outcome> {
  try {
    return { answer: await runReport(job) };
  } catch (error) {
    return refusedBy(error);
  }
}
