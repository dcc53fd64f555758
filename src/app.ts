import { Elysia } from "elysia";
import { type AccountsDeps, accountPageRoutes, accountRoutes } from "./features/accounts/routes.ts";
import { type AttributionDeps, attributionRoutes } from "./features/attribution/routes.ts";
import { type BackupDeps, backupRoutes } from "./features/backup/routes.ts";
import { type CampaignsDeps, campaignRoutes } from "./features/campaigns/routes.ts";
import type { ClickDeps } from "./features/clicks/open.ts";
import { clickRoutes } from "./features/clicks/routes.ts";
import { type DestinationsDeps, destinationRoutes } from "./features/destinations/routes.ts";
import { type HealthDeps, healthRoutes } from "./features/health/routes.ts";
import type { IdentifyDeps } from "./features/identify/identify.ts";
import { identifyRoutes } from "./features/identify/routes.ts";
import { type KeysDeps, keyRoutes } from "./features/keys/routes.ts";
import { type LiveDeps, type LiveDoor, liveRoutes } from "./features/live/routes.ts";
import { type MagnetsDeps, magnetRoutes } from "./features/magnets/routes.ts";
import { type MergesDeps, mergeRoutes } from "./features/merges/routes.ts";
import { type MetricsDeps, metricsRoutes } from "./features/metrics/routes.ts";
import type { ListedRoute } from "./features/openapi/assemble.ts";
import { openApiRoutes } from "./features/openapi/routes.ts";
import { explanationPageRoutes, type PeopleDeps, peopleRoutes } from "./features/people/routes.ts";
import type { PersonalizeDeps } from "./features/personalize/personalize.ts";
import { personalizeRoutes } from "./features/personalize/routes.ts";
import { type AuditReadsDeps, auditReads } from "./features/privacy/audit-reads.ts";
import { type PrivacyDeps, privacyRoutes } from "./features/privacy/routes.ts";
import { type SignalsDeps, signalRoutes } from "./features/signals/routes.ts";
import { trackRoutes } from "./features/track/routes.ts";
import { type TrackDeps, track } from "./features/track/track.ts";
import { type TrackerScript, trackerRoutes } from "./features/tracker/routes.ts";
import { type ViewsDeps, viewRoutes } from "./features/views/routes.ts";
import { type WhatIfDeps, whatIfRoutes } from "./features/what-if/routes.ts";
import { errorHandler } from "./http/errors.ts";
import { guardLoad } from "./http/guard.ts";
import type { Limits } from "./http/limits.ts";
import type { Log } from "./http/log.ts";
import { addressAt } from "./http/methods.ts";
import { forbidStoring } from "./http/no-store.ts";
import { observeRequests } from "./http/observe.ts";
import { compileOrigins, corsFor, guardOrigin } from "./http/origin.ts";
import type { Overload } from "./http/overload.ts";
import type { RequestLog } from "./http/request-log.ts";

export type AppDeps = TrackDeps &
  LiveDeps &
  IdentifyDeps &
  PeopleDeps &
  AccountsDeps &
  AttributionDeps &
  WhatIfDeps &
  SignalsDeps &
  DestinationsDeps &
  ClickDeps &
  CampaignsDeps &
  ViewsDeps &
  KeysDeps &
  PersonalizeDeps &
  PrivacyDeps &
  AuditReadsDeps &
  MagnetsDeps &
  MergesDeps &
  BackupDeps &
  MetricsDeps & {
    log: Log;
    /** Null where requests have no lines. */
    requestLog: RequestLog | null;
    /** What links are signed with. */
    secret: Buffer;
    origins: readonly string[];
    limits: Limits;
    overload: Pick<Overload, "isOverloaded">;
    health: HealthDeps;
    script: TrackerScript;
  };

/** Every address this server answers, in one list. */
export function createApp(deps: AppDeps) {
  const isAllowed = compileOrigins(deps.origins);
  let routes: () => readonly ListedRoute[] = () => [];
  const knownAddress = addressAt(() => routes());
  const app = new Elysia()
    .use(observeRequests(deps.metrics, knownAddress, deps.requestLog))
    .use(errorHandler(deps.log, knownAddress))
    .use(forbidStoring())
    .use(corsFor(isAllowed))
    .use(guardLoad(deps.limits, deps.overload))
    .use(guardOrigin(isAllowed))
    .use(trackRoutes(deps, deps.script.eventsPath))
    .use(liveRoutes(deps, liveDoor(deps, isAllowed)))
    .use(identifyRoutes(deps))
    .use(personalizeRoutes(deps))
    .use(magnetRoutes(deps))
    .use(auditReads(deps))
    .use(privacyRoutes(deps))
    .use(peopleRoutes(deps))
    .use(explanationPageRoutes(deps))
    .use(accountRoutes(deps))
    .use(accountPageRoutes(deps))
    .use(attributionRoutes(deps))
    .use(whatIfRoutes(deps))
    .use(mergeRoutes(deps))
    .use(signalRoutes(deps))
    .use(destinationRoutes(deps))
    .use(clickRoutes(deps))
    .use(campaignRoutes(deps))
    .use(viewRoutes(deps))
    .use(keyRoutes(deps))
    .use(trackerRoutes(deps.script))
    .use(backupRoutes(deps))
    .use(openApiRoutes(() => routes(), deps.health.version))
    .use(metricsRoutes(deps))
    .use(healthRoutes(deps.health));
  // Also those that are added to it later.
  routes = () => app.routes;
  return app;
}

/** A frame travels exactly as a request does. */
function liveDoor(deps: TrackDeps, isAllowed: LiveDoor["isAllowed"]): LiveDoor {
  const take: LiveDoor["take"] = (text, headers, peer) => track(text, headers, deps, peer);
  return { take, isAllowed };
}
