import { formatId } from "../core/id.ts";
import type { DeliveryMark, DeliveryStore } from "../store/sqlite/delivery.ts";
import type { DestinationHealth } from "../store/sqlite/destination.ts";

/** Results gather so long before they are stored: a commit holds up the loop, and a thousand of them a second would. */
const WINDOW_MS = 20;
/** After the store failed. */
const FAULT_WAIT_MS = 1_000;

type LogFields = { readonly [field: string]: string | number | boolean | null };

export type DeliveryLog = {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
};

export type MarkBook = {
  record(mark: DeliveryMark, health: DestinationHealth | null): void;
  /** Stores what has gathered. */
  flush(): void;
  isEmpty(): boolean;
  /** What comes afterwards is forgotten: the store may be closed. */
  close(): void;
};

/** What became of attempts, on its way into the store and the log. */
export function createMarkBook(
  store: Pick<DeliveryStore, "mark" | "setHealth">,
  log: DeliveryLog,
  onStored: (marks: readonly DeliveryMark[]) => void,
): MarkBook {
  let marks: DeliveryMark[] = [];
  const changedHealth = new Map<string, DestinationHealth>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let isClosed = false;
  const reported = new Map<string, string>();

  /** When it failed last and how long it wants to hear nothing change often, and are not told. */
  const report = (destination: string, health: DestinationHealth): void => {
    const { failingSinceMs, pausedMs, pauseReason } = health;
    const told = JSON.stringify([failingSinceMs, pausedMs, pauseReason]);
    if (reported.get(destination) !== told) reportHealth(destination, health, log);
    reported.set(destination, told);
  };

  const flush = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (isClosed || marks.length === 0) return;
    const batch = marks;
    try {
      store.mark(batch);
      for (const [name, health] of changedHealth) store.setHealth(name, health);
    } catch (error) {
      // They stay held, so nothing is sent twice while the disk is full.
      log.warn("delivery_not_stored", { reason: error instanceof Error ? error.message : "unknown" });
      timer = setTimeout(flush, FAULT_WAIT_MS);
      return;
    }
    marks = [];
    changedHealth.clear();
    onStored(batch);
  };

  return {
    record: (mark, health) => {
      marks.push(mark);
      timer ??= setTimeout(flush, WINDOW_MS);
      if (health !== null) {
        changedHealth.set(mark.destination, health);
        report(mark.destination, health);
      }
      if (mark.state === "dead") {
        const { destination, status } = mark;
        log.warn("delivery_dead", { destination, delivery_id: formatId("delivery", mark.deliveryId), status });
      }
    },
    flush,
    isEmpty: () => marks.length === 0,
    close: () => {
      isClosed = true;
    },
  };
}

function reportHealth(destination: string, health: DestinationHealth, log: DeliveryLog): void {
  if (health.pausedMs !== null) log.warn("destination_paused", { destination, reason: health.pauseReason });
  else if (health.failingSinceMs !== null) log.warn("destination_failing", { destination });
  else log.info("destination_recovered", { destination });
}
