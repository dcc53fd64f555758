import type { Database } from "bun:sqlite";
import { sessionKeyOf } from "../../core/event.ts";
import { createDeferral } from "./defer-checkpoints.ts";
import { mergeLowerer } from "./erase.ts";
import { createUnsynced } from "./unsynced.ts";

/** Read at once. The clock is looked at after each row: one whose pages are not in memory may take a while. */
const CHUNK_ROWS = 16;
/** Free pages that stay: what comes next takes them up again without the file growing. */
const KEPT_PAGES_MIN = 256;
const KEPT_PAGES_SHARE = 0.05;
/** Given back between two looks at the clock. */
const CHUNK_PAGES = 2;

/** In one transaction: each may touch a page of the table and of each of its indexes, and all go to the log. */
const STEP_ROWS_MAX = 32;
const STEP_PAGES_MAX = 32;

export const SWEPT = ["events", "rejected", "deliveries", "audit", "machine_clicks"] as const;

export type Swept = (typeof SWEPT)[number];

/**
 * In the order in which they were written, which is nearly that of their times; `isKept` is for what may not go yet.
 * The columns past the third are for the table's own further work.
 */
export const RETAIN_SQL = {
  events: {
    select: `select event_seq, received_at, 0, identity_id, session_id, occurred_at from event
      where event_seq > ? order by event_seq limit ?`,
    drop: "delete from event where event_seq = ?",
  },
  rejected: {
    select:
      "select rejected_seq, rejected_at, 0 from rejected_event where rejected_seq > ? order by rejected_seq limit ?",
    drop: "delete from rejected_event where rejected_seq = ?",
  },
  deliveries: {
    select: `select delivery_id, created_at, state = 'pending' from delivery
      where delivery_id > ? order by delivery_id limit ?`,
    drop: "delete from delivery where delivery_id = ?",
  },
  audit: {
    select: "select audit_id, occurred_at, 0 from audit where audit_id > ? order by audit_id limit ?",
    drop: "delete from audit where audit_id = ?",
  },
  machine_clicks: {
    select: `select click_id, clicked_at, verdict <> 'machine' from campaign_click
      where click_id > ? order by click_id limit ?`,
    drop: "delete from campaign_click where click_id = ?",
  },
} as const satisfies { [Name in Swept]: { select: string; drop: string } };

export const RETENTION_SQL = {
  dropSession: "delete from session where identity_id = ? and session_id = ? and ended_at < ?",
  changes: "select total_changes() as changes",
  note: `insert into retention (swept, before_at) values (?1, ?2)
    on conflict (swept) do update set before_at = max(before_at, ?2)`,
} as const;

type Row = [id: number, atMs: number, isKept: number, ...further: (string | number | null)[]];

export type Sweep = { swept: Swept; afterId: number; beforeMs: number; nowMs: number; budgetMs: number };

/** Where to go on; null once there is nothing older left. */
export type SweepStep = { deleted: number; afterId: number | null };

export type RetainStore = {
  /** The oldest rows of a table, as many as the time allows, in one transaction whose commit waits for no disk. */
  sweep(sweep: Sweep): SweepStep;
  /** Gives free pages back to the file system for as long; false when there are none to give. */
  shrink(budgetMs: number): boolean;
  /** Grows with every row that is written on this connection. */
  changes(): number;
};

export function createRetainStore(database: Database): RetainStore {
  const statements = Object.fromEntries(
    SWEPT.map((swept) => [
      swept,
      {
        select: database.query<Row, [number, number]>(RETAIN_SQL[swept].select),
        drop: database.query(RETAIN_SQL[swept].drop),
      },
    ]),
  );
  const dropSession = database.query(RETENTION_SQL.dropSession);
  const note = database.query(RETENTION_SQL.note);
  const lowerMerges = mergeLowerer(database);

  const sweep = ({ swept, afterId, beforeMs, nowMs, budgetMs }: Sweep): SweepStep => {
    const untilMs = performance.now() + budgetMs;
    const { select, drop } = statements[swept] ?? {};
    if (select === undefined || drop === undefined) throw new Error("a table that is swept has its statements");
    let deleted = 0;
    let lastId = afterId;
    const finish = (isDone: boolean): SweepStep => {
      if (deleted > 0) note.run(swept, beforeMs);
      if (deleted > 0 && swept === "events") lowerMerges();
      return { deleted, afterId: isDone ? null : lastId };
    };
    while (performance.now() < untilMs && deleted < STEP_ROWS_MAX) {
      const rows = select.values(lastId, CHUNK_ROWS) as Row[];
      for (const [id, atMs, isKept, ...further] of rows) {
        // What a clock that ran ahead has written does not hide what comes behind it.
        if (atMs >= beforeMs && atMs <= nowMs) return finish(true);
        lastId = id;
        if (isKept === 1 || atMs >= beforeMs) continue;
        drop.run(id);
        if (swept === "events") dropSession.run(...sessionOf(further), beforeMs);
        deleted += 1;
        if (performance.now() >= untilMs) return finish(false);
      }
      if (rows.length < CHUNK_ROWS) return finish(true);
    }
    return finish(false);
  };

  const defer = createDeferral(database);
  const selectChanges = database.query<{ changes: number }, []>(RETENTION_SQL.changes);
  return {
    changes: () => selectChanges.get()?.changes ?? 0,
    sweep: createUnsynced(database, withoutCheckpoint(defer, database.transaction(sweep).immediate)),
    shrink: createUnsynced(database, withoutCheckpoint(defer, createShrink(database))),
  };
}

/** To write the log into the file takes longer than a step may: somebody else does that. */
function withoutCheckpoint<Input, Result>(
  defer: () => () => void,
  work: (input: Input) => Result,
): (input: Input) => Result {
  return (input) => {
    const release = defer();
    try {
      return work(input);
    } finally {
      release();
    }
  };
}

/** The session that an event was in, by its columns. */
function sessionOf(further: readonly (string | number | null)[]): [number, string] {
  const [identityId, sessionId, occurredMs] = further as [number, string | null, number];
  return [identityId, sessionKeyOf({ sessionId, occurredMs })];
}

function createShrink(database: Database): (budgetMs: number) => boolean {
  const selectMode = database.query<{ auto_vacuum: number }, []>("pragma auto_vacuum");
  const selectFree = database.query<{ freelist_count: number }, []>("pragma freelist_count");
  const selectAll = database.query<{ page_count: number }, []>("pragma page_count");
  const isIncremental = selectMode.get()?.auto_vacuum === INCREMENTAL;
  const surplus = (): number => {
    const pages = selectAll.get()?.page_count ?? 0;
    return (selectFree.get()?.freelist_count ?? 0) - Math.max(KEPT_PAGES_MIN, pages * KEPT_PAGES_SHARE);
  };
  return (budgetMs) => {
    const untilMs = performance.now() + budgetMs;
    let left = isIncremental ? Math.min(surplus(), STEP_PAGES_MAX) : 0;
    if (left <= 0) return false;
    database
      .transaction(() => {
        while (left > 0 && performance.now() < untilMs) {
          // Read to its end: each step of the statement gives back one page.
          database.query(`pragma incremental_vacuum(${CHUNK_PAGES})`).all();
          left -= CHUNK_PAGES;
        }
      })
      .immediate();
    return true;
  };
}

/** SQLite's number for `incremental`. */
const INCREMENTAL = 2;
