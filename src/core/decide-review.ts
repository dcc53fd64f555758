import { accountFor } from "./account-of.ts";
import type { Circumstances } from "./circumstances.ts";
import { freshIdentity, settleScore } from "./decide-track.ts";
import type { Standing } from "./decide-undo.ts";
import { absorb, type Draft, draftOf, mergeRecord } from "./draft.ts";
import { AppError } from "./error.ts";
import { formatId } from "./id.ts";
import { identifierKey, strengthRank } from "./identifier.ts";
import { survivorOf } from "./identity.ts";
import { askedReview, pendingClaims } from "./review.ts";
import { scoreOf } from "./score.ts";
import type { Signal } from "./signal.ts";
import { type Changes, type Identity, type MergeReview, noChanges, type ReviewDecision, type State } from "./state.ts";
import { isSuppressed } from "./suppressed.ts";
import { levelOf } from "./threshold.ts";

export type ReviewCommand = { type: "review"; reviewId: number; verdict: ReviewDecision; keyId: string };

export type ReviewOutcome =
  | {
      status: "reviewed";
      review: MergeReview;
      /** Who they all are by an approval; null after a rejection. */
      person: Standing | null;
      mergeIds: number[];
      signals: Signal[];
    }
  /** Nobody was merged: what was claimed is by now somebody's whom the review did not show. This one shows them all. */
  | { status: "asked_anew"; review: MergeReview };

type Decided = { changes: Changes; outcome: ReviewOutcome };

/** A person's word on what no rule may decide: it goes beyond the limits that sent it here. */
export function decideReview(state: State, command: ReviewCommand, circumstances: Circumstances): Decided {
  if (state.review === null) throw new AppError("not_found", "there is no such review; GET /reviews lists them");
  const { review: known, personIds } = state.review;
  if (known.decision !== null) {
    throw new AppError("conflict", `this review was ${known.decision} already; undo the merge if that was wrong`);
  }
  if (personIds.length === 0) throw new AppError("conflict", "the people of this review were erased");
  const browsers = browsersOf(state, known, personIds);
  const outsiders = holdersOf(state, known).filter((one) => !personIds.includes(one) && !browsers.includes(one));
  if (command.verdict === "approved" && outsiders.length > 0) {
    return askAnew(state, known, [...personIds, ...outsiders], circumstances);
  }
  const changes = noChanges();
  const review: MergeReview = { ...known, decision: command.verdict, decidedMs: circumstances.nowMs };
  changes.audits.push({
    occurredMs: circumstances.nowMs,
    keyId: command.keyId,
    action: command.verdict === "approved" ? "review_approve" : "review_reject",
    subject: formatId("review", review.reviewId),
    detail: { people: personIds.length, claims: pendingClaims(known).length },
  });
  return command.verdict === "approved"
    ? approve(state, review, [...personIds, ...browsers], changes, circumstances)
    : reject(review, personIds, browsers, changes, circumstances);
}

/** Whose by now what was claimed is. */
function holdersOf({ identities }: State, review: MergeReview): number[] {
  const found = pendingClaims(review).flatMap((claim) => identities.get(identifierKey(claim))?.personId ?? []);
  return [...new Set(found)];
}

/** Visitors of whom there is no more to see than the browser that the review shows. */
function browsersOf(state: State, review: MergeReview, personIds: readonly number[]): number[] {
  const named = new Set(pendingClaims(review).map(identifierKey));
  const isShown = (one: Identity) => one.kind === "anonymous_id" && named.has(identifierKey(one));
  return holdersOf(state, review).filter(
    (personId) => !personIds.includes(personId) && (state.identitiesOf.get(personId) ?? []).every(isShown),
  );
}

/** The question about all of them, which is one that exists or a new one; this one stays as it is. */
function askAnew(state: State, known: MergeReview, people: readonly number[], circumstances: Circumstances): Decided {
  const { nowMs, mintId } = circumstances;
  const personIds = [...people].sort((a, b) => a - b);
  const asked = askedReview(state.reviews, { personIds, reason: known.reason, claims: [] }, nowMs, mintId);
  const changes = noChanges();
  if (asked.isChanged) changes.reviews.push(asked.review);
  return { changes, outcome: { status: "asked_anew", review: asked.review } };
}

function reject(
  known: MergeReview,
  personIds: readonly number[],
  browsers: readonly number[],
  changes: Changes,
  { nowMs }: Circumstances,
): Decided {
  const review = { ...known, claims: known.claims.map((claim) => ({ ...claim, isRejected: true })) };
  changes.reviews.push(review);
  personIds.forEach((personId, index) => {
    for (const otherId of [...personIds.slice(index + 1), ...browsers]) {
      changes.apart.push({ personId, otherId, partedMs: nowMs });
    }
  });
  return { changes, outcome: { status: "reviewed", review, person: null, mergeIds: [], signals: [] } };
}

/** Makes one of them all, as if the secret key had said it, and looks at the thresholds once, after the merge. */
function approve(
  state: State,
  review: MergeReview,
  personIds: readonly number[],
  changes: Changes,
  circumstances: Circumstances,
): Decided {
  const { rules, nowMs } = circumstances;
  const claims = pendingClaims(review);
  const target = survivorOf(personIds, (personId) => state.identitiesOf.get(personId) ?? []);
  let draft = draftOf(state, target, circumstances);
  const scoreBefore = scoreOf(draft.score.sums, rules, nowMs);
  const through = `review:${kindsOf(state, personIds, claims).join("+")}`;
  for (const absorbedId of personIds.filter((personId) => personId !== target)) {
    const absorbed = draftOf(state, absorbedId, circumstances);
    changes.merges.push(mergeRecord(draft, absorbed, through, circumstances));
    draft = absorb(state, draft, absorbed, circumstances);
    changes.people.push({ ...absorbed.person, mergedInto: target });
  }
  const identities = vouchedFor(draft, state, claims, circumstances);
  const account = accountFor(state, draft.person, identities, circumstances);
  const person = account === null ? draft.person : { ...draft.person, accountId: account.accountId };
  if (account !== null && !state.accounts.has(account.domain)) changes.accounts.push(account);
  const settled = settleScore({ ...draft.score, accountId: person.accountId }, scoreBefore, circumstances);
  changes.reviews.push(review);
  changes.identities.push(...identities);
  changes.people.push(person);
  changes.scores.push(settled.score);
  changes.signals.push(...settled.signals);
  const { score } = settled.score;
  return {
    changes,
    outcome: {
      status: "reviewed",
      review,
      person: { personId: target, score, level: levelOf(score, rules.thresholds) },
      mergeIds: changes.merges.map(({ mergeId }) => mergeId),
      signals: settled.signals,
    },
  };
}

/** All identities of the one person there is now: what was claimed is verified by the word of who approved. */
function vouchedFor(
  { person: { personId }, identities }: Draft,
  state: State,
  claims: readonly ReturnType<typeof pendingClaims>[number][],
  circumstances: Circumstances,
): Identity[] {
  const named = new Set(claims.map(identifierKey));
  const isNamed = (one: Identity) =>
    one.retiredMs === null && one.kind !== "anonymous_id" && named.has(identifierKey(one));
  // Of several user ids the next word of the secret key would let go of those that only a browser has claimed.
  const isKept = (one: Identity) => one.retiredMs === null && one.kind === "user_id";
  const own = identities.map((one) => (isNamed(one) || isKept(one) ? { ...one, isVerified: true } : one));
  const saidWith = identities[0]?.identityId ?? null;
  const fresh = claims
    .filter((claim) => !state.identities.has(identifierKey(claim)) && !isSuppressed(state, claim))
    .map((claim) => ({
      ...freshIdentity(claim, personId, claim.kind !== "anonymous_id", circumstances),
      saidWith,
    }));
  return [...own, ...fresh];
}

function kindsOf(state: State, personIds: readonly number[], claims: readonly { kind: string }[]): string[] {
  const strongest = personIds.flatMap((personId) => {
    const kinds = (state.identitiesOf.get(personId) ?? []).map(({ kind }) => kind);
    return kinds.sort((a, b) => strengthRank(a) - strengthRank(b))[0] ?? [];
  });
  return [...new Set(claims.length > 0 ? claims.map(({ kind }) => kind) : strongest)];
}
