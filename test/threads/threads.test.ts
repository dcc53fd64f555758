import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createThreads } from "../../src/threads/threads.ts";
import { temporaryFolder } from "../support/folder.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

/** Answers who it is; says nothing when told to, or ends. */
const script = join(folder.path, "thread.ts");
writeFileSync(
  script,
  `const me = crypto.randomUUID();
   addEventListener("message", ({ data }) => {
     if (data === "answer") postMessage({ me });
     if (data === "slowly") setTimeout(() => postMessage({ me }), 50);
     if (data === "end") process.exit(0);
   });`,
);

type Job = "answer" | "slowly" | "say nothing" | "end";
type Said = { me: string };

const open = () => {
  const threads = createThreads<Job, Said>(script);
  const ask = (job: Job, timeMaxMs = 10_000) => threads.run(job, { timeMaxMs, handOver: [] });
  return { ask, [Symbol.dispose]: threads.close };
};

test("jobs one after another are done by one thread, those at once by several", async () => {
  using threads = open();
  const names = new Set<string>();
  for (let job = 0; job < 20; job += 1) names.add(((await threads.ask("answer")) as Said).me);
  expect(names.size).toBe(1);
  const both = await Promise.all([threads.ask("slowly"), threads.ask("slowly")]);
  expect(new Set(both.map((said) => (said as Said).me)).size).toBe(2);
  expect(names).toContain((both[0] as Said).me);
});

test("one that does not answer in time or ends is a fault, and the next job has another thread", async () => {
  using threads = open();
  const { me } = (await threads.ask("answer")) as Said;
  expect(await threads.ask("say nothing", 20)).toEqual({ fault: "no answer within 20 ms" });
  const next = (await threads.ask("answer")) as Said;
  expect(next.me).not.toBe(me);
  expect(await threads.ask("end")).toEqual({ fault: expect.stringContaining("thread") });
  expect(await threads.ask("answer")).toEqual({ me: expect.any(String) });
});
