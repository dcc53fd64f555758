import type { Database } from "bun:sqlite";

export type PauseReason = "manual" | "gone" | "failing";

/** How a destination fares, as a restart must still know it. */
export type DestinationHealth = {
  pausedMs: number | null;
  pauseReason: PauseReason | null;
  failingSinceMs: number | null;
  /** The last failure. */
  failedMs: number | null;
  /** It asked to hear nothing until then. */
  quietUntilMs: number | null;
};

export const HEALTHY: DestinationHealth = {
  pausedMs: null,
  pauseReason: null,
  failingSinceMs: null,
  failedMs: null,
  quietUntilMs: null,
};

export function createHealth(database: Database) {
  const select = database.query<DestinationHealth, [string]>(
    `select paused_at as pausedMs, pause_reason as pauseReason, failing_since as failingSinceMs,
     failed_at as failedMs, quiet_until as quietUntilMs from destination where name = ?`,
  );
  const upsert = database.query<
    unknown,
    [string, number | null, PauseReason | null, number | null, number | null, number | null]
  >(
    `insert into destination (name, paused_at, pause_reason, failing_since, failed_at, quiet_until)
     values (?, ?, ?, ?, ?, ?)
     on conflict (name) do update set paused_at = excluded.paused_at, pause_reason = excluded.pause_reason,
     failing_since = excluded.failing_since, failed_at = excluded.failed_at, quiet_until = excluded.quiet_until`,
  );
  return {
    health: (name: string): DestinationHealth => select.get(name) ?? HEALTHY,
    setHealth: (name: string, health: DestinationHealth): void => {
      const { pausedMs, pauseReason, failingSinceMs, failedMs, quietUntilMs } = health;
      upsert.run(name, pausedMs, pauseReason, failingSinceMs, failedMs, quietUntilMs);
    },
  };
}
