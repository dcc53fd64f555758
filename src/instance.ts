import type { Database } from "bun:sqlite";
import { join } from "node:path";
import { type AppDeps, createApp } from "./app.ts";
import { ensureKeys, type InstanceKeys } from "./commands/keys-of-instance.ts";
import type { IntentConfig } from "./config/intent.ts";
import { compileRules, type Rules } from "./core/compile.ts";
import { DAY_MS } from "./core/duration.ts";
import type { SignalData } from "./core/signal.ts";
import type { RenderContext } from "./destinations/interface.ts";
import { type Clock, systemClock } from "./engine/clock.ts";
import { createEngine, type Engine } from "./engine/engine.ts";
import { createClickRecorder } from "./features/clicks/recorder.ts";
import { createClickWatch } from "./features/clicks/watch.ts";
import { createAddressLimit } from "./features/magnets/address-limit.ts";
import { keepCounts } from "./features/metrics/measure.ts";
import type { TrackerScript } from "./features/tracker/routes.ts";
import { describeFault } from "./http/errors.ts";
import { createKeys } from "./http/keys.ts";
import type { Log } from "./http/log.ts";
import { createMetrics, type Metrics } from "./http/metrics.ts";
import { signPath } from "./http/signed-link.ts";
import { createDeliverer } from "./jobs/deliver.ts";
import { deliveryRows } from "./jobs/deliver-rows.ts";
import { createRefresher } from "./jobs/refresh.ts";
import { createClickSettler } from "./jobs/settle-clicks.ts";
import { createReports, type Reports } from "./reports.ts";
import { createAuditStore } from "./store/sqlite/audit.ts";
import { createClickStore } from "./store/sqlite/clicks.ts";
import { type Durability, openDatabase } from "./store/sqlite/database.ts";
import { createDeliveryStore } from "./store/sqlite/delivery.ts";
import { createWriteProbe } from "./store/sqlite/health.ts";
import { createSizeReader } from "./store/sqlite/house-counts.ts";
import { ensureInstanceSecret } from "./store/sqlite/instance-secret.ts";
import { createKeyStore, type KeyStore } from "./store/sqlite/keys.ts";
import { createPersonalizeReader } from "./store/sqlite/personalize.ts";
import { createRankStore } from "./store/sqlite/ranks.ts";
import { createReaders } from "./store/sqlite/readers.ts";
import { createSqliteStore } from "./store/sqlite/store.ts";

/** So long a message in a chat stays worth following. */
const LINK_LIFE_MS = 30 * DAY_MS;

export type InstanceOptions = {
  dataFolder: string;
  durability: Durability;
  origins: readonly string[];
  secretKey: string | null;
  config: IntentConfig;
  configHash: string;
  version: string;
  log: Log;
  /** The tracker as it is served. */
  script: TrackerScript;
  clock?: Clock;
  /** What a thread for reports runs. */
  reportScript?: string;
};

export type Instance = {
  app: ReturnType<typeof createApp>;
  engine: Engine;
  keys: InstanceKeys;
  /** Takes another config over for everything that comes from now on. */
  configure(config: IntentConfig, hash: string): void;
  /** Says that the file in place is broken while the last good config stays in force; null when it is mended. */
  setConfigProblem(problem: string | null): void;
  /** From now on it is not ready for more. */
  retire(): void;
  /** Waits for what is in flight and leaves one clean file behind. */
  close(): Promise<void>;
};

type Settings = { config: IntentConfig; rules: Rules; problem: string | null };

/** One data folder with everything that serves it, but for the socket. */
export function createInstance(options: InstanceOptions): Instance {
  const { log, clock = systemClock } = options;
  const { database, checkInPlace, backup, close } = openDatabase(options.dataFolder, options.durability);
  if (backup !== null) log.info("migrated", { backup });
  const secret = ensureInstanceSecret(database, clock());
  const keyStore = createKeyStore(database);
  const keys = ensureKeys(keyStore, options.secretKey, clock());
  let settings: Settings = settingsOf(options.config, options.configHash);
  let isStopping = false;
  const common = {
    options,
    database,
    checkInPlace,
    clock,
    settings: () => settings,
    keyStore,
    keys,
    secret,
    metrics: createMetrics(),
    isStopping: () => isStopping,
  };
  const loop = createLoop(common);
  const refresher = createRefresher({
    ranks: loop.ranks,
    rules: () => settings.rules,
    now: clock,
    onFault: (error) => log.warn("refresh_fault", { fault: describeFault(error) }),
  });
  const settler = createClickSettler({
    clicks: loop.clickStore,
    now: clock,
    onFault: (error) => log.warn("settle_fault", { fault: describeFault(error) }),
  });
  const reports = reportsOf(options, () => settings);
  const app = createApp(depsOf({ ...common, ...loop, reports }));
  // What an earlier run left to send.
  loop.deliverer.wake();
  refresher.start();
  settler.start();
  return {
    app,
    engine: loop.engine,
    keys,
    retire: () => {
      isStopping = true;
    },
    configure: (config, hash) => {
      settings = settingsOf(config, hash);
      refresher.start();
      loop.deliverer.wake();
    },
    setConfigProblem: (problem) => {
      settings = { ...settings, problem };
    },
    close: async () => {
      refresher.stop();
      settler.stop();
      loop.clickRecorder.flush();
      reports.close();
      await loop.engine.drain();
      await loop.deliverer.stop();
      close();
    },
  };
}

type Common = {
  options: InstanceOptions;
  database: Database;
  checkInPlace: () => void;
  clock: Clock;
  settings: () => Settings;
  keyStore: KeyStore;
  keys: InstanceKeys;
  secret: Buffer;
  metrics: Metrics;
  isStopping: () => boolean;
};

/** Links in messages let whoever holds one read that one page, for a while. */
function linksOf({ public_url: publicUrl }: IntentConfig, secret: Buffer, nowMs: number): RenderContext["linkTo"] {
  if (publicUrl === undefined) return null;
  return (path) => publicUrl + signPath(secret, path, nowMs + LINK_LIFE_MS);
}

/** The engine, and the job that sends what it committed. */
function createLoop({ options: { log }, database, checkInPlace, clock, settings, secret, metrics }: Common) {
  const deliveries = createDeliveryStore(database);
  const deliverer = createDeliverer({
    store: deliveries,
    destinations: () => settings().config.destinations,
    linkTo: () => linksOf(settings().config, secret, clock()),
    now: clock,
    log,
  });
  const engine = createEngine({
    store: createSqliteStore(database, checkInPlace),
    clock,
    rules: () => settings().rules,
    insertDeliveries: (crossings) => {
      const { config } = settings();
      const { destinations } = config;
      const context = { linkTo: linksOf(config, secret, clock()), nowMs: clock() };
      for (const crossing of crossings) deliveries.insert(deliveryRows(crossing, destinations, context, log));
    },
    onSignals: (signals) => {
      for (const signal of signals) {
        logSignal(signal, log);
        metrics.countSignal(signal.threshold.name);
      }
      deliverer.wake();
    },
    onFault: (error) => log.error("engine_fault", { fault: describeFault(error) }),
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

/** What the routes need of the house. */
function depsOf({
  options,
  database,
  checkInPlace,
  clock,
  settings,
  keyStore,
  keys,
  secret,
  metrics,
  isStopping,
  engine,
  deliverer,
  deliveries,
  clickStore,
  clickRecorder,
  clickWatch,
  ranks,
  reports,
}: Common & ReturnType<typeof createLoop> & { reports: Reports }): AppDeps {
  return {
    engine,
    secret,
    keys: createKeys({ read: keys.active, noteUse: keyStore.noteUse }, clock),
    keyStore,
    audit: createAuditStore(database),
    ingest: () => settings().config.ingest,
    visit: () => settings().config.privacy,
    metrics,
    numbers: {
      counts: keepCounts(reports.countHouse, clock),
      bytes: createSizeReader(options.dataFolder),
      backlog: engine.backlog,
      isStoring: () => engine.storageProblem() === null,
    },
    rules: () => settings().rules,
    now: clock,
    clickStore,
    clickRecorder,
    clickWatch,
    ranks,
    ...createReaders(database),
    visitors: createPersonalizeReader(database),
    personalize: () => settings().config.personalize,
    honour: () => settings().config.tracker.honour,
    ...magnetDepsOf(options, settings, keys),
    ...reports,
    deliveries,
    destinations: () => settings().config.destinations,
    sender: deliverer,
    log: options.log,
    origins: options.origins,
    script: options.script,
    health: {
      storageProblem: engine.storageProblem,
      backlog: engine.backlog,
      isStopping,
      probeWrite: createWriteProbe(database, checkInPlace),
      now: clock,
      version: options.version,
      config: () => ({ hash: settings().rules.hash, problem: settings().problem }),
    },
  };
}

/** What lead magnets need of the config and the tracker. */
function magnetDepsOf({ dataFolder, script }: InstanceOptions, settings: () => Settings, keys: InstanceKeys) {
  const [served] = script.files;
  const pageContext = { script: served === undefined ? null : { path: served.path, writeKey: keys.writeKey } };
  return {
    magnets: () => settings().config.magnets,
    magnetsFolder: () => settings().config.magnets_folder ?? join(dataFolder, "magnets"),
    addressLimit: createAddressLimit(),
    pageContext: () => pageContext,
  };
}

function reportsOf({ reportScript, dataFolder, log, clock = systemClock }: InstanceOptions, settings: () => Settings) {
  return createReports({
    script: reportScript ?? Bun.main,
    context: () => {
      const { config, rules } = settings();
      return { dataFolder, config, configHash: rules.hash, nowMs: clock() };
    },
    onFault: (fault) => log.error("report_fault", { fault }),
  });
}

function settingsOf(config: IntentConfig, hash: string): Settings {
  return { config, rules: compileRules(config, hash), problem: null };
}

/** One line per crossing, whatever the destinations; the person only by id. */
function logSignal({ signal_id, person, threshold, score, score_before, reasons }: SignalData, log: Log): void {
  log.info("signal", {
    signal_id,
    person_id: person.person_id,
    threshold: threshold.name,
    score_before: Math.round(score_before),
    score: Math.round(score),
    reasons: reasons.map(({ rule }) => rule).join(","),
  });
}
