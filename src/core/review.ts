import { type Identifier, identifierKey } from "./identifier.ts";
import type { MergeReview, ReviewClaim, ReviewReason } from "./state.ts";

/** Claims that one review remembers, decided ones included; who goes on claiming opens no further ones. */
export const REVIEW_CLAIMS_MAX = 20;

/** Questions about one person that wait; until some are answered, a browser's word asks no further one. */
export const OPEN_REVIEWS_MAX = 20;

export type Asked = { personIds: readonly number[]; reason: ReviewReason; claims: readonly Identifier[] };

/**
 * The review as it stands once this was asked. There is one for the same people: what was rejected is not asked again,
 * and what was approved is asked anew when it comes up again, since somebody must have undone it.
 */
export function askedReview(
  known: readonly MergeReview[],
  { personIds, reason, claims }: Asked,
  nowMs: number,
  mintId: () => number,
): { review: MergeReview; isNew: boolean; isChanged: boolean } {
  const same = known.find((review) => String(review.personIds) === String(personIds));
  const asked = claims.map(({ kind, value }): ReviewClaim => ({ kind, value, isRejected: false }));
  if (same === undefined) {
    const review = {
      personIds: [...personIds],
      reason,
      claims: asked,
      createdMs: nowMs,
      decidedMs: null,
      decision: null,
    };
    return { review: { reviewId: mintId(), ...review }, isNew: true, isChanged: true };
  }
  const remembered = new Set(same.claims.map(identifierKey));
  const room = Math.max(0, REVIEW_CLAIMS_MAX - same.claims.length);
  const fresh = asked.filter((claim) => !remembered.has(identifierKey(claim))).slice(0, room);
  if (same.decision === "approved") {
    const reopened = { ...same, reason, claims: asked, createdMs: nowMs, decidedMs: null, decision: null };
    return { review: reopened, isNew: false, isChanged: true };
  }
  if (fresh.length === 0) return { review: same, isNew: false, isChanged: false };
  const grown = { ...same, claims: [...same.claims, ...fresh] };
  if (same.decision === null) return { review: grown, isNew: false, isChanged: true };
  // Two people who were kept apart stay so, whatever else is claimed with it.
  if (personIds.length > 1) return { review: same, isNew: false, isChanged: false };
  return {
    review: { ...grown, reason, createdMs: nowMs, decidedMs: null, decision: null },
    isNew: false,
    isChanged: true,
  };
}

/** What an approval is asked to attach. */
export function pendingClaims({ claims }: MergeReview): Identifier[] {
  return claims.filter(({ isRejected }) => !isRejected).map(({ kind, value }) => ({ kind, value }));
}

/** Whether somebody has said no to it before. */
export function isRejected(known: readonly MergeReview[], identifier: Identifier): boolean {
  const key = identifierKey(identifier);
  return known.some(({ claims }) => claims.some((claim) => claim.isRejected && identifierKey(claim) === key));
}
