import type { Database } from "bun:sqlite";
import type { ReviewCommand } from "../../core/decide-review.ts";
import { identifierKey } from "../../core/identifier.ts";
import { pendingClaims } from "../../core/review.ts";
import { emptyState, type State } from "../../core/state.ts";
import type { LoadParts } from "./load-parts.ts";
import { createPeopleReader } from "./people.ts";
import { createReviewLookup } from "./reviews.ts";

/** Brings a review and all who would be one by it. */
export function createReviewLoader(database: Database, parts: LoadParts): (command: ReviewCommand) => State {
  const reviews = createReviewLookup(database);
  const { survivorOf } = createPeopleReader(database);
  return ({ reviewId }) => {
    const state = emptyState();
    const review = reviews.byId(reviewId);
    if (review === null) return state;
    const claims = pendingClaims(review);
    for (const claim of claims) {
      const identity = parts.findIdentity(claim);
      if (identity !== undefined) state.identities.set(identifierKey(claim), identity);
      else if (parts.isSuppressed(claim)) state.suppressed.add(identifierKey(claim));
    }
    const personIds = [...new Set(review.personIds.flatMap((personId) => survivorOf(personId) ?? []))];
    state.review = { review, personIds };
    const holders = [...state.identities.values()].map(({ personId }) => personId);
    const touched = [...new Set([...personIds, ...holders])];
    for (const personId of touched) parts.loadPerson(state, personId);
    const anew = reviews.byPeople([...touched].sort((a, b) => a - b));
    if (anew !== null) state.reviews.push(anew);
    if (touched.length > 1) parts.loadSharedSessions(state);
    parts.loadAccounts(state, claims);
    for (const { accountId } of [...state.scores.values(), ...state.accounts.values()])
      parts.loadStanding(state, accountId);
    return state;
  };
}
