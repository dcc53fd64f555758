import { accountFor } from "./account-of.ts";
import { type Attribution, attributionOf, combineAttribution, touchOf } from "./attribution.ts";
import { attributionData } from "./channel.ts";
import type { Circumstances } from "./circumstances.ts";
import type { CompiledRule } from "./compile.ts";
import { countEvent } from "./count.ts";
import { type Event, sessionKeyOf } from "./event.ts";
import { type Identifier, identifierKey } from "./identifier.ts";
import { type MagnetRequest, requestOnce } from "./magnet-request.ts";
import { evaluate, scoreAndBoundOf, scoreOf } from "./score.ts";
import { type Signal, signalOf } from "./signal.ts";
import {
  type Changes,
  freshPerson,
  freshScore,
  type Identity,
  type IntentScore,
  noChanges,
  type Session,
  type State,
  sessionsKey,
} from "./state.ts";
import { isSuppressed } from "./suppressed.ts";
import { cross, levelOf, rearm } from "./threshold.ts";

export type TrackCommand = {
  type: "track";
  actor: Identifier;
  isTrusted: boolean;
  event: Event;
  /** The lead magnet that this form was sent for. */
  magnet?: MagnetRequest;
};

export type TrackOutcome =
  | { status: "duplicate"; eventId: string }
  | { status: "suppressed"; eventId: string }
  | {
      status: "accepted";
      eventId: string;
      personId: number;
      score: number;
      level: string;
      delta: number;
      signals: Signal[];
    };

export function decideTrack(
  state: State,
  command: TrackCommand,
  circumstances: Circumstances,
): { changes: Changes; outcome: TrackOutcome } {
  const { event, actor } = command;
  const { nowMs, rules } = circumstances;
  const changes = noChanges();
  if (state.knownEventIds.has(event.eventId))
    return { changes, outcome: { status: "duplicate", eventId: event.eventId } };

  const known = state.identities.get(identifierKey(actor));
  if (known === undefined && isSuppressed(state, actor))
    return { changes, outcome: { status: "suppressed", eventId: event.eventId } };
  const identity = known ?? freshIdentity(actor, circumstances.mintId(), command.isTrusted, circumstances);
  const accountId = known === undefined ? addPerson(state, identity, changes, circumstances) : null;
  const before = state.scores.get(identity.personId) ?? {
    ...freshScore(identity.personId, event.occurredMs),
    accountId,
  };
  const scoreBefore = scoreOf(before.sums, rules, nowMs);
  const recorded = recordEvent(state, identity, before, event, circumstances);
  const settled = recorded.isScored
    ? settleScore(
        { ...recorded.score, thresholds: rearm(before.thresholds, scoreBefore, rules.thresholds) },
        scoreBefore,
        circumstances,
      )
    : { score: placeScore(recorded.score, circumstances), signals: [] };
  const asked =
    command.magnet === undefined || !recorded.isScored
      ? { score: settled.score, signals: [] }
      : requestOnce(settled.score, scoreBefore, command.magnet, circumstances);
  const score = asked.score;
  const signals = [...settled.signals, ...asked.signals];
  changes.events.push({ ...event, identityId: identity.identityId });
  changes.sessions.push(recorded.session);
  changes.scores.push(score);
  changes.signals.push(...signals);
  const scoreNow = score.score;
  const outcome: TrackOutcome = {
    status: "accepted",
    eventId: event.eventId,
    personId: identity.personId,
    score: scoreNow,
    level: levelOf(scoreNow, rules.thresholds),
    delta: scoreNow - scoreBefore,
    signals,
  };
  return { changes, outcome };
}

/** Whoever is new; a backend may name them by an address, which makes them a company's. */
function addPerson(state: State, identity: Identity, changes: Changes, circumstances: Circumstances): number | null {
  const person = freshPerson(identity.personId, circumstances.nowMs);
  const account = accountFor(state, person, [identity], circumstances);
  const accountId = account?.accountId ?? null;
  changes.identities.push(identity);
  changes.people.push({ ...person, accountId });
  if (account !== null && !state.accounts.has(account.domain)) changes.accounts.push(account);
  return accountId;
}

/** A new identity of a new person, unless `personId` names whose it is. */
export function freshIdentity(
  identifier: Identifier,
  personId: number,
  isVerified: boolean,
  { nowMs, mintId }: Circumstances,
): Identity {
  const { kind, value } = identifier;
  return { kind, value, personId, isVerified, identityId: mintId(), createdMs: nowMs, retiredMs: null };
}

/**
 * Lets the event count in its session and its person's sums; a bot's event only leaves its trace in the session.
 * `people` are those whose sessions are one now: after a merge, more than the identity's own.
 */
export function recordEvent(
  state: State,
  identity: Identity,
  before: IntentScore,
  event: Event,
  { rules }: Circumstances,
  people: readonly number[] = [identity.personId],
): { session: Session; score: IntentScore; isScored: boolean } {
  const sessionKey = sessionKeyOf(event);
  const rows = people.flatMap((personId) => state.sessions.get(sessionsKey(personId, sessionKey)) ?? []);
  const own = rows.find(({ identityId }) => identityId === identity.identityId);
  const others = rows.filter((row) => row !== own).map((row) => row.counted);
  const touch = event.bot === null ? touchOf(event) : null;
  const attribution = touch === null ? null : attributionOf(touch);
  const matching: CompiledRule[] = event.bot === null ? rules.matching(event, touch) : [];
  let sums = before.sums;
  let counted = own?.counted ?? {};
  for (const rule of matching) ({ sums, counted } = countEvent(rule, sums, counted, others, event.occurredMs));
  const score: IntentScore = {
    ...before,
    sums,
    attribution: combineAttribution(before.attribution, attribution),
    firstSeenMs: Math.min(before.firstSeenMs, event.occurredMs),
    lastSeenMs: event.bot === null ? Math.max(before.lastSeenMs, event.occurredMs) : before.lastSeenMs,
    sessionCount: before.sessionCount + (own === undefined ? 1 : 0),
  };
  return {
    session: nextSession(identity, sessionKey, own, event, counted, attribution),
    score,
    isScored: event.bot === null,
  };
}

function nextSession(
  identity: Identity,
  sessionKey: string,
  own: Session | undefined,
  event: Event,
  counted: Session["counted"],
  attribution: Attribution | null,
): Session {
  const { occurredMs, url } = event;
  if (own === undefined) {
    return {
      identityId: identity.identityId,
      personId: identity.personId,
      sessionKey,
      startedMs: occurredMs,
      endedMs: occurredMs,
      entryUrl: url,
      exitUrl: url,
      eventCount: 1,
      counted,
      attribution,
    };
  }
  return {
    ...own,
    personId: identity.personId,
    startedMs: Math.min(own.startedMs, occurredMs),
    endedMs: Math.max(own.endedMs, occurredMs),
    entryUrl: occurredMs < own.startedMs ? (url ?? own.entryUrl) : (own.entryUrl ?? url),
    exitUrl: occurredMs >= own.endedMs ? (url ?? own.exitUrl) : (own.exitUrl ?? url),
    eventCount: own.eventCount + 1,
    counted,
    attribution: combineAttribution(own.attribution, attribution),
  };
}

/** Settles what the new sums mean now: the stored order, and a signal for every threshold crossed. */
export function settleScore(
  score: IntentScore,
  scoreBefore: number,
  circumstances: Circumstances,
): { score: IntentScore; signals: Signal[] } {
  const { rules, nowMs, mintId } = circumstances;
  const placed = placeScore(score, circumstances);
  const { states, crossed } = cross(score.thresholds, placed.score, rules.thresholds);
  const settled: IntentScore = { ...placed, thresholds: states };
  if (crossed.length === 0) return { score: settled, signals: [] };
  const evaluation = evaluate(score.sums, rules, nowMs);
  const signals = crossed.map(({ threshold, epoch }) =>
    signalOf(
      { signalId: mintId(), personId: score.personId, threshold, epoch },
      evaluation,
      scoreBefore,
      attributionData(score.attribution, rules.channelOf),
      rules,
      nowMs,
    ),
  );
  return { score: settled, signals };
}

/** Where a person stands in the stored order from now on. */
export function placeScore(score: IntentScore, { rules, nowMs }: Circumstances): IntentScore {
  const { score: scoreNow, bound } = scoreAndBoundOf(score.sums, rules, nowMs);
  return { ...score, score: scoreNow, scoreBound: bound, scoredMs: nowMs };
}
