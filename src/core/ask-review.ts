import type { Circumstances } from "./circumstances.ts";
import { type Identifier, identifierKey, isStrong } from "./identifier.ts";
import type { Claim, Resolution } from "./identity.ts";
import { askedReview, isRejected, OPEN_REVIEWS_MAX } from "./review.ts";
import { type Changes, type Identity, type Person, pairKey, type State } from "./state.ts";
import type { Unsigned } from "./unsigned.ts";

/** What an identify names, as the store knows it. */
type Said = {
  command: { visitor: Identifier | null; unsigned?: Unsigned };
  claims: readonly Claim[];
  visitor: Identity | null;
};

/** Whether somebody is asked now, or was before and has not answered. */
export function askReview(
  state: State,
  changes: Changes,
  { review, attach, isVisitorLeft }: Pick<Resolution, "review" | "attach" | "isVisitorLeft">,
  isTrusted: boolean,
  { personId }: Person,
  { command, claims, visitor }: Said,
  { nowMs, mintId }: Circumstances,
): boolean {
  if (review === null) return false;
  const taken = new Set(attach.map(identifierKey));
  const left = claims.filter((claim) => claim.identity === null && !taken.has(identifierKey(claim)));
  const isRefused = isVisitorLeft && visitor !== null && isRejected(state.reviews, visitor);
  const people = [...new Set([...review.personIds, personId])].sort((a, b) => a - b);
  const personIds = isRefused ? people.filter((one) => one !== visitor.personId) : people;
  const isBrowserAsked = isVisitorLeft && !isRefused && isNobody(state, visitor, personIds);
  const browser = isBrowserAsked && command.visitor !== null ? [command.visitor] : [];
  const asked = askedReview(
    [...changes.reviews, ...state.reviews],
    { personIds, reason: review.reason, claims: [...left, ...browser] },
    nowMs,
    mintId,
  );
  if (asked.isNew && !isTrusted && personIds.some((one) => isFull(state, one))) return false;
  // One call may ask twice about the same people: by what is signed, and by what is said beside it.
  const others = changes.reviews.filter(({ reviewId }) => reviewId !== asked.review.reviewId);
  if (asked.isChanged) changes.reviews = [...others, asked.review];
  return asked.review.decision === null;
}

/** Anybody could ask about somebody without end. */
function isFull({ openReviewCounts }: State, personId: number): boolean {
  return (openReviewCounts.get(personId) ?? 0) >= OPEN_REVIEWS_MAX;
}

/** A browser that nobody is known by is claimed like an address, so that all of them together are one question. */
function isNobody(state: State, visitor: Identity | null, personIds: readonly number[]): boolean {
  if (visitor === null) return true;
  const { personId } = visitor;
  const isKnown = (state.identitiesOf.get(personId) ?? []).some(({ kind }) => isStrong(kind));
  return !isKnown && !personIds.some((one) => one === personId || state.apart.has(pairKey(one, personId)));
}

/** The browser's own word as claims. */
export function besideOf(state: State, { command, visitor }: Said): Said {
  const claims = (command.unsigned?.claims ?? []).map((claim) => ({
    ...claim,
    identity: state.identities.get(identifierKey(claim)) ?? null,
  }));
  return { command, claims, visitor };
}
