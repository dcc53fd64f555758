import { Elysia } from "elysia";
import { AppError } from "../../core/error.ts";
import { formatId } from "../../core/id.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Keys } from "../../http/keys.ts";
import { readQuery } from "../../http/query.ts";
import type { Asker } from "../../http/request-id.ts";
import type { AuditStore } from "../../store/sqlite/audit.ts";
import type { Erased } from "../../store/sqlite/erase.ts";
import type { ForeseenLists, ListSearch } from "../../store/sqlite/list-search.ts";
import type { Subject } from "../../store/sqlite/person-scope.ts";
import type { Suppressions } from "../../store/sqlite/suppression.ts";
import { listAudit } from "./audit.ts";
import { AUDIT, ERASE, ERASE_BY, EXPORT, LIFT, SUPPRESSED } from "./documents.ts";
import { type EraseAnswer, type EraseBook, erasePerson } from "./erase.ts";
import { type FindDeps, findSubject, findSubjectBy, readIdentifierQuery } from "./find.ts";
import { auditQuerySchema, identifierQuerySchema, noQuerySchema } from "./schema.ts";

export type PrivacyDeps = FindDeps & {
  keys: Keys;
  engine: Pick<Engine, "administer">;
  now: () => number;
  erase: (subject: Subject, nowMs: number, foreseen: ForeseenLists) => Erased | null;
  foreseeLists: ListSearch["foresee"];
  /** Until what it returns is called no commit brings the log into the file: whoever empties it does. */
  deferCheckpoints: () => () => void;
  /** After a commit: what stands in the log still says it all. */
  emptyLog: () => void;
  suppressions: Suppressions;
  audit: AuditStore;
  /** Lets what was noted so far be seen. */
  flushAudit: () => void;
  /** Beside the loop. */
  exportPerson: (said: string | null, asker: Asker) => Promise<{ head: Subject; body: ReadableStream<Uint8Array> }>;
};

/** What people may ask for by law, and who did what: erasure, export, suppressions, audit. */
export function privacyRoutes(deps: PrivacyDeps) {
  const { keys, engine, now, suppressions, audit } = deps;
  const eraseFound = async (headers: Headers, find: () => Subject): Promise<EraseAnswer> => {
    const { keyId: by } = keys.require(headers, "admin");
    const foreseen = await inTurns(deps.foreseeLists(deps.scopes.scopeOf(find()).emails));
    const erase: EraseBook["erase"] = (subject, nowMs) => deps.erase(subject, nowMs, foreseen);
    const release = deps.deferCheckpoints();
    const answer = await engine
      // Found again: somebody may have been merged meanwhile, or be gone.
      .administer(() => erasePerson(find(), { erase, audit, by, nowMs: now() }))
      .finally(release);
    deps.emptyLog();
    return answer;
  };
  return new Elysia({ name: "privacy" })
    .delete(
      "/people/:id",
      ({ params, query, request: { headers } }) => {
        readQuery(noQuerySchema, query);
        return eraseFound(headers, () => findSubject(params.id, deps));
      },
      { parse: "none", ...ERASE },
    )
    .delete(
      "/people",
      ({ query, request: { headers } }) =>
        eraseFound(headers, () => findSubjectBy(readQuery(identifierQuerySchema, query), deps)),
      { parse: "none", ...ERASE_BY },
    )
    .get(
      "/people/:id/export",
      async ({ params, request }) => {
        const { keyId } = keys.require(request.headers, "read");
        const headers = { "content-type": "application/json; charset=utf-8" };
        if (request.method === "HEAD") {
          // Nothing is read out for it; that it was asked is noted with all that is read.
          findSubject(params.id, deps);
          return new Response(null, { headers });
        }
        const { head, body } = await deps.exportPerson(params.id, request);
        const personId = head.personId === null ? null : formatId("person", head.personId);
        const entry = { occurredMs: now(), keyId, action: "person_export", subject: personId, detail: null };
        await engine
          .administer(() => audit.record(entry))
          .catch(async (error) => {
            // Nothing leaves without its note, nor keeps a thread.
            await body.cancel();
            throw error;
          });
        return new Response(body, { headers });
      },
      EXPORT,
    )
    .get(
      "/suppressions",
      ({ query, request: { headers } }) => {
        keys.require(headers, "admin");
        const sinceMs = suppressions.since(readIdentifierQuery(readQuery(identifierQuerySchema, query)));
        return { suppressed_at: sinceMs === null ? null : new Date(sinceMs).toISOString() };
      },
      SUPPRESSED,
    )
    .delete(
      "/suppressions",
      ({ query, request: { headers } }) => {
        const { keyId } = keys.require(headers, "admin");
        const identifier = readIdentifierQuery(readQuery(identifierQuerySchema, query));
        return engine.administer(() => {
          if (!suppressions.lift(identifier)) throw new AppError("not_found", "this identifier is not suppressed");
          const detail = { kind: identifier.kind };
          audit.record({ occurredMs: now(), keyId, action: "suppression_lift", subject: null, detail });
          return { lifted: true };
        });
      },
      { parse: "none", ...LIFT },
    )
    .get(
      "/audit",
      ({ query, request: { headers } }) => {
        keys.require(headers, "admin");
        const asked = readQuery(auditQuerySchema, query);
        deps.flushAudit();
        return listAudit(asked, audit);
      },
      AUDIT,
    );
}

/** Ingest has its turn between any two steps. */
async function inTurns<Result>(steps: Generator<void, Result>): Promise<Result> {
  while (true) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
