import { Elysia } from "elysia";
import { AppError } from "../../core/error.ts";

/** A burst of probes must not become a burst of commits. */
const PROBE_EVERY_MS = 1_000;

const UNAVAILABLE = new AppError(
  "unavailable",
  "the data folder cannot be written; look at its free space and permissions",
);

export type HealthDeps = {
  /** Whether the last transaction was stored: a nearly full disk takes a small row and no event. */
  isStoring: () => boolean;
  probeWrite: (nowMs: number) => void;
  now: () => number;
  version: string;
  config: () => { hash: string; problem: string | null };
};

/** 200 only when a write would work. */
export function healthRoutes({ isStoring, probeWrite, now, version, config }: HealthDeps) {
  let probedMs = Number.NEGATIVE_INFINITY;
  let canWrite = false;
  return new Elysia({ name: "health" }).get("/health", () => {
    const nowMs = now();
    if (!isStoring()) throw UNAVAILABLE;
    if (!canWrite || Math.abs(nowMs - probedMs) >= PROBE_EVERY_MS) {
      canWrite = false;
      try {
        probeWrite(nowMs);
      } catch {
        throw UNAVAILABLE;
      }
      canWrite = true;
      probedMs = nowMs;
    }
    const { hash, problem } = config();
    return { status: "ok", version, config_hash: hash, ...(problem === null ? {} : { config_problem: problem }) };
  });
}
