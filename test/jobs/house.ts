import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Delivery } from "../../src/core/delivery.ts";
import { formatId } from "../../src/core/id.ts";
import type { SignalData } from "../../src/core/signal.ts";
import type { DestinationConfig } from "../../src/destinations/config.ts";
import { renderDeliveries } from "../../src/destinations/render.ts";
import { createDeliverer, type Deliverer, type DelivererOptions } from "../../src/jobs/deliver.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { createDeliveryStore, type DeliveryStore } from "../../src/store/sqlite/delivery.ts";
import { NOON_MS, sampleSignal } from "../destinations/sample.ts";

/** A deliverer on a real file, with a clock and a timer that the test turns by hand. */
export type House = {
  store: DeliveryStore;
  deliverer: Deliverer;
  logged: string[];
  printed: string[];
  clock: { nowMs: number };
  configs: DestinationConfig[];
  /** Commits signals as the engine does, and wakes the deliverer. */
  signal(...signals: { signalId: number; personId: number; data?: Partial<SignalData> }[]): void;
  /** Turns the clock to the next time something is due, and waits until all of it is done; false when nothing is. */
  advance(untilMs?: number): Promise<boolean>;
  /** Takes somebody's deliveries away, as an erasure does. */
  erase(personId: number): void;
  deliveries(): Delivery[];
  /** As after a kill: a new deliverer on the same file, the old one forgotten in the middle of what it did. */
  restart(options?: Partial<DelivererOptions>): void;
  [Symbol.asyncDispose](): Promise<void>;
};

export function openHouse(configs: DestinationConfig[], options: Partial<DelivererOptions> = {}): House {
  const folder = mkdtempSync(join(tmpdir(), "do-intent-"));
  const { database, close } = openDatabase(folder, "normal");
  const store = createDeliveryStore(database);
  const clock = { nowMs: NOON_MS };
  const logged: string[] = [];
  const printed: string[] = [];
  let next: { run: () => void; atMs: number } | null = null;
  const log = (event: string): void => void logged.push(event);
  const build = (changes: Partial<DelivererOptions> = {}): Deliverer => {
    let isCurrent = true;
    retire = () => {
      isCurrent = false;
      next = null;
    };
    const alive = <Result>(work: () => Result, otherwise: Result): Result => (isCurrent ? work() : otherwise);
    return createDeliverer({
      store: { ...store, mark: ((marks) => alive(() => store.mark(marks), undefined)) as DeliveryStore["mark"] },
      destinations: () => house.configs,
      now: () => clock.nowMs,
      log: { info: log, warn: log },
      random: () => 0.5,
      timer: (run, delayMs) => {
        const mine = { run, atMs: clock.nowMs + delayMs };
        if (isCurrent) next = mine;
        return () => {
          if (next === mine) next = null;
        };
      },
      ...options,
      ...changes,
      post: { print: (line) => void printed.push(line), environment: {}, ...options.post, ...changes.post },
    });
  };
  let retire = (): void => undefined;
  const house: House = {
    store,
    deliverer: undefined as never,
    logged,
    printed,
    clock,
    configs,
    signal: (...signals) => {
      database.transaction(() => {
        for (const { signalId, personId, data } of signals) {
          const signal = sampleSignal({ signal_id: formatId("signal", signalId), ...data });
          const rendered = renderDeliveries(signal, house.configs, { linkTo: null, nowMs: clock.nowMs });
          store.insert(rendered.map((row) => ({ signalId, personId, ...row, createdMs: clock.nowMs })));
        }
      })();
      house.deliverer.follow();
    },
    advance: async (untilMs = Number.POSITIVE_INFINITY) => {
      await house.deliverer.settled();
      if (next === null || next.atMs > untilMs) return false;
      const { run, atMs } = next;
      next = null;
      clock.nowMs = Math.max(clock.nowMs, atMs);
      run();
      await house.deliverer.settled();
      return true;
    },
    erase: (personId) => void database.run("delete from delivery where person_id = ?", [personId]),
    deliveries: () => store.page(null, Number.MAX_SAFE_INTEGER, 1_000_000).deliveries.reverse(),
    restart: (changes) => {
      retire();
      house.deliverer = build(changes);
      house.deliverer.wake();
    },
    [Symbol.asyncDispose]: async () => {
      await house.deliverer.stop();
      close();
      rmSync(folder, { recursive: true });
    },
  };
  house.deliverer = build();
  return house;
}
