import type { Measured } from "../../http/metrics.ts";
import type { HouseCounts } from "../../store/sqlite/house-counts.ts";

/** Where the numbers come from that are looked up when somebody asks. */
export type HouseNumbers = {
  counts: () => Promise<HouseCounts>;
  bytes: () => { database: number; wal: number };
  /** Commands that wait for their transaction. */
  backlog: () => number;
  eventLoopLagMs: () => number;
  isStoring: () => boolean;
  liveSockets: () => number;
};

/** Counting goes through whole indexes: a scrape every second must not do so each time. */
const COUNTS_KEPT_MS = 15_000;

/** Keeps the last counts for a while; when counting fails, those from before stand. */
export function keepCounts(count: () => Promise<HouseCounts>, now: () => number): () => Promise<HouseCounts> {
  let kept: Promise<HouseCounts> | null = null;
  let countedMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = now();
    const before = kept;
    if (before !== null && Math.abs(nowMs - countedMs) < COUNTS_KEPT_MS) return before;
    countedMs = nowMs;
    kept = before === null ? count() : count().catch(() => before);
    // A first failure is not kept: the next scrape tries again.
    if (before === null) kept.catch(() => (kept = null));
    return kept;
  };
}

export async function measure(numbers: HouseNumbers): Promise<Measured[]> {
  const { people, knownPeople, deliveries } = await numbers.counts();
  const { database, wal } = numbers.bytes();
  const gauge = (name: string, help: string, value: number): Measured => ({ name, help, values: [{ value }] });
  return [
    gauge("people", "People with a score, visitors not yet known included.", people),
    gauge("known_people", "People with a user id, an e-mail or a phone number.", knownPeople),
    {
      name: "deliveries",
      help: "Deliveries by destination and state.",
      values: deliveries.map(({ destination, state, count }) => ({ value: count, labels: { destination, state } })),
    },
    gauge("database_bytes", "Size of the database file.", database),
    gauge("wal_bytes", "Size of the write-ahead log beside it.", wal),
    gauge("backlog_commands", "Commands that wait for their transaction.", numbers.backlog()),
    gauge("event_loop_lag_seconds", "How late the event loop was at the last look.", numbers.eventLoopLagMs() / 1_000),
    gauge("live_sockets", "Sockets that are open.", numbers.liveSockets()),
    gauge("storing", "1 while transactions can be stored.", numbers.isStoring() ? 1 : 0),
  ];
}
