import { accountFor } from "./account-of.ts";
import { askReview, besideOf } from "./ask-review.ts";
import type { Circumstances } from "./circumstances.ts";
import { freshIdentity, recordEvent, settleScore } from "./decide-track.ts";
import { absorb, type Draft, draftOf, mergeRecord, newDraft } from "./draft.ts";
import type { Event } from "./event.ts";
import { formatId } from "./id.ts";
import { type Identifier, identifierKey, strengthRank } from "./identifier.ts";
import { type Claim, type Past, type Resolution, resolveIdentity } from "./identity.ts";
import { type Evaluation, evaluate, scoreOf } from "./score.ts";
import type { Signal } from "./signal.ts";
import {
  type Account,
  type AuditNote,
  type Changes,
  type Identity,
  type IntentScore,
  type Merge,
  noChanges,
  type Person,
  pairKey,
  type State,
} from "./state.ts";
import { heedSuppressions } from "./suppressed.ts";
import { levelOf } from "./threshold.ts";
import { addTraits, type Traits } from "./traits.ts";
import { besideSigned, type Unsigned } from "./unsigned.ts";
import { vouch } from "./vouch.ts";

export type IdentifyCommand = {
  type: "identify";
  claims: Identifier[];
  visitor: Identifier | null;
  traits: Traits;
  /** Whether claims and traits are vouched for, by the secret key or by a signature. */
  isTrusted: boolean;
  /** The key that said so, whom the audit names for a merge; a browser has none. */
  by?: string;
  /** The browser stays by itself where what is claimed is somebody's already: to be taken for them takes a proof. */
  isVisitorUnproven?: boolean;
  /** Only where a browser's signature vouches: what it said beside what is signed. */
  unsigned?: Unsigned;
  /** What is scored and kept when this call says something new. */
  event: Event;
};

export type IdentifyOutcome =
  | {
      status: "identified";
      personId: number;
      isChanged: boolean;
      isMerged: boolean;
      isInReview: boolean;
      score: number;
      level: string;
      evaluation: Evaluation;
      signals: Signal[];
    }
  /** It named somebody who was erased: nothing was stored. */
  | { status: "suppressed" };

export function decideIdentify(
  state: State,
  given: IdentifyCommand,
  circumstances: Circumstances,
): { changes: Changes; outcome: IdentifyOutcome } {
  const { rules, nowMs, mintId } = circumstances;
  const changes = noChanges();
  const heeded = heedSuppressions(state, given);
  const command = heeded === null ? null : withProvenVisitor(state, heeded);
  if (command === null) return { changes, outcome: { status: "suppressed" } };
  const identitiesOf = (personId: number) => state.identitiesOf.get(personId) ?? [];
  const claims = command.claims.map((claim) => ({
    ...claim,
    identity: state.identities.get(identifierKey(claim)) ?? null,
  }));
  const visitor = command.visitor === null ? null : (state.identities.get(identifierKey(command.visitor)) ?? null);
  const resolution = resolveIdentity(claims, visitor, identitiesOf, command.isTrusted, pastOf(state));

  const isNew = resolution.target === null;
  let draft = isNew
    ? newDraft(mintId(), command.event.occurredMs, nowMs)
    : draftOf(state, resolution.target as number, circumstances);
  const scoreBefore = scoreOf(draft.score.sums, rules, nowMs);
  const through = throughOf(command);
  for (const absorbedId of resolution.absorb) {
    const absorbed = draftOf(state, absorbedId, circumstances);
    const merge = mergeRecord(draft, absorbed, through, circumstances);
    changes.merges.push(merge);
    if (command.by !== undefined) changes.audits.push(mergeNote(merge, command.by));
    draft = absorb(state, draft, absorbed, circumstances);
    changes.people.push({ ...absorbed.person, mergedInto: draft.person.personId });
  }
  const known = new Set([...state.identitiesOf.values()].flat());
  const said: Named = { command, claims, visitor };
  const settledClaims = [
    ...draft.identities.filter((identity) => !known.has(identity)),
    ...attach(draft, resolution, said, circumstances),
    ...(command.isTrusted ? vouch(command.claims, draft.identities, nowMs) : []),
  ];
  const beside = besideSigned(state, command.unsigned?.claims ?? [], carriedAfter(draft.identities, settledClaims));
  const identities = [...settledClaims, ...attachBeside(beside.attach, settledClaims, draft, said, circumstances)];
  const account = accountFor(state, draft.person, [...draft.identities, ...identities], circumstances);
  const person = withTraits(withAccount(draft.person, account), command);
  const isChanged = isNew || identities.length > 0 || person !== draft.person;
  changes.identities.push(...identities);
  if (account !== null && !state.accounts.has(account.domain)) changes.accounts.push(account);
  const reviews = [
    askReview(state, changes, resolution, command.isTrusted, person, said, circumstances),
    askReview(state, changes, { ...beside, isVisitorLeft: false }, false, person, besideOf(state, said), circumstances),
  ];
  const settled = isChanged
    ? scoreChange(state, command, changes, { ...draft, person }, identities, scoreBefore, circumstances)
    : { score: draft.score, signals: [] };
  const evaluation = evaluate(settled.score.sums, rules, nowMs);
  return {
    changes,
    outcome: {
      status: "identified",
      personId: person.personId,
      isChanged,
      isMerged: resolution.absorb.length > 0,
      isInReview: reviews.includes(true),
      score: evaluation.score,
      level: levelOf(evaluation.score, rules.thresholds),
      evaluation,
      signals: settled.signals,
    },
  };
}

function withProvenVisitor(state: State, command: IdentifyCommand): IdentifyCommand {
  const { claims, visitor, isVisitorUnproven } = command;
  if (isVisitorUnproven !== true || visitor === null) return command;
  const own = state.identities.get(identifierKey(visitor))?.personId;
  const holders = claims.flatMap((claim) => state.identities.get(identifierKey(claim))?.personId ?? []);
  return holders.every((personId) => personId === own) ? command : { ...command, visitor: null };
}

type Named = { command: IdentifyCommand; claims: readonly Claim[]; visitor: Identity | null };

/** What a person carries once these changes are made. */
function carriedAfter(before: readonly Identity[], changed: readonly Identity[]): Identity[] {
  const byId = new Map([...before, ...changed].map((identity) => [identity.identityId, identity]));
  return [...byId.values()];
}

/** Unverified, and said with the first that is signed. */
function attachBeside(
  fresh: readonly Identifier[],
  attached: readonly Identity[],
  { person: { personId } }: Draft,
  { command, claims }: Named,
  circumstances: Circumstances,
): Identity[] {
  const signed = new Set(command.claims.map(identifierKey));
  const saidWith =
    claims.find(({ identity }) => identity !== null)?.identity ??
    attached.find((identity) => signed.has(identifierKey(identity)));
  return fresh.map((identifier) => ({
    ...freshIdentity(identifier, personId, false, circumstances),
    saidWith: saidWith?.identityId ?? null,
  }));
}

function pastOf({ apart, mergeCounts }: State): Past {
  return {
    isApart: (personId, otherId) => apart.has(pairKey(personId, otherId)),
    mergesOf: (personId) => mergeCounts.get(personId) ?? 0,
  };
}

function mergeNote({ mergeId, mergedMs, survivorId, absorbedId }: Merge, keyId: string): AuditNote {
  const detail = { survivor: formatId("person", survivorId), absorbed: formatId("person", absorbedId) };
  return { occurredMs: mergedMs, keyId, action: "merge", subject: formatId("merge", mergeId), detail };
}

/** Something new was said: it counts as an event, and thresholds are looked at once, after merge and event. */
function scoreChange(
  state: State,
  command: IdentifyCommand,
  changes: Changes,
  draft: Draft,
  fresh: readonly Identity[],
  scoreBefore: number,
  circumstances: Circumstances,
): { score: IntentScore; signals: Signal[] } {
  const actor = actorOf(command, fresh, draft.identities);
  const score = { ...draft.score, accountId: draft.person.accountId };
  const recorded = recordEvent(state, actor, score, command.event, circumstances, draft.people);
  const settled = settleScore(recorded.score, scoreBefore, circumstances);
  changes.people.push(draft.person);
  changes.scores.push(settled.score);
  changes.sessions.push(recorded.session);
  changes.events.push({ ...command.event, identityId: actor.identityId });
  changes.signals.push(...settled.signals);
  return settled;
}

/** Who did it: the browser if one is named, else the strongest identifier. */
function actorOf(command: IdentifyCommand, fresh: readonly Identity[], known: readonly Identity[]): Identity {
  const named = new Set([...command.claims, ...(command.visitor === null ? [] : [command.visitor])].map(identifierKey));
  const live = [...fresh, ...known].filter(({ retiredMs }) => retiredMs === null);
  const candidates = live.filter((identity) => named.has(identifierKey(identity)));
  const actor = candidates.sort((a, b) => strengthRank(b.kind) - strengthRank(a.kind))[0] ?? live[0];
  if (actor === undefined) throw new Error("an identify leaves its person with an identity");
  return actor;
}

/** The identifier kinds that said so, and who vouched for them. */
function throughOf({ claims, visitor, isTrusted, unsigned }: IdentifyCommand): string {
  const vouched = unsigned === undefined ? "secret_key" : "signed";
  const kinds = [...claims, ...(visitor === null ? [] : [visitor])].map(({ kind }) => kind);
  return `${isTrusted ? vouched : "public"}:${[...new Set(kinds)].join("+")}`;
}

/**
 * The identities this call adds. In a switch the browser's old one is retired, and a new one takes its value over; or the
 * one that this person had retired before, so that a browser which two people share costs them one row each.
 */
function attach(
  { person: { personId }, identities: own }: Draft,
  { attach: fresh, isSwitch, isVisitorLeft }: Resolution,
  { command, claims, visitor }: Named,
  circumstances: Circumstances,
): Identity[] {
  const known = [...claims]
    .sort((a, b) => strengthRank(a.kind) - strengthRank(b.kind))
    .find(({ identity }) => identity !== null)?.identity;
  const saidWith = (known ?? (isSwitch ? null : visitor))?.identityId ?? null;
  const make = (identifier: Identifier, isVerified: boolean): Identity => ({
    ...freshIdentity(identifier, personId, isVerified, circumstances),
    saidWith,
  });
  const added = fresh.map((identifier) => make(identifier, command.isTrusted));
  if (command.visitor !== null && !isVisitorLeft && (visitor === null || isSwitch)) {
    if (visitor !== null) added.push({ ...visitor, retiredMs: circumstances.nowMs });
    const key = identifierKey(command.visitor);
    const retired = own.find((identity) => identifierKey(identity) === key);
    added.push(retired === undefined ? make(command.visitor, false) : { ...retired, retiredMs: null });
  }
  return added;
}

function withAccount(person: Person, account: Account | null): Person {
  return account === null ? person : { ...person, accountId: account.accountId };
}

function withTraits(person: Person, command: IdentifyCommand): Person {
  const unsigned = command.isTrusted ? (command.unsigned?.traits ?? {}) : command.traits;
  const traits = addTraits(person.traits, unsigned);
  const verifiedTraits = command.isTrusted ? addTraits(person.verifiedTraits, command.traits) : person.verifiedTraits;
  if (traits === person.traits && verifiedTraits === person.verifiedTraits) return person;
  return { ...person, traits, verifiedTraits };
}
