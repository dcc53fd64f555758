import type { AppDeps } from "../app.ts";
import { magnetsFolderOf } from "../config/magnets.ts";
import type { LiveSockets } from "../features/live/sockets.ts";
import { createFormLimits } from "../features/magnets/form-limits.ts";
import { keepCounts } from "../features/metrics/measure.ts";
import { createRequestLog } from "../http/request-log.ts";
import { createCampaignReader } from "../store/sqlite/campaigns.ts";
import { createWriteProbe } from "../store/sqlite/health.ts";
import { createSizeReader } from "../store/sqlite/house-counts.ts";
import { createPersonalizeReader } from "../store/sqlite/personalize.ts";
import { createReaders } from "../store/sqlite/readers.ts";
import type { Reports } from "../threads/reports.ts";
import type { createLoop, Foundations, InstanceOptions, Settings } from "./house.ts";
import type { InstanceKeys } from "./keys.ts";
import type { PrivacyParts } from "./privacy.ts";
import type { Trust } from "./trust.ts";

/** What the routes need of the house. */
export function depsOf({
  options,
  database,
  checkInPlace,
  clock,
  settings,
  keys,
  trust,
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
  liveSockets,
}: Foundations & ReturnType<typeof createLoop> & { reports: Reports; trust: Trust; liveSockets: LiveSockets }): Omit<
  AppDeps,
  keyof PrivacyParts
> {
  return {
    engine,
    dataFolder: options.dataFolder,
    secret,
    ...trust,
    ingest: () => settings().config.ingest,
    visit: () => settings().config.privacy,
    metrics,
    numbers: {
      counts: keepCounts(reports.countHouse, clock),
      bytes: createSizeReader(options.dataFolder),
      backlog: engine.backlog,
      eventLoopLagMs: trust.overload.lagMs,
      isStoring: () => engine.storageProblem() === null,
      liveSockets: liveSockets.count,
    },
    liveSockets,
    rules: () => settings().rules,
    now: clock,
    clickStore,
    clickRecorder,
    clickWatch,
    isTrapped: (headers, peer) => {
      const place = clickWatch.placeOf(trust.limits.networkOf(headers, peer), headers.get("user-agent"));
      return clickWatch.isTrapped(place, clock());
    },
    ranks,
    ...createReaders(database),
    campaigns: createCampaignReader(database),
    visitors: createPersonalizeReader(database),
    personalize: () => settings().config.personalize,
    honour: () => settings().config.tracker.honour,
    ...magnetDepsOf(options, settings, keys),
    ...reports,
    deliveries,
    destinations: () => settings().config.destinations,
    sender: deliverer,
    log: options.log,
    requestLog: requestLogOf(options, trust),
    origins: options.origins,
    script: options.script,
    health: {
      keys: trust.keys,
      storageProblem: engine.storageProblem,
      isOverloaded: trust.overload.isOverloaded,
      isStopping,
      probeWrite: createWriteProbe(database, checkInPlace),
      now: clock,
      version: options.version,
      config: () => ({ hash: settings().rules.hash, problem: settings().problem }),
    },
  };
}

function requestLogOf({ log, logRequests = false, isLogBehind = () => false }: InstanceOptions, { keys }: Trust) {
  return logRequests ? createRequestLog({ log, keys, isBehind: isLogBehind }) : null;
}

/** What lead magnets need of the config and the tracker. */
function magnetDepsOf({ dataFolder, script }: InstanceOptions, settings: () => Settings, keys: InstanceKeys) {
  const [served] = script.files;
  return {
    magnets: () => settings().config.magnets,
    magnetsFolder: () => magnetsFolderOf(settings().config, dataFolder),
    formLimits: createFormLimits(),
    pageContext: () => ({
      script: served === undefined ? null : { path: served.path, writeKey: keys.liveWriteKey() },
    }),
  };
}
