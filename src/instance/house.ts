import type { Database } from "bun:sqlite";
import type { IntentConfig } from "../config/intent.ts";
import type { Rules } from "../core/compile.ts";
import type { SignalData } from "../core/signal.ts";
import type { Clock } from "../engine/clock.ts";
import { createEngine } from "../engine/engine.ts";
import { createClickRecorder } from "../features/clicks/recorder.ts";
import { createClickWatch } from "../features/clicks/watch.ts";
import type { TrackerScript } from "../features/tracker/routes.ts";
import { describeFault } from "../http/errors.ts";
import type { Log } from "../http/log.ts";
import type { Metrics } from "../http/metrics.ts";
import { requestFields } from "../http/request-id.ts";
import { signedLinks } from "../http/signed-link.ts";
import { createDeliverer } from "../jobs/deliver.ts";
import { deliveryRows } from "../jobs/deliver-rows.ts";
import { createClickStore } from "../store/sqlite/clicks.ts";
import type { Durability } from "../store/sqlite/database.ts";
import { createDeliveryStore } from "../store/sqlite/delivery.ts";
import { createRankStore } from "../store/sqlite/ranks.ts";
import { createSqliteStore } from "../store/sqlite/store.ts";
import type { InstanceKeys } from "./keys.ts";

export type InstanceOptions = {
  dataFolder: string;
  durability: Durability;
  origins: readonly string[];
  secretKey: string | null;
  config: IntentConfig;
  configHash: string;
  version: string;
  log: Log;
  /** Whether each request has a line in it, and what it causes says which it was. */
  logRequests?: boolean;
  /** Whether lines that were written are not taken. */
  isLogBehind?: () => boolean;
  /** The tracker as it is served. */
  script: TrackerScript;
  clock?: Clock;
  /** What a thread for reports runs. */
  threadScript?: string;
};

export type Settings = { config: IntentConfig; rules: Rules; problem: string | null };

/** What everything else is made of. */
export type Foundations = {
  options: InstanceOptions;
  database: Database;
  checkInPlace: () => void;
  clock: Clock;
  settings: () => Settings;
  keys: InstanceKeys;
  secret: Buffer;
  metrics: Metrics;
  isStopping: () => boolean;
};

/** The engine, and the job that sends what it committed. */
export function createLoop({
  options: { log, logRequests = false },
  database,
  checkInPlace,
  clock,
  settings,
  secret,
  metrics,
}: Foundations) {
  const deliveries = createDeliveryStore(database);
  const deliverer = createDeliverer({
    store: deliveries,
    destinations: () => settings().config.destinations,
    linkTo: () => signedLinks(settings().config.public_url, secret, clock()),
    now: clock,
    log,
  });
  const engine = createEngine({
    store: createSqliteStore(database, checkInPlace),
    clock,
    rules: () => settings().rules,
    insertDeliveries: (crossings, causeOf) => {
      const { config } = settings();
      const { destinations } = config;
      const context = { linkTo: signedLinks(config.public_url, secret, clock()), nowMs: clock() };
      for (const crossing of crossings) {
        const error: Log["error"] = (event, fields) =>
          log.error(event, { ...requestFields(causeOf(crossing.data.signal_id)), ...fields });
        deliveries.insert(deliveryRows(crossing, destinations, context, { error }));
      }
    },
    onSignals: (signals, causeOf) => {
      for (const signal of signals) {
        logSignal(signal, logRequests ? causeOf(signal.signal_id) : null, log);
        metrics.countSignal(signal.threshold.name);
      }
      deliverer.follow();
    },
    onFault: (error, requestId) =>
      log.error("engine_fault", { ...requestFields(requestId), fault: describeFault(error) }),
    onTransaction: metrics.observeTransaction,
  });
  return { engine, deliverer, deliveries, ...createClicks(database, secret, log), ranks: createRankStore(database) };
}

/** What follows campaign links: where it is kept, and what of it shows only over several openings. */
function createClicks(database: Database, secret: Buffer, log: Log) {
  const clickStore = createClickStore(database);
  const onFault = (error: unknown) => log.warn("click_fault", { fault: describeFault(error) });
  return { clickStore, clickRecorder: createClickRecorder(clickStore, onFault), clickWatch: createClickWatch(secret) };
}

/** One line per crossing, whatever the destinations; the person only by id. */
function logSignal(
  { signal_id, person, threshold, score, score_before, reasons }: SignalData,
  requestId: string | null,
  log: Log,
): void {
  log.info("signal", {
    ...requestFields(requestId),
    signal_id,
    person_id: person.person_id,
    threshold: threshold.name,
    score_before: Math.round(score_before),
    score: Math.round(score),
    reasons: reasons.map(({ rule }) => rule).join(","),
  });
}
