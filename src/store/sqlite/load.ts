import type { Database } from "bun:sqlite";
import type { LoneCommand } from "../../core/decide.ts";
import type { IdentifyCommand } from "../../core/decide-identify.ts";
import type { TrackCommand } from "../../core/decide-track.ts";
import { type Event, sessionKeyOf } from "../../core/event.ts";
import { type Identifier, identifierKey } from "../../core/identifier.ts";
import {
  emptyState,
  type Identity,
  type IntentScore,
  type Person,
  type Session,
  type State,
  sessionsKey,
} from "../../core/state.ts";
import { createAccountLoader } from "./load-accounts.ts";
import { createClickLoader } from "./load-click.ts";
import type { LoadParts } from "./load-parts.ts";
import { createPastLoader } from "./load-past.ts";
import { createReviewLoader } from "./load-review.ts";
import { createUndoLoader } from "./load-undo.ts";
import type { Recent } from "./recent.ts";
import {
  IDENTITY_COLUMNS,
  type IdentityRow,
  identityOf,
  SCORE_COLUMNS,
  type ScoreRow,
  SESSION_COLUMNS,
  type SessionRow,
  scoreOfRow,
  sessionOf,
} from "./row.ts";
import { createSuppressions } from "./suppression.ts";

export type Loader = {
  loadForTracking(commands: readonly TrackCommand[]): State;
  loadAlone(command: LoneCommand): State;
};

type PersonRow = [number, string, string, number | null, number | null, number];

/**
 * Brings the few rows that commands touch. Every statement on the path of an event is a search by key in one table:
 * here a join costs three to five times what its two searches cost.
 */
export function createLoader(database: Database, recent: Recent): Loader {
  const selectEventId = database.query<[number], [string]>("select 1 from event where event_id = ?");
  const selectIdentityIds = database.query<[number], [number]>("select identity_id from identity where person_id = ?");
  const selectSession = database.query<SessionRow, [number, string]>(
    `select ${SESSION_COLUMNS} from session where identity_id = ? and session_id = ?`,
  );
  const selectIdentity = database.query<IdentityRow, [string, string]>(
    `select ${IDENTITY_COLUMNS} from identity where value = ? and kind = ? and retired_at is null`,
  );
  const selectIdentitiesOf = database.query<IdentityRow, [number]>(
    `select ${IDENTITY_COLUMNS} from identity where person_id = ?`,
  );
  const selectPerson = database.query<PersonRow, [number]>(
    "select person_id, traits, verified_traits, account_id, merged_into, created_at from person where person_id = ?",
  );
  const selectScore = database.query<ScoreRow, [number]>(
    `select ${SCORE_COLUMNS} from intent_score where person_id = ?`,
  );
  const sharedKeysOf = sharedSessionLookup(database);
  const loadPast = createPastLoader(database);
  const suppressions = createSuppressions(database);
  const loadSessions = (state: State, personId: number, sessionKey: string): void => {
    const key = sessionsKey(personId, sessionKey);
    if (state.sessions.has(key)) return;
    const kept = recent.kept.sessions.get(key);
    if (kept !== undefined) {
      state.sessions.set(key, kept);
      return;
    }
    const sessions: Session[] = [];
    for (const [identityId] of selectIdentityIds.values(personId) as [number][]) {
      for (const row of selectSession.values(identityId, sessionKey) as SessionRow[])
        sessions.push(sessionOf(row, personId));
    }
    state.sessions.set(key, sessions);
    recent.kept.sessions.set(key, sessions);
  };

  const loadScore = (state: State, personId: number): void => {
    if (state.scores.has(personId)) return;
    let score = recent.kept.scores.get(personId);
    if (score === undefined) {
      const [row] = selectScore.values(personId) as ScoreRow[];
      if (row === undefined) throw new Error("a live person has a score");
      score = scoreOfRow(row);
      recent.kept.scores.set(personId, score);
    }
    state.scores.set(personId, score);
  };

  const { loadAccounts, loadStanding } = createAccountLoader(database, loadScore);

  const findIdentity = ({ kind, value }: Identifier, key: string): Identity | undefined => {
    const kept = recent.kept.identities.get(key);
    if (kept !== undefined) return kept;
    const [row] = selectIdentity.values(value, kind) as IdentityRow[];
    if (row === undefined) return undefined;
    const identity = identityOf(row);
    recent.kept.identities.set(key, identity);
    return identity;
  };

  const loadForTracking = (commands: readonly TrackCommand[]): State => {
    const state = emptyState();
    for (const { event, actor } of commands) {
      if (selectEventId.values(event.eventId).length > 0) {
        state.knownEventIds.add(event.eventId);
        continue;
      }
      const key = identifierKey(actor);
      let identity = state.identities.get(key);
      if (identity === undefined) {
        identity = findIdentity(actor, key);
        if (identity === undefined) {
          if (suppressions.isSuppressed(actor)) state.suppressed.add(key);
          else if (actor.kind === "email") loadAccounts(state, [actor]);
          continue;
        }
        state.identities.set(key, identity);
        loadScore(state, identity.personId);
        loadStanding(state, state.scores.get(identity.personId)?.accountId ?? null);
      }
      loadSessions(state, identity.personId, sessionKeyOf(event));
    }
    for (const { accountId } of state.accounts.values()) loadStanding(state, accountId);
    return state;
  };

  const findPerson = (personId: number): Person | null => {
    const [row] = selectPerson.values(personId) as PersonRow[];
    return row === undefined ? null : personOf(row);
  };

  const loadPerson = (state: State, personId: number): void => {
    const person = findPerson(personId);
    if (person === null) throw new Error("an identity points to nobody");
    state.people.set(personId, person);
    loadScore(state, personId);
    state.identitiesOf.set(personId, (selectIdentitiesOf.values(personId) as IdentityRow[]).map(identityOf));
  };

  const loadSharedSessions = (state: State): void => {
    const bySessionCount = [...state.scores.values()].sort((a, b) => a.sessionCount - b.sessionCount);
    const shared = new Set<string>();
    bySessionCount.forEach((small, position) => {
      for (const big of bySessionCount.slice(position + 1)) {
        for (const sessionKey of sharedKeysOf(small, big, state.identitiesOf.get(big.personId)?.length ?? 0))
          shared.add(sessionKey);
      }
    });
    state.sharedSessionKeys = [...shared];
    for (const { personId } of bySessionCount) for (const key of shared) loadSessions(state, personId, key);
  };

  /** All that is needed to put people together: those who are named by any of these. */
  const loadNamed = (state: State, named: readonly Identifier[], event: Event): State => {
    for (const identifier of named) {
      const key = identifierKey(identifier);
      const identity = findIdentity(identifier, key);
      if (identity !== undefined) state.identities.set(key, identity);
      else if (suppressions.isSuppressed(identifier)) state.suppressed.add(key);
    }
    const personIds = new Set([...state.identities.values()].map(({ personId }: Identity) => personId));
    for (const personId of personIds) {
      loadPerson(state, personId);
      loadSessions(state, personId, sessionKeyOf(event));
    }
    if (personIds.size > 1) loadSharedSessions(state);
    loadPast(state, [...personIds]);
    loadAccounts(state, named);
    for (const { accountId } of [...state.scores.values(), ...state.accounts.values()]) loadStanding(state, accountId);
    return state;
  };

  const loadForIdentify = ({ claims, unsigned, visitor, event }: IdentifyCommand): State =>
    loadNamed(emptyState(), [...claims, ...(unsigned?.claims ?? []), ...(visitor === null ? [] : [visitor])], event);

  const isStored = (eventId: string): boolean => selectEventId.values(eventId).length > 0;
  const loadForClick = createClickLoader(database, { isStored, loadNamed });

  const parts: LoadParts = {
    findIdentity: (identifier) => findIdentity(identifier, identifierKey(identifier)),
    isSuppressed: suppressions.isSuppressed,
    findPerson,
    loadScore,
    loadPerson,
    loadSharedSessions,
    loadAccounts,
    loadStanding,
  };
  const loadForUndo = createUndoLoader(database, parts);
  const loadForReview = createReviewLoader(database, parts);
  const loadAlone = (command: LoneCommand): State => {
    switch (command.type) {
      case "identify":
        return loadForIdentify(command);
      case "click":
        return loadForClick(command);
      case "undo":
        return loadForUndo(command);
      case "review":
        return loadForReview(command);
    }
  };
  return { loadForTracking, loadAlone };
}

type SessionsOf = Pick<IntentScore, "personId" | "sessionCount">;

/** Looks each session of the smaller side up under each browser of the other, or reads both sides, if that is less. */
function sharedSessionLookup(
  database: Database,
): (small: SessionsOf, big: SessionsOf, browsersOfBig: number) => string[] {
  const selectSharedKeys = database.query<[string], [number, number]>(
    `select distinct a.session_id
     from identity ia cross join session a on a.identity_id = ia.identity_id
       cross join identity ib on ib.person_id = ?2
       cross join session b on b.identity_id = ib.identity_id and b.session_id = a.session_id
     where ia.person_id = ?1`,
  );
  const selectSessionKeys = database.query<[string], [number]>(
    `select s.session_id from identity i cross join session s on s.identity_id = i.identity_id where i.person_id = ?`,
  );
  return (small, big, browsersOfBig) => {
    if (small.sessionCount * browsersOfBig <= small.sessionCount + big.sessionCount) {
      return selectSharedKeys.values(small.personId, big.personId).map(([sessionKey]) => sessionKey as string);
    }
    const own = new Set(selectSessionKeys.values(small.personId).map(([sessionKey]) => sessionKey as string));
    const theirs = selectSessionKeys.values(big.personId).map(([sessionKey]) => sessionKey as string);
    return theirs.filter((sessionKey) => own.has(sessionKey));
  };
}

function personOf([personId, traits, verifiedTraits, accountId, mergedInto, createdMs]: PersonRow): Person {
  return {
    personId,
    traits: JSON.parse(traits),
    verifiedTraits: JSON.parse(verifiedTraits),
    accountId,
    mergedInto,
    createdMs,
  };
}
