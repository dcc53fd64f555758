import type { Database } from "bun:sqlite";

export type PauseReason = "manual" | "gone" | "failing";

/** How a destination fares, as a restart must still know it. */
export type DestinationHealth = {
  pausedMs: number | null;
  pauseReason: PauseReason | null;
  failingSinceMs: number | null;
  /** It asked to hear nothing until then. */
  quietUntilMs: number | null;
};

export const HEALTHY: DestinationHealth = {
  pausedMs: null,
  pauseReason: null,
  failingSinceMs: null,
  quietUntilMs: null,
};

export function createHealth(database: Database) {
  const select = database.query<DestinationHealth, [string]>(
    `select paused_at as pausedMs, pause_reason as pauseReason, failing_since as failingSinceMs,
     quiet_until as quietUntilMs from destination where name = ?`,
  );
  const upsert = database.query<unknown, [string, number | null, PauseReason | null, number | null, number | null]>(
    `insert into destination (name, paused_at, pause_reason, failing_since, quiet_until) values (?, ?, ?, ?, ?)
     on conflict (name) do update set paused_at = excluded.paused_at, pause_reason = excluded.pause_reason,
     failing_since = excluded.failing_since, quiet_until = excluded.quiet_until`,
  );
  return {
    health: (name: string): DestinationHealth => select.get(name) ?? HEALTHY,
    setHealth: (name: string, { pausedMs, pauseReason, failingSinceMs, quietUntilMs }: DestinationHealth): void => {
      upsert.run(name, pausedMs, pauseReason, failingSinceMs, quietUntilMs);
    },
  };
}
