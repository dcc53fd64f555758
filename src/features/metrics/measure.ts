import type { Measured } from "../../http/metrics.ts";
import type { HouseCounts } from "../../store/sqlite/house-counts.ts";

/** Where the numbers come from that are looked up when somebody asks. */
export type HouseNumbers = {
  counts: () => Promise<HouseCounts | null>;
  bytes: () => { database: number; wal: number };
  /** Commands that wait for their transaction. */
  backlog: () => number;
  eventLoopLagMs: () => number;
  isStoring: () => boolean;
  liveSockets: () => number;
};

/** Counting goes through whole indexes: a scrape every second must not do so each time. */
const COUNTS_KEPT_MS = 15_000;

/** Prometheus gives up after ten seconds unless told otherwise. */
const COUNTS_AWAITED_MS = 3_000;

/**
 * Keeps the last counts for a while. They stand in for those that take long or cannot be made, so that a scrape tells all
 * the rest; null where there are none yet.
 */
export function keepCounts(
  count: () => Promise<HouseCounts>,
  now: () => number,
  awaitedMs = COUNTS_AWAITED_MS,
): () => Promise<HouseCounts | null> {
  let kept: HouseCounts | null = null;
  let countedMs = Number.NEGATIVE_INFINITY;
  let counting: Promise<void> | null = null;
  const recount = async (): Promise<void> => {
    const beganMs = now();
    try {
      kept = await count();
      countedMs = beganMs;
    } catch {
      // Noted where it failed; the next scrape tries again.
    } finally {
      counting = null;
    }
  };
  return async () => {
    if (Math.abs(now() - countedMs) < COUNTS_KEPT_MS) return kept;
    counting ??= recount();
    await withinMs(counting, awaitedMs);
    return kept;
  };
}

async function withinMs(work: Promise<void>, timeMs: number): Promise<void> {
  const { promise: timeIsUp, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeMs);
  await Promise.race([work, timeIsUp]);
  clearTimeout(timer);
}

export async function measure(numbers: HouseNumbers): Promise<Measured[]> {
  const counts = await numbers.counts();
  const { database, wal } = numbers.bytes();
  return [
    ...(counts === null ? [] : countedOf(counts)),
    gauge("database_bytes", "Size of the database file.", database),
    gauge("wal_bytes", "Size of the write-ahead log beside it.", wal),
    gauge("backlog_commands", "Commands that wait for their transaction.", numbers.backlog()),
    gauge("event_loop_lag_seconds", "How late the event loop was at the last look.", numbers.eventLoopLagMs() / 1_000),
    gauge("live_sockets", "Sockets that are open.", numbers.liveSockets()),
    gauge("storing", "1 while transactions can be stored.", numbers.isStoring() ? 1 : 0),
  ];
}

function countedOf({ people, knownPeople, deliveries }: HouseCounts): Measured[] {
  return [
    gauge("people", "People with a score, visitors not yet known included.", people),
    gauge("known_people", "People with a user id, an e-mail or a phone number.", knownPeople),
    {
      name: "deliveries",
      help: "Deliveries by destination and state.",
      values: deliveries.map(({ destination, state, count }) => ({ value: count, labels: { destination, state } })),
    },
  ];
}

function gauge(name: string, help: string, value: number): Measured {
  return { name, help, values: [{ value }] };
}
