import type { CampaignsDeps } from "../features/campaigns/routes.ts";
import type { AuditReadsDeps } from "../features/privacy/audit-reads.ts";
import type { PrivacyDeps } from "../features/privacy/routes.ts";
import { describeFault } from "../http/errors.ts";
import { requestIdOf } from "../http/request-id.ts";
import { createAuditBook } from "../jobs/audit.ts";
import { createLogEmptier } from "../jobs/empty-log.ts";
import { createRetainer } from "../jobs/retain.ts";
import { createLoadSweeper } from "../jobs/sweep-loads.ts";
import { createAuditStore } from "../store/sqlite/audit.ts";
import { createCampaignLoader } from "../store/sqlite/campaign-load.ts";
import { createDeferral } from "../store/sqlite/defer-checkpoints.ts";
import { createErasure } from "../store/sqlite/erase.ts";
import { createListSearch } from "../store/sqlite/list-search.ts";
import { createScopeReader } from "../store/sqlite/person-scope.ts";
import { createRetainStore } from "../store/sqlite/retain.ts";
import { createSuppressions } from "../store/sqlite/suppression.ts";
import { unsyncedSteps } from "../store/sqlite/unsynced.ts";
import { createCheckpoints } from "../threads/checkpoints.ts";
import { createStreams } from "../threads/streams.ts";
import type { Foundations } from "./house.ts";

/** Under what the audit keeps which config was in force. */
const CONFIG_SUBJECT = "config";
/** Who changes it: whoever may write the file. */
const CONFIG_FILE = "config file";

/** What of the routes' needs is made here. */
export type PrivacyParts = Pick<
  PrivacyDeps & AuditReadsDeps,
  | "audit"
  | "exportPerson"
  | "audits"
  | "flushAudit"
  | "erase"
  | "foreseeLists"
  | "deferCheckpoints"
  | "emptyLog"
  | "suppressions"
  | "scopes"
> &
  Pick<CampaignsDeps, "exportCampaign">;

/** Erasure, export, audit and retention: what their routes need, and what runs beside them. */
export function createPrivacy({ options, database, settings, clock, secret }: Foundations, backlog: () => number) {
  const { dataFolder, log, threadScript: script = Bun.main } = options;
  const audit = createAuditStore(database);
  const audits = createAuditBook({
    store: audit,
    now: clock,
    onFault: (error, lost) => log.warn("audit_not_stored", { fault: describeFault(error), lost }),
  });
  const checkpoints = createCheckpoints({ script, dataFolder });
  const streams = createStreams({
    script,
    context: () => {
      const { config, rules } = settings();
      return { dataFolder, config, configHash: rules.hash, nowMs: clock() };
    },
    onFault: (fault, { headers }) => log.error("export_fault", { request_id: requestIdOf(headers), fault }),
  });
  const logEmptier = createLogEmptier(checkpoints);
  const retainer = createRetainer({
    store: createRetainStore(database),
    retain: () => settings().config.retain,
    now: clock,
    isIdle: () => backlog() === 0,
    checkpoint: checkpoints.run,
    onFault: (error) => log.warn("retain_fault", { fault: describeFault(error) }),
  });
  const loader = createCampaignLoader({ database, secret });
  const sweeper = createLoadSweeper({
    loader: { sweep: (nowMs) => unsyncedSteps(database, loader.sweep(nowMs)) },
    now: clock,
    checkpoint: checkpoints.run,
    onFault: (error) => log.warn("sweep_fault", { fault: describeFault(error) }),
  });
  sweeper.start();
  const deps: PrivacyParts = {
    audit,
    audits,
    flushAudit: audits.flush,
    erase: createErasure(database),
    foreseeLists: createListSearch(database).foresee,
    deferCheckpoints: createDeferral(database),
    emptyLog: logEmptier.ask,
    suppressions: createSuppressions(database),
    scopes: createScopeReader(database),
    exportPerson: streams.exportPerson,
    exportCampaign: streams.exportCampaign,
  };
  return {
    deps,
    /** A config is in force, maybe another one: what it keeps no longer goes. */
    noteConfig: (hash: string): void => {
      retainer.start();
      const [last] = audit.newest({ subject: CONFIG_SUBJECT, sinceMs: 0 }, Number.MAX_SAFE_INTEGER, 1);
      const before = last?.detail?.after ?? null;
      if (before === hash) return;
      const detail = { before, after: hash };
      audits.record({ keyId: CONFIG_FILE, action: "config_change", subject: CONFIG_SUBJECT, detail });
      audits.flush();
    },
    close: (): void => {
      retainer.stop();
      sweeper.stop();
      logEmptier.stop();
      checkpoints.close();
      streams.close();
      audits.close();
    },
  };
}
