import { type Identifier, identifierKey } from "./identifier.ts";
import { hasRoomFor } from "./identity.ts";
import { isRejected } from "./review.ts";
import type { Identity, ReviewReason, State } from "./state.ts";
import type { Traits } from "./traits.ts";

/** What a signed call says beside what is signed: a browser's word like any other. */
export type Unsigned = { claims: Identifier[]; traits: Traits };

export type Beside = { attach: Identifier[]; review: { personIds: number[]; reason: ReviewReason } | null };

/**
 * What becomes of it: an identifier of nobody's goes along, unverified, with the person who signed; one that somebody else
 * has is a question for somebody's eye, and merges nobody. `own` is what the person will carry.
 */
export function besideSigned(state: State, claims: readonly Identifier[], own: readonly Identity[]): Beside {
  const carried = new Set(own.filter(({ retiredMs }) => retiredMs === null).map(identifierKey));
  const attach: Identifier[] = [];
  const others = new Set<number>();
  let isTooMany = false;
  for (const claim of claims) {
    const key = identifierKey(claim);
    const known = state.identities.get(key);
    if (carried.has(key) || isRejected(state.reviews, claim)) continue;
    if (known !== undefined) others.add(known.personId);
    else if (hasRoomFor(claim, [...own, ...attach])) attach.push(claim);
    else isTooMany = true;
  }
  if (others.size > 0) return { attach, review: { personIds: [...others], reason: "unsigned_claim" } };
  return { attach, review: isTooMany ? { personIds: [], reason: "too_many_identifiers" } : null };
}
