import { Elysia } from "elysia";
import { formatId, parseId } from "../../core/id.ts";
import { meantBy } from "../../core/identifier.ts";
import type { Keys } from "../../http/keys.ts";
import type { AuditEntry } from "../../store/sqlite/audit.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";

/** Who the audit names where a signed link stood in for a key. */
const SIGNED_LINK = "signed link";

/** These write their own entries, in the transaction of what they do. */
const RECORDED_BY_ITSELF: ReadonlySet<string> = new Set([
  "DELETE /people/:id",
  "DELETE /people",
  "GET /people/:id/export",
  "DELETE /suppressions",
  "POST /campaigns",
  "GET /campaigns/:id/export.csv",
  "POST /backup",
  "POST /keys",
  "DELETE /keys/:id",
  "POST /merges/:id/undo",
  "POST /reviews/:id/approve",
  "POST /reviews/:id/reject",
  "POST /deliveries/:id/replay",
  "POST /destinations/:name/replay",
  "POST /destinations/:name/test",
  "POST /destinations/:name/pause",
  "POST /destinations/:name/resume",
]);

/** What machines ask for all day, and what says nothing of anybody: a row for each would never end. */
const NOT_NOTED: ReadonlySet<string> = new Set(["/metrics", "/health", "/ready", "/openapi.json", "/docs"]);

/** Where a signed link opens what a key would; elsewhere anybody can write `signature` behind an address. */
const OPEN_TO_LINKS: ReadonlySet<string> = new Set(["/people/:id/explanation", "/accounts/:domain/explanation"]);

const OUR_ID_PATTERN = /^(sig|mrg|rev|dlv|cmp|key)_[0-9a-z]+$/;

export type AuditReadsDeps = {
  keys: Pick<Keys, "find">;
  people: PeopleReader;
  audits: { record(note: Omit<AuditEntry, "occurredMs">): void };
};

/**
 * Notes every request that a key opened and that was answered, of all routes that come after it in the list: so one
 * that is added is noted too. What is sent in for ingest comes before, and pays nothing.
 */
export function auditReads({ keys, people, audits }: AuditReadsDeps) {
  return new Elysia({ name: "audit-reads" }).onAfterHandle(
    { as: "global" },
    ({ request, route, params, query, responseValue }) => {
      const address = `${request.method} ${route}`;
      if (RECORDED_BY_ITSELF.has(address) || NOT_NOTED.has(route)) return;
      // Such a route has checked the signature before it answered.
      const byLink = OPEN_TO_LINKS.has(route) && isSigned(query) ? SIGNED_LINK : null;
      const keyId = keys.find(request.headers)?.keyId ?? byLink;
      if (keyId === null) return;
      const action = request.method === "GET" || request.method === "HEAD" ? "read" : "change";
      audits.record({ keyId, action, subject: subjectOf(route, params, responseValue, people), detail: { address } });
    },
  );
}

function isSigned(query: unknown): boolean {
  return typeof query === "object" && query !== null && "signature" in query;
}

/** An id of ours: from the answer, the only one of a list, or the address; never the identifier that was asked by. */
function subjectOf(route: string, params: unknown, answer: unknown, people: PeopleReader): string | null {
  if (isObject(answer)) {
    if (typeof answer.person_id === "string") return answer.person_id;
    const [only, ...others] = Array.isArray(answer.people) ? answer.people : [];
    if (others.length === 0 && isObject(only) && typeof only.person_id === "string") return only.person_id;
  }
  const said = isObject(params) && typeof params.id === "string" ? params.id : null;
  if (said === null) return null;
  if (!route.startsWith("/people")) return OUR_ID_PATTERN.test(said) ? said : null;
  const personId = personOf(said, people);
  return personId === null ? null : formatId("person", personId);
}

function personOf(said: string, people: PeopleReader): number | null {
  const personId = parseId("person", said);
  if (personId !== null) return people.survivorOf(personId);
  for (const identifier of meantBy(said)) {
    const ownerId = people.ownerOf(identifier);
    if (ownerId !== null) return ownerId;
  }
  return null;
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null;
}
