import { Elysia } from "elysia";
import { AppError } from "../../core/error.ts";

/** A burst of probes must not become a burst of commits. */
const PROBE_EVERY_MS = 1_000;

export type HealthDeps = {
  probeWrite: (nowMs: number) => void;
  now: () => number;
  version: string;
  config: () => { hash: string; problem: string | null };
};

/** 200 only when a write would work. */
export function healthRoutes({ probeWrite, now, version, config }: HealthDeps) {
  let probedMs = Number.NEGATIVE_INFINITY;
  let canWrite = false;
  return new Elysia({ name: "health" }).get("/health", () => {
    const nowMs = now();
    if (!canWrite || Math.abs(nowMs - probedMs) >= PROBE_EVERY_MS) {
      canWrite = false;
      try {
        probeWrite(nowMs);
      } catch {
        throw new AppError("unavailable", "the data folder cannot be written; look at its free space and permissions");
      }
      canWrite = true;
      probedMs = nowMs;
    }
    const { hash, problem } = config();
    return { status: "ok", version, config_hash: hash, ...(problem === null ? {} : { config_problem: problem }) };
  });
}
