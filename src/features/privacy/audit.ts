import { z } from "zod";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import type { AuditEntry, AuditStore } from "../../store/sqlite/audit.ts";
import type { AuditQuery } from "./schema.ts";

export type AuditAnswerEntry = {
  at: string;
  key_id: string;
  action: string;
  subject: string | null;
  detail: AuditEntry["detail"];
};

export type AuditAnswer = { entries: AuditAnswerEntry[]; next_cursor: string | null };

const cursorSchema = z.tuple([z.int().min(0)]);

/** Who read or changed what, the newest first. */
export function listAudit(
  { subject, since = 0, limit, cursor }: AuditQuery,
  store: Pick<AuditStore, "newest">,
): AuditAnswer {
  const [belowId] = decodeCursor(cursorSchema, cursor) ?? [Number.MAX_SAFE_INTEGER];
  const found = store.newest({ subject: subject ?? null, sinceMs: since }, belowId, limit + 1);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    entries: page.map(({ occurredMs, keyId, action, subject: about, detail }) => ({
      at: new Date(occurredMs).toISOString(),
      key_id: keyId,
      action,
      subject: about,
      detail,
    })),
    next_cursor: last === undefined || found.length <= limit ? null : encodeCursor([last.auditId]),
  };
}
