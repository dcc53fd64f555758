import { Elysia } from "elysia";
import { AppError } from "../../core/error.ts";
import { storageRefusal } from "../../core/storage-fault.ts";
import { documented } from "../../http/document.ts";
import { type Keys, mayRead } from "../../http/keys.ts";

/** A burst of probes must not become a burst of commits. */
const PROBE_EVERY_MS = 1_000;

const UNAVAILABLE = new AppError(
  "unavailable",
  "the data folder cannot be written; look at its free space and permissions",
);

/** What is wrong names paths and settings, which are nobody's but the operator's. */
const UNTOLD = "the config file does not hold; who asks with a key that may read is told why";

export type HealthDeps = {
  keys: Pick<Keys, "find">;
  /** Why the last transaction was not stored: a nearly full disk takes a small row and no event. */
  storageProblem: () => AppError | null;
  probeWrite: (nowMs: number) => void;
  isOverloaded: () => boolean;
  /** True from the word to stop on. */
  isStopping: () => boolean;
  now: () => number;
  version: string;
  config: () => { hash: string; problem: string | null };
};

/** /health is 200 only when a write would work; /ready only when more requests should come here. */
export function healthRoutes(deps: HealthDeps) {
  const { keys, storageProblem, probeWrite, now, version, config } = deps;
  let probedMs = Number.NEGATIVE_INFINITY;
  let canWrite = false;
  return new Elysia({ name: "health" })
    .get(
      "/ready",
      () => readiness(deps),
      documented({
        topic: "Running it",
        summary: "200 only when more requests should come here",
        access: "public",
        answer: { description: "ready; 503 while it stops, cannot store, or has more than it can take" },
      }),
    )
    .get(
      "/health",
      ({ request: { headers } }) => {
        const nowMs = now();
        const problem = storageProblem();
        if (problem !== null) throw problem;
        if (!canWrite || Math.abs(nowMs - probedMs) >= PROBE_EVERY_MS) {
          canWrite = false;
          try {
            probeWrite(nowMs);
          } catch (error) {
            throw storageRefusal(error) ?? UNAVAILABLE;
          }
          canWrite = true;
          probedMs = nowMs;
        }
        const { hash, problem: configProblem } = config();
        return {
          status: "ok",
          version,
          config_hash: hash,
          ...(configProblem === null ? {} : { config_problem: isTold(headers, keys) ? configProblem : UNTOLD }),
        };
      },
      documented({
        topic: "Running it",
        summary: "200 only when a write would work",
        access: "public",
        answer: { description: "version and config_hash; with a key that may read also why the config does not hold" },
      }),
    );
}

function isTold(headers: Headers, keys: Pick<Keys, "find">): boolean {
  return mayRead(keys.find(headers));
}

/** Looks only at what is known: a balancer asks every second. */
function readiness({ storageProblem, isOverloaded, isStopping }: HealthDeps): { status: "ready" } {
  if (isStopping()) throw new AppError("unavailable", "the server is stopping; ask another one, or again in a moment");
  const problem = storageProblem();
  if (problem !== null) throw problem;
  if (isOverloaded()) throw new AppError("unavailable", "more comes in than can be stored; send fewer for a moment");
  return { status: "ready" };
}
