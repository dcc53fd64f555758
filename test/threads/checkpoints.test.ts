import { expect, test } from "bun:test";
import { createCheckpoints } from "../../src/threads/checkpoints.ts";

/** A thread that is so slow with the first job that it answers it when it is given the second. */
const LATE_THREAD = `
  let first = null;
  self.onmessage = ({ data: { job, checkpoint } }) => {
    if (first === null) first = job;
    else {
      postMessage({ job: first, isDone: true });
      postMessage({ job, isDone: checkpoint === "some" });
    }
  };
`;

test("an answer that comes after its job was given up on says nothing of the next: the log that stands is not cut", async () => {
  const script = URL.createObjectURL(new Blob([LATE_THREAD], { type: "application/javascript" }));
  const checkpoints = createCheckpoints({ script, dataFolder: "/nowhere", runMaxMs: 500 });
  try {
    // Given up on.
    expect(await checkpoints.run()).toBe(false);
    expect(await checkpoints.empty()).toBe(false);
    expect(await checkpoints.run()).toBe(true);
  } finally {
    checkpoints.close();
    URL.revokeObjectURL(script);
  }
});
