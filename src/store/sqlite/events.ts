import type { Database } from "bun:sqlite";
import type { Event } from "../../core/event.ts";
import { EVENT_COLUMNS, type EventRow, eventOfRow } from "./row.ts";

/** Where a walk through events stands, from new to old. */
export type EventPosition = { occurredMs: number; eventSeq: number };

export const NEWEST: EventPosition = { occurredMs: Number.MAX_SAFE_INTEGER, eventSeq: 0 };

export type ReadEvent = Event & EventPosition & { identityId: number };

export type EventReader = {
  /** The newest below `before` that any of the identities did, newest first. */
  newestOf(identityIds: readonly number[], before: EventPosition, limit: number): ReadEvent[];
  /** How many an identity did up to a time; counts no further than told. */
  countUntil(identityId: number, atMs: number, most: number): number;
  /** What was received before is swept; 0 where nothing ever was. */
  keptSinceMs(): number;
};

export const EVENTS_SQL = {
  /**
   * Both read the index alone, however large the events are; a comparison of pairs would begin at the first of the
   * same moment again and again.
   */
  sameMoment: `select occurred_at as occurredMs, event_seq as eventSeq from event
    where identity_id = ? and occurred_at = ? and event_seq < ? order by event_seq desc limit ?`,
  earlier: `select occurred_at as occurredMs, event_seq as eventSeq from event
    where identity_id = ? and occurred_at < ? and occurred_at >= ? order by occurred_at desc, event_seq desc limit ?`,
  until: "select 1 from event where identity_id = ? and occurred_at <= ? limit ?",
  event: `select ${EVENT_COLUMNS} from event where event_seq = ?`,
  keptSince: "select before_at as beforeMs from retention where swept = 'events'",
} as const;

export function createEventReader(database: Database): EventReader {
  const selectSameMoment = database.query<EventPosition, [number, number, number, number]>(EVENTS_SQL.sameMoment);
  const selectEarlier = database.query<EventPosition, [number, number, number, number]>(EVENTS_SQL.earlier);
  const selectEvent = database.query<EventRow<ReadEvent>, [number]>(EVENTS_SQL.event);
  const selectUntil = database.query<[number], [number, number, number]>(EVENTS_SQL.until);
  const selectKeptSince = database.query<{ beforeMs: number }, []>(EVENTS_SQL.keptSince);
  return {
    countUntil: (identityId, atMs, most) => selectUntil.values(identityId, atMs, most).length,
    keptSinceMs: () => selectKeptSince.get()?.beforeMs ?? 0,
    newestOf: (identityIds, before, limit) => {
      let newest: EventPosition[] = [];
      for (const identityId of identityIds) {
        // An identity need not be read beyond what the ones before it have already filled the page with.
        const floorMs = newest.length < limit ? 0 : (newest.at(-1)?.occurredMs ?? 0);
        const places = [
          ...(before.eventSeq > 0 ? selectSameMoment.all(identityId, before.occurredMs, before.eventSeq, limit) : []),
          ...selectEarlier.all(identityId, before.occurredMs, floorMs, limit),
        ];
        if (places.length > 0) newest = [...newest, ...places].sort(newestFirst).slice(0, limit);
      }
      return newest.map(({ eventSeq }) => {
        const row = selectEvent.get(eventSeq);
        if (row === null) throw new Error("the index of events knows one that is not there");
        return eventOfRow(row);
      });
    },
  };
}

function newestFirst(a: EventPosition, b: EventPosition): number {
  return b.occurredMs - a.occurredMs || b.eventSeq - a.eventSeq;
}
