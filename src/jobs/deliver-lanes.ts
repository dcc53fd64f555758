import { formatId } from "../core/id.ts";
import type { DestinationConfig } from "../destinations/config.ts";
import type { DeliveryMark, DeliveryStore } from "../store/sqlite/delivery.ts";
import type { DestinationHealth } from "../store/sqlite/destination.ts";
import { attemptAll, type Post } from "./deliver-attempt.ts";
import { createLane, type Lane } from "./deliver-lane.ts";
import type { DeliveryLog } from "./deliver-marks.ts";

/** After a destination could not be served. */
const FAULT_WAIT_MS = 1_000;

type LanesOptions = {
  store: DeliveryStore;
  /** The same array as long as the config is the same. */
  destinations: () => readonly DestinationConfig[];
  now: () => number;
  log: DeliveryLog;
  random?: () => number;
  post: Post;
  abort: AbortSignal;
  record: (mark: DeliveryMark, health: DestinationHealth | null) => void;
};

/** The queues of all destinations, and which of them a round has to look at. */
export function createLanes({
  store,
  destinations,
  now,
  log,
  random = Math.random,
  post,
  abort,
  record,
}: LanesOptions) {
  const lanes = new Map<string, Lane>();
  const wakeMs = new Map<string, number | null>();
  let touched: "all" | Set<string> = "all";
  let ask = (): void => undefined;
  let reportedFor: readonly DestinationConfig[] | null = null;

  const touch = (name?: string): void => {
    if (name === undefined) touched = "all";
    else if (touched !== "all") touched.add(name);
    ask();
  };

  const laneOf = (name: string): Lane => {
    const known = lanes.get(name);
    if (known !== undefined) return known;
    const lane = createLane(name, {
      store,
      now,
      random,
      attempt: (config, deliveries) => {
        const nowMs = now();
        const parcels = deliveries.map(({ deliveryId, body }) => ({
          deliveryId: formatId("delivery", deliveryId),
          body,
          nowMs,
        }));
        return attemptAll(config, parcels, post, abort);
      },
      record,
      onChange: () => touch(name),
      onFault: (error) => log.warn("delivery_not_noted", { destination: name, reason: reasonOf(error) }),
    });
    lanes.set(name, lane);
    return lane;
  };

  /** One destination that cannot be served must not keep the others from it. */
  const pumpLane = (config: DestinationConfig): number | null => {
    const { name } = config;
    try {
      return laneOf(name).pump(config);
    } catch (error) {
      log.warn("delivery_not_read", { destination: name, reason: reasonOf(error) });
      return now() + FAULT_WAIT_MS;
    }
  };

  return {
    /** Whom to tell that there is something to look at. */
    onChange: (told: () => void): void => {
      ask = told;
    },
    /** Something new may wait. */
    follow: (): void => touch(),
    /** Anything may be due, not only what is new. */
    wake: (): void => {
      for (const lane of lanes.values()) lane.rewind();
      touch();
    },
    pump: (): number | null => {
      const configs = destinations();
      const looked = touched;
      const nowMs = now();
      touched = new Set();
      if (configs !== reportedFor) reportMissing(configs, store, log);
      reportedFor = configs;
      let nextMs = Number.POSITIVE_INFINITY;
      for (const config of configs) {
        const { name } = config;
        const isDue = (wakeMs.get(name) ?? Number.POSITIVE_INFINITY) <= nowMs;
        if (looked === "all" || looked.has(name) || isDue) wakeMs.set(name, pumpLane(config));
        nextMs = Math.min(nextMs, wakeMs.get(name) ?? Number.POSITIVE_INFINITY);
      }
      return nextMs === Number.POSITIVE_INFINITY ? null : nextMs;
    },
    release: (marks: readonly DeliveryMark[]): void => {
      for (const { destination, deliveryId } of marks) lanes.get(destination)?.release(deliveryId);
      for (const destination of new Set(marks.map((mark) => mark.destination))) {
        lanes.get(destination)?.rewind();
        touch(destination);
      }
    },
    refresh: (name: string): void => {
      lanes.get(name)?.refresh();
      touch(name);
    },
    underWay: (): number => [...lanes.values()].reduce((sum, lane) => sum + lane.underWay(), 0),
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown";
}

function reportMissing(configs: readonly DestinationConfig[], store: DeliveryStore, log: DeliveryLog): void {
  for (const { destination, state, count } of store.counts()) {
    if (state !== "pending" || configs.some(({ name }) => name === destination)) continue;
    log.warn("destination_not_configured", { destination, waiting: count });
  }
}
