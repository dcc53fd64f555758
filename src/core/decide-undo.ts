import { type Attribution, combineAttribution } from "./attribution.ts";
import type { Circumstances } from "./circumstances.ts";
import { placeScore } from "./decide-track.ts";
import { AppError } from "./error.ts";
import { formatId } from "./id.ts";
import { identifierKey } from "./identifier.ts";
import { requestsOfSide } from "./magnet-request.ts";
import { doingsOf, personOfSide, revivedUserId, type Side, sidesOf, withUntoldTraits } from "./parted-people.ts";
import { sumsOfSide, withRemainder } from "./parted-sums.ts";
import { type Sums, scoreOf } from "./score.ts";
import {
  type Account,
  type Changes,
  type Identity,
  type IntentScore,
  noChanges,
  type Parting,
  type Person,
  type Session,
  type State,
} from "./state.ts";
import { levelOf, rearm, type ThresholdStates } from "./threshold.ts";

export type UndoCommand = { type: "undo"; mergeId: number; keyId: string };

export type Standing = { personId: number; score: number; level: string };

export type UndoOutcome = {
  status: "undone";
  mergeId: number;
  undoneMs: number;
  /** Who held both sides until now: the survivor, or whoever absorbed it since. */
  survivor: Standing;
  absorbed: Standing;
};

/**
 * Events since a merge that an undo goes through, in one transaction, while which everything else waits: some 50 ms. A
 * survivor with more is told by what is left; an absorbed side with more is not parted.
 */
export const UNDO_EVENTS_MAX = 10_000;

/**
 * Parts two people again. Each side is what it was when the merge was logged, with what its identities did since. Nothing
 * is signalled: who has reached a level keeps it as told, until falling below its re-arm level.
 */
export function decideUndo(
  state: State,
  { mergeId, keyId }: UndoCommand,
  circumstances: Circumstances,
): { changes: Changes; outcome: UndoOutcome } {
  const { nowMs, rules } = circumstances;
  const { parting, owner, ownerScore, absorbedRow } = partable(state);
  const { merge } = parting;
  const sides = sidesOf(merge, state.identitiesOf.get(owner.personId) ?? [], parting.logged);
  const [kept, parted] = [doingsOf(sides.survivor, parting), doingsOf(sides.absorbed, parting)];
  const changes = noChanges();
  const apart = personOfSide(state, absorbedRow, owner, sides.absorbed, parted.events, circumstances);
  const accounts = withAccount(state.accounts, apart.account);
  const own = personOfSide({ ...state, accounts }, owner, owner, sides.survivor, kept.events, circumstances);
  changes.accounts.push(...freshAccounts(state, [apart.account, own.account]));
  const survivor = withUntoldTraits(own.person, owner, apart.person, parting.isSurvivorUntold);

  const partedSums = sumsOfSide({ logged: sides.absorbed.logged, ...parted }, rules);
  const keptSums = sumsOfSide({ logged: sides.survivor.logged, ...kept }, rules);
  const emitted = rearm(ownerScore.thresholds, scoreOf(ownerScore.sums, rules, nowMs), rules.thresholds);
  const scoreOfOne = (person: Person, side: Side, doings: ReturnType<typeof doingsOf>, sums: Sums) =>
    scoreOfSide(person, side, doings, sums, requestsOfSide(emitted, side.logged, doings.events), circumstances);
  const keptScore = scoreOfOne(
    survivor,
    sides.survivor,
    kept,
    withRemainder(rules, ownerScore.sums, keptSums, partedSums),
  );
  const scores = {
    survivor: parting.isSurvivorUntold ? withUntoldVisits(keptScore, ownerScore, kept.sessions) : keptScore,
    absorbed: scoreOfOne(apart.person, sides.absorbed, parted, partedSums),
  };
  changes.people.push(survivor, apart.person);
  changes.scores.push(scores.survivor, scores.absorbed);
  const moved = sides.absorbed.identities.map((identity) => ({ ...identity, personId: apart.person.personId }));
  changes.identities.push(...moved, ...revivedOf(state, moved, sides.survivor.identities, merge.mergedMs));
  changes.undone.push({ mergeId, undoneMs: nowMs });
  changes.apart.push({ personId: merge.survivorId, otherId: merge.absorbedId, partedMs: nowMs });
  changes.audits.push({
    occurredMs: nowMs,
    keyId,
    action: "merge_undo",
    subject: formatId("merge", mergeId),
    detail: { survivor: formatId("person", owner.personId), absorbed: formatId("person", merge.absorbedId) },
  });
  const standing = ({ personId, score }: IntentScore): Standing => ({
    personId,
    score,
    level: levelOf(score, rules.thresholds),
  });
  const outcome: UndoOutcome = {
    status: "undone",
    mergeId,
    undoneMs: nowMs,
    survivor: standing(scores.survivor),
    absorbed: standing(scores.absorbed),
  };
  return { changes, outcome };
}

/** Comes after the identities that moved, and takes their place in what is written. */
function revivedOf(
  { identities }: State,
  moved: readonly Identity[],
  kept: readonly Identity[],
  mergedMs: number,
): Identity[] {
  const isLive = (one: Identity) => identities.has(identifierKey(one));
  const theirs = revivedUserId(moved, mergedMs, isLive);
  const isTaken = (one: Identity) => isLive(one) || (theirs !== null && identifierKey(theirs) === identifierKey(one));
  return [theirs, revivedUserId(kept, mergedMs, isTaken)].filter((one) => one !== null);
}

type Partable = { parting: Parting; owner: Person; ownerScore: IntentScore; absorbedRow: Person };

function partable({ parting, people, scores }: State): Partable {
  if (parting === null) throw new AppError("not_found", "there is no such merge; GET /merges lists them");
  const { merge, ownerId, absorbed, isTooLong } = parting;
  if (merge.undoneMs !== null) {
    throw new AppError(
      "conflict",
      `this merge was undone at ${new Date(merge.undoneMs).toISOString()}; both sides live`,
    );
  }
  const owner = ownerId === null ? undefined : people.get(ownerId);
  const ownerScore = ownerId === null ? undefined : scores.get(ownerId);
  if (owner === undefined || ownerScore === undefined || absorbed === null) {
    throw new AppError("conflict", "one side of this merge was erased; there is nothing left to part");
  }
  if (isTooLong) {
    throw new AppError(
      "conflict",
      `the absorbed side did more than ${UNDO_EVENTS_MAX} things since this merge, too many to go through at once`,
    );
  }
  return { parting, owner, ownerScore, absorbedRow: absorbed };
}

function withAccount(accounts: State["accounts"], account: Account | null): State["accounts"] {
  return account === null ? accounts : new Map(accounts).set(account.domain, account);
}

function freshAccounts({ accounts }: State, found: readonly (Account | null)[]): Account[] {
  const fresh = found.filter((account) => account !== null).filter(({ domain }) => !accounts.has(domain));
  return [...new Map(fresh.map((account) => [account.domain, account])).values()];
}

/** What was left out may have been done at the end of any visit, and by nobody after the whole was seen last. */
function withUntoldVisits(score: IntentScore, whole: IntentScore, sessions: readonly Session[]): IntentScore {
  const lastSeenMs = sessions.reduce((last, { endedMs }) => Math.max(last, endedMs), score.lastSeenMs);
  return { ...score, lastSeenMs: Math.min(lastSeenMs, whole.lastSeenMs) };
}

/** A level that either side has emitted stays emitted for both, unless a side's own score is below the re-arm level. */
function scoreOfSide(
  person: Person,
  { logged }: Side,
  { sessions, events }: ReturnType<typeof doingsOf>,
  sums: Sums,
  emitted: ThresholdStates,
  circumstances: Circumstances,
): IntentScore {
  const firstSeenMs = [...logged.map(({ score }) => score.firstSeenMs), ...sessions.map(({ startedMs }) => startedMs)];
  const doneMs = events.filter(({ bot }) => bot === null).map(({ occurredMs }) => occurredMs);
  const lastSeenMs = [...logged.map(({ score }) => score.lastSeenMs), ...doneMs];
  const touches = [...logged.map(({ score }) => score.attribution), ...sessions.map(({ attribution }) => attribution)];
  const placed = placeScore(
    {
      personId: person.personId,
      accountId: person.accountId,
      sums,
      thresholds: emitted,
      attribution: touches.reduce<Attribution | null>(combineAttribution, null),
      firstSeenMs: firstSeenMs.reduce((first, atMs) => Math.min(first, atMs), firstSeenMs[0] ?? person.createdMs),
      lastSeenMs: lastSeenMs.reduce((last, atMs) => Math.max(last, atMs), 0),
      sessionCount: sessions.length,
      score: 0,
      scoreBound: 0,
      scoredMs: circumstances.nowMs,
    },
    circumstances,
  );
  return { ...placed, thresholds: rearm(placed.thresholds, placed.score, circumstances.rules.thresholds) };
}
