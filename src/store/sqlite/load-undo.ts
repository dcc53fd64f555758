import type { Database } from "bun:sqlite";
import { UNDO_EVENTS_MAX, type UndoCommand } from "../../core/decide-undo.ts";
import { identifierKey } from "../../core/identifier.ts";
import { marksOf, type Side, sidesOf } from "../../core/parted-people.ts";
import {
  emptyState,
  type LoggedSide,
  type Merge,
  type MergeSide,
  type SequencedEvent,
  type State,
} from "../../core/state.ts";
import type { LoadParts } from "./load-parts.ts";
import {
  EVENT_COLUMNS,
  type EventRow,
  eventOfRow,
  MERGE_COLUMNS,
  SESSION_COLUMNS,
  type SessionRow,
  sessionOf,
} from "./row.ts";
import { withWhole } from "./whole.ts";

type MergeRow = {
  mergeId: number;
  survivorId: number;
  absorbedId: number;
  through: string;
  mergedMs: number;
  undoneMs: number | null;
  snapshot: string;
  lastEventSeq: number;
};

const LOGGED_COLUMNS = `${MERGE_COLUMNS}, snapshot, last_event_seq as lastEventSeq`;

/** Merges of one person that an undo looks at; with the limit on merges and every one undone and done again. */
const LOGGED_MERGES_MAX = 1_000;

/** Brings both sides of a merge: all that whoever holds them today consists of, and what happened since. */
export function createUndoLoader(database: Database, parts: LoadParts): (command: UndoCommand) => State {
  const selectMerge = database.query<MergeRow, [number]>(`select ${LOGGED_COLUMNS} from merge where merge_id = ?`);
  const selectMerges = database.query<MergeRow, [number, number]>(
    `${withWhole("?1")} select ${LOGGED_COLUMNS} from merge
     where survivor_id in (select person_id from whole) or absorbed_id in (select person_id from whole)
     order by last_event_seq desc, merge_id desc limit ?2`,
  );
  const selectSaidWith = database.query<[number, number | null], [number]>(
    "select identity_id, said_with from identity where person_id = ?",
  );
  const selectSessions = database.query<SessionRow, [number]>(
    `select ${SESSION_COLUMNS} from session where identity_id = ?`,
  );
  const selectEvents = database.query<EventRow<SequencedEvent>, [number, number, number]>(
    `select ${EVENT_COLUMNS} from event where identity_id = ? and event_seq > ? limit ?`,
  );

  const ownerOf = (state: State, personId: number): number | null => {
    const seen = new Set<number>();
    let found = personId;
    while (!seen.has(found)) {
      seen.add(found);
      const person = parts.findPerson(found);
      if (person === null) return null;
      state.people.set(found, person);
      if (person.mergedInto === null) return found;
      found = person.mergedInto;
    }
    throw new Error("people lead to each other in a circle");
  };

  /** What a side did after it was logged; null when that is more than there is room for. */
  const eventsSince = (side: Side, room: number): SequencedEvent[] | null => {
    const marks = marksOf(side);
    const events: SequencedEvent[] = [];
    for (const { identityId } of side.identities) {
      const left = room - events.length;
      const found = selectEvents.all(identityId, marks.get(identityId) ?? 0, left + 1);
      if (found.length > left) return null;
      for (const row of found) events.push(eventOfRow(row));
    }
    return events;
  };

  const loadSides = (state: State, merge: Merge & { undoneMs: number | null }, ownerId: number): void => {
    const saidWith = new Map(selectSaidWith.values(ownerId) as [number, number | null][]);
    const identities = (state.identitiesOf.get(ownerId) ?? []).map((identity) => ({
      ...identity,
      saidWith: saidWith.get(identity.identityId) ?? null,
    }));
    state.identitiesOf.set(ownerId, identities);
    for (const identity of identities) {
      const live = parts.findIdentity(identity);
      if (live !== undefined) state.identities.set(identifierKey(live), live);
    }
    const logged = selectMerges.all(ownerId, LOGGED_MERGES_MAX).flatMap(loggedSides);
    const sides = sidesOf(merge, identities, logged);
    const sessions = identities.flatMap(({ identityId }) =>
      (selectSessions.values(identityId) as SessionRow[]).map((row) => sessionOf(row, ownerId)),
    );
    const theirs = eventsSince(sides.absorbed, UNDO_EVENTS_MAX);
    const mine = theirs === null ? null : eventsSince(sides.survivor, UNDO_EVENTS_MAX - theirs.length);
    state.parting = {
      merge,
      ownerId,
      absorbed: parts.findPerson(merge.absorbedId),
      logged,
      sessions,
      events: [...(theirs ?? []), ...(mine ?? [])],
      isSurvivorUntold: mine === null,
      isTooLong: theirs === null,
    };
  };

  return ({ mergeId }) => {
    const state = emptyState();
    const row = selectMerge.get(mergeId);
    if (row === null) return state;
    const [survivor, absorbed] = loggedSides(row);
    const merge = { ...row, survivor, absorbed };
    state.parting = { merge, ownerId: null, absorbed: null, ...NOTHING_SINCE };
    if (merge.undoneMs !== null) return state;
    const ownerId = ownerOf(state, merge.absorbedId);
    if (ownerId === null || ownerId === merge.absorbedId) return state;
    parts.loadPerson(state, ownerId);
    parts.loadAccounts(state, []);
    loadSides(state, merge, ownerId);
    return state;
  };
}

const NOTHING_SINCE = { logged: [], sessions: [], events: [], isSurvivorUntold: false, isTooLong: false };

function loggedSides({ mergeId, mergedMs, lastEventSeq, snapshot }: MergeRow): [LoggedSide, LoggedSide] {
  const { survivor, absorbed } = JSON.parse(snapshot) as { survivor: MergeSide; absorbed: MergeSide };
  const logged = { mergeId, mergedMs, lastEventSeq };
  return [
    { ...survivor, ...logged },
    { ...absorbed, ...logged },
  ];
}
