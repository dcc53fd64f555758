import type { Database } from "bun:sqlite";
import type { Attribution } from "../../core/attribution.ts";

/** Where a walk through sessions stands, from new to old. */
export type SessionPosition = { startedMs: number; identityId: number; sessionKey: string };

export const NEWEST_SESSION: SessionPosition = { startedMs: Number.MAX_SAFE_INTEGER, identityId: 0, sessionKey: "" };

export type ReadSession = SessionPosition & {
  personId: number;
  endedMs: number;
  entryUrl: string | null;
  exitUrl: string | null;
  eventCount: number;
  attribution: Attribution | null;
};

export type SessionReader = { newest(before: SessionPosition, limit: number): ReadSession[] };

export const SESSIONS_SQL = {
  /**
   * Goes through all sessions and keeps as many as are asked for: an index by time would cost every event, and this is
   * read on a thread of its own. One without a page is what a backend told, and no visit.
   */
  newest: `select s.identity_id as identityId, s.session_id as sessionKey, i.person_id as personId,
    s.started_at as startedMs, s.ended_at as endedMs, s.entry_url as entryUrl, s.exit_url as exitUrl,
    s.event_count as eventCount, s.attribution
    from (select * from session where entry_url is not null and (started_at, identity_id, session_id) < (?, ?, ?)
      order by started_at desc, identity_id desc, session_id desc limit ?) s
    join identity i on i.identity_id = s.identity_id
    order by s.started_at desc, s.identity_id desc, s.session_id desc`,
} as const;

type Row = Omit<ReadSession, "attribution"> & { attribution: string | null };

export function createSessionReader(database: Database): SessionReader {
  const select = database.query<Row, [number, number, string, number]>(SESSIONS_SQL.newest);
  return {
    newest: ({ startedMs, identityId, sessionKey }, limit) =>
      select
        .all(startedMs, identityId, sessionKey, limit)
        .map((row) => ({ ...row, attribution: row.attribution === null ? null : JSON.parse(row.attribution) })),
  };
}
