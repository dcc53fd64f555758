import { createApp } from "../app.ts";
import type { IntentConfig } from "../config/intent.ts";
import { magnetsFolderOf } from "../config/magnets.ts";
import { compileRules } from "../core/compile.ts";
import { systemClock } from "../engine/clock.ts";
import type { Engine } from "../engine/engine.ts";
import { createLiveSockets } from "../features/live/sockets.ts";
import { withoutFile } from "../features/magnets/file.ts";
import { describeFault } from "../http/errors.ts";
import { createMetrics } from "../http/metrics.ts";
import { createRefresher } from "../jobs/refresh.ts";
import { createClickSettler } from "../jobs/settle-clicks.ts";
import { openDatabase } from "../store/sqlite/database.ts";
import { ensureInstanceSecret } from "../store/sqlite/instance-secret.ts";
import { createKeyStore } from "../store/sqlite/keys.ts";
import { createReports } from "../threads/reports.ts";
import { depsOf } from "./deps.ts";
import { createLoop, type Foundations, type InstanceOptions, type Settings } from "./house.ts";
import { ensureKeys, type InstanceKeys } from "./keys.ts";
import { createPrivacy } from "./privacy.ts";
import { createTrust } from "./trust.ts";

export type Instance = {
  app: ReturnType<typeof createApp>;
  engine: Engine;
  keys: InstanceKeys;
  /** Takes another config over for everything that comes from now on. */
  configure(config: IntentConfig, hash: string): void;
  /** Says that the file in place is broken while the last good config stays in force; null when it is mended. */
  setConfigProblem(problem: string | null): void;
  /** From now on it is not ready for more; resolves when what came over sockets is answered and they are closed. */
  retire(): Promise<void>;
  /** Waits for what is in flight and leaves one clean file behind. */
  close(): Promise<void>;
};

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
  const common: Foundations = {
    options,
    database,
    checkInPlace,
    clock,
    settings: () => settings,
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
  const trust = createTrust({
    instanceKeys: keys,
    keyStore,
    config: () => settings.config,
    backlog: loop.engine.backlog,
    clock,
    log,
  });
  const privacy = createPrivacy(common, loop.engine.backlog);
  privacy.noteConfig(options.configHash);
  warnOfFiles(settings.config, options);
  const liveSockets = createLiveSockets();
  const app = createApp({ ...depsOf({ ...common, ...loop, reports, trust, liveSockets }), ...privacy.deps });
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
      return liveSockets.close();
    },
    configure: (config, hash) => {
      settings = settingsOf(config, hash);
      privacy.noteConfig(hash);
      warnOfFiles(config, options);
      refresher.start();
      loop.deliverer.wake();
    },
    setConfigProblem: (problem) => {
      settings = { ...settings, problem };
    },
    close: async () => {
      refresher.stop();
      trust.overload.stop();
      settler.stop();
      loop.clickRecorder.flush();
      reports.close();
      await loop.engine.drain();
      await loop.deliverer.stop();
      privacy.close();
      close();
    },
  };
}

function reportsOf({ threadScript, dataFolder, log, clock = systemClock }: InstanceOptions, settings: () => Settings) {
  return createReports({
    script: threadScript ?? Bun.main,
    context: () => {
      const { config, rules } = settings();
      return { dataFolder, config, configHash: rules.hash, nowMs: clock() };
    },
    onFault: (fault) => log.error("report_fault", { fault }),
  });
}

/** To the operator at once, and not to the first visitor who asks. */
function warnOfFiles(config: IntentConfig, { dataFolder, log }: InstanceOptions): void {
  for (const { slug } of withoutFile(config.magnets, magnetsFolderOf(config, dataFolder)))
    log.warn("magnet_file_missing", { magnet: slug });
}

function settingsOf(config: IntentConfig, hash: string): Settings {
  return { config, rules: compileRules(config, hash), problem: null };
}
