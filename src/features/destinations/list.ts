import type { DeliveryStore } from "../../store/sqlite/delivery.ts";
import type { PauseReason } from "../../store/sqlite/destination.ts";

export type DestinationAnswer = {
  name: string;
  /** Null when it is not in intent.json any more. */
  type: string | null;
  paused_at: string | null;
  pause_reason: PauseReason | null;
  failing_since: string | null;
  pending: number;
  dead: number;
};

/** Those configured, and those that are not any more and have something waiting or dead. */
export function describeDestinations(
  configs: readonly { name: string; type: string }[],
  deliveries: Pick<DeliveryStore, "counts" | "health">,
): DestinationAnswer[] {
  const counts = deliveries.counts();
  const types = new Map<string, string | null>(configs.map(({ name, type }) => [name, type]));
  for (const { destination } of counts) if (!types.has(destination)) types.set(destination, null);
  return [...types].map(([name, type]) => {
    const { pausedMs, pauseReason, failingSinceMs } = deliveries.health(name);
    const countOf = (state: string): number =>
      counts.find((row) => row.destination === name && row.state === state)?.count ?? 0;
    return {
      name,
      type,
      paused_at: pausedMs === null ? null : new Date(pausedMs).toISOString(),
      pause_reason: pauseReason,
      failing_since: failingSinceMs === null ? null : new Date(failingSinceMs).toISOString(),
      pending: countOf("pending"),
      dead: countOf("dead"),
    };
  });
}
