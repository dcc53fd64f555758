import type { Attribution } from "./attribution.ts";
import type { Click, Link } from "./click.ts";
import type { CountedTimes } from "./count.ts";
import type { Event } from "./event.ts";
import type { Identifier } from "./identifier.ts";
import type { Sums } from "./score.ts";
import type { Signal } from "./signal.ts";
import type { ThresholdStates } from "./threshold.ts";
import type { Traits } from "./traits.ts";

/** One identifier and whose it is. Events point here, so a merge moves identities and never events. */
export type Identity = Identifier & {
  identityId: number;
  personId: number;
  isVerified: boolean;
  createdMs: number;
  /** Set when the browser went over to somebody else: the past stays here, the value lives on in a new identity. */
  retiredMs: number | null;
  /** The identity of the same person that this one was said together with; known where a merge is undone. */
  saidWith?: number | null;
};

export type Person = {
  personId: number;
  /** What anybody said, and what the secret key said; the latter wins. */
  traits: Traits;
  verifiedTraits: Traits;
  accountId: number | null;
  mergedInto: number | null;
  createdMs: number;
};

/** What every event changes of a person; kept apart from the person so that an event writes one small row. */
export type IntentScore = {
  personId: number;
  /** The person's account once more, so that an event need not load the person to know it. */
  accountId: number | null;
  sums: Sums;
  thresholds: ThresholdStates;
  attribution: Attribution | null;
  firstSeenMs: number;
  lastSeenMs: number;
  /** How many sessions came in under this person; decides which side of a merge is the cheaper one to look through. */
  sessionCount: number;
  /** Score and its upper bound as of `scoredMs`: for the stored order only, never read as the score. */
  score: number;
  scoreBound: number;
  scoredMs: number;
};

/** One visitor's share of one session id. */
export type Session = {
  identityId: number;
  /** Whose visitor this is now; follows the identity through merges. */
  personId: number;
  sessionKey: string;
  startedMs: number;
  endedMs: number;
  entryUrl: string | null;
  exitUrl: string | null;
  eventCount: number;
  counted: CountedTimes;
  attribution: Attribution | null;
};

/** Where an account stands with its thresholds, and the people who may count for it: those seen last. */
export type AccountStanding = { accountId: number; thresholds: ThresholdStates; personIds: number[] };

export type Account = { accountId: number; domain: string; createdMs: number };

export type StoredEvent = Event & { identityId: number };

/** A merge with what it takes to undo it: each side's identities and score as they were. */
export type Merge = {
  mergeId: number;
  survivorId: number;
  absorbedId: number;
  mergedMs: number;
  /** The identifier kinds that said so, and whether the secret key did. */
  through: string;
  survivor: MergeSide;
  absorbed: MergeSide;
};

export type MergeSide = { identityIds: number[]; person: Person; score: IntentScore };

/** A side of a merge in the log: what its identities came to with all events up to one. */
export type LoggedSide = MergeSide & { mergeId: number; mergedMs: number; lastEventSeq: number };

export type SequencedEvent = StoredEvent & { eventSeq: number };

export type UndoneMerge = { mergeId: number; undoneMs: number };

/** Two people whom somebody holds apart. */
export type ApartPair = { personId: number; otherId: number; partedMs: number };

export type MergeReview = {
  reviewId: number;
  /** In the order of their ids. */
  personIds: number[];
  reason: ReviewReason;
  /** What was named and is nobody's yet, or a browser that nobody is known by; those that were rejected stay so. */
  claims: ReviewClaim[];
  createdMs: number;
  decidedMs: number | null;
  decision: ReviewDecision | null;
};

export type ReviewClaim = Identifier & { isRejected: boolean };

export type ReviewDecision = "approved" | "rejected";

export type ReviewReason =
  | "unsigned_claim"
  | "user_id_conflict"
  | "too_many_profiles"
  | "too_many_identifiers"
  | "too_many_merges"
  | "kept_apart";

/** What somebody did with a key, to be kept in the transaction that did it. */
export type AuditNote = {
  occurredMs: number;
  keyId: string;
  action: string;
  subject: string;
  detail: { [name: string]: string | number };
};

/** What an undo needs to know beside the person who holds both sides. */
export type Parting = {
  merge: Merge & { undoneMs: number | null };
  /** Who holds both sides today; null when they are gone. */
  ownerId: number | null;
  absorbed: Person | null;
  /** Every side of every merge that the owner was part of, undone ones too, the latest first. */
  logged: LoggedSide[];
  sessions: Session[];
  /** What the owner's identities did after they were logged. */
  events: SequencedEvent[];
  /** The survivor's own doings are too many for one transaction and are left out: what is not the other's is theirs. */
  isSurvivorUntold: boolean;
  /** Those of the absorbed side are, and then nobody can be parted. */
  isTooLong: boolean;
};

/** The few rows that the commands of one load touch. */
export type State = {
  knownEventIds: Set<string>;
  identities: Map<string, Identity>;
  /** All identities of the people that an identify touches; tracking needs none of them. */
  identitiesOf: Map<number, Identity[]>;
  people: Map<number, Person>;
  scores: Map<number, IntentScore>;
  /** By person and session key; the rows of all the person's visitors. */
  sessions: Map<string, Session[]>;
  /** Session keys under which more than one of the touched people were active. */
  sharedSessionKeys: string[];
  accounts: Map<string, Account>;
  /** Identifiers that nobody is known by and nobody may be: those of people who were erased. */
  suppressed: Set<string>;
  /** The accounts of all touched people; the scores of the people in it are loaded as well. */
  standings: Map<number, AccountStanding>;
  /** How many people each of the touched has absorbed, where a merge is possible. */
  mergeCounts: Map<number, number>;
  /** Pairs of the touched people whom somebody holds apart, as `pairKey`. */
  apart: Set<string>;
  /** Reviews about the touched people and nobody else. */
  reviews: MergeReview[];
  /** How many questions about a person wait, up to the limit. */
  openReviewCounts: Map<number, number>;
  /** What an undo is about; null when there is no such merge. */
  parting: Parting | null;
  /** The review that is decided, and who its people are by now; null when there is none. */
  review: { review: MergeReview; personIds: number[] } | null;
  /** The campaign link that a click names; null when it is nobody's. */
  link: Link | null;
};

export type Changes = {
  identities: Identity[];
  people: Person[];
  scores: IntentScore[];
  sessions: Session[];
  events: StoredEvent[];
  accounts: Account[];
  standings: AccountStanding[];
  merges: Merge[];
  undone: UndoneMerge[];
  apart: ApartPair[];
  reviews: MergeReview[];
  audits: AuditNote[];
  signals: Signal[];
  clicks: Click[];
};

export function noChanges(): Changes {
  return {
    identities: [],
    people: [],
    scores: [],
    sessions: [],
    events: [],
    accounts: [],
    standings: [],
    merges: [],
    undone: [],
    apart: [],
    reviews: [],
    audits: [],
    signals: [],
    clicks: [],
  };
}

export function emptyState(): State {
  return {
    knownEventIds: new Set(),
    identities: new Map(),
    identitiesOf: new Map(),
    people: new Map(),
    scores: new Map(),
    sessions: new Map(),
    sharedSessionKeys: [],
    accounts: new Map(),
    suppressed: new Set(),
    standings: new Map(),
    mergeCounts: new Map(),
    apart: new Set(),
    reviews: [],
    openReviewCounts: new Map(),
    parting: null,
    review: null,
    link: null,
  };
}

export function sessionsKey(personId: number, sessionKey: string): string {
  return `${personId} ${sessionKey}`;
}

export function pairKey(personId: number, otherId: number): string {
  return personId < otherId ? `${personId} ${otherId}` : `${otherId} ${personId}`;
}

export function freshPerson(personId: number, nowMs: number): Person {
  return { personId, traits: {}, verifiedTraits: {}, accountId: null, mergedInto: null, createdMs: nowMs };
}

/** Until something is done that is no machine's doing, nobody was seen. */
export function freshScore(personId: number, seenMs: number): IntentScore {
  return {
    personId,
    accountId: null,
    sums: {},
    thresholds: {},
    attribution: null,
    firstSeenMs: seenMs,
    lastSeenMs: 0,
    sessionCount: 0,
    score: 0,
    scoreBound: 0,
    scoredMs: seenMs,
  };
}

/** To be shown: whoever only machines came as was seen when the first of them was. */
export function shownLastSeenMs({ firstSeenMs, lastSeenMs }: Pick<IntentScore, "firstSeenMs" | "lastSeenMs">): number {
  return Math.max(firstSeenMs, lastSeenMs);
}
