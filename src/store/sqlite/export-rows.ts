import type { Database } from "bun:sqlite";
import type { IdentifierKind } from "../../core/identifier.ts";
import type { SignalData } from "../../core/signal.ts";
import type { ReadEvent } from "./events.ts";
import { EVENT_COLUMNS, type EventRow, eventOfRow } from "./row.ts";

export const EXPORT_ROWS_SQL = {
  events: `select ${EVENT_COLUMNS}, i.kind, i.value, i.person_id as personId
    from event cross join identity i on i.identity_id = event.identity_id
    where event.received_at >= ? order by event.event_seq`,
  people:
    "select person_id as personId from intent_score where max(first_seen_at, last_seen_at) >= ? order by person_id",
  signals: "select data from signal where created_at >= ? order by created_at, signal_id",
  counts: {
    events: "select count(*) as count from event",
    people: "select count(*) as count from intent_score",
    signals: "select count(*) as count from signal",
    accounts: "select count(*) as count from account",
  },
} as const;

export type ExportedTable = keyof typeof EXPORT_ROWS_SQL.counts;

export type ExportedEvent = ReadEvent & { kind: IdentifierKind; value: string; personId: number };

/** Everything of one kind in the order it came, row by row: for a command with a connection of its own. */
export type ExportRows = {
  count(table: ExportedTable): number;
  /** Those received since then, with who did each. */
  events(sinceMs: number): Iterable<ExportedEvent>;
  /** Those whose last_seen_at, as it is shown, is since then. */
  personIds(sinceMs: number): Iterable<number>;
  /** Those of crossings since then. */
  signals(sinceMs: number): Iterable<SignalData>;
};

export function createExportRows(database: Database): ExportRows {
  return {
    count: (table) => database.query<{ count: number }, []>(EXPORT_ROWS_SQL.counts[table]).get()?.count ?? 0,
    *events(sinceMs) {
      for (const row of database.query<EventRow<ExportedEvent>, [number]>(EXPORT_ROWS_SQL.events).iterate(sinceMs))
        yield eventOfRow(row);
    },
    *personIds(sinceMs) {
      const select = database.query<{ personId: number }, [number]>(EXPORT_ROWS_SQL.people);
      for (const { personId } of select.iterate(sinceMs)) yield personId;
    },
    *signals(sinceMs) {
      const select = database.query<{ data: string }, [number]>(EXPORT_ROWS_SQL.signals);
      for (const { data } of select.iterate(sinceMs)) yield JSON.parse(data);
    },
  };
}
