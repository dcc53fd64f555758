import type { ReviewCommand } from "../../src/core/decide-review.ts";
import type { UndoCommand } from "../../src/core/decide-undo.ts";
import { type Identifier, identifierKey } from "../../src/core/identifier.ts";
import { sidesOf } from "../../src/core/parted-people.ts";
import { pendingClaims } from "../../src/core/review.ts";
import { type Changes, type LoggedSide, type Merge, pairKey, type State } from "../../src/core/state.ts";
import { identitiesOf, liveIdentity, type Rows, sessionsOf } from "./world.ts";

export type LoggedMerge = Merge & { undoneMs: number | null; lastEventSeq: number };

/** Whoever a person is by now. */
function ownerOf(rows: Rows, personId: number): number {
  const mergedInto = rows.people.get(personId)?.mergedInto ?? null;
  return mergedInto === null ? personId : ownerOf(rows, mergedInto);
}

/** What the real store tells of people who may become one. */
export function loadPast(rows: Rows, state: State, touched: readonly number[]): void {
  const all = new Set(touched);
  state.reviews = rows.reviews.filter(({ personIds }) => personIds.every((personId) => all.has(personId)));
  for (const personId of touched) {
    const absorbed = [...rows.people.keys()].filter((one) => one !== personId && ownerOf(rows, one) === personId);
    state.mergeCounts.set(personId, absorbed.length);
    const open = rows.reviews.filter((one) => one.decision === null && one.personIds.includes(personId));
    state.openReviewCounts.set(personId, open.length);
  }
  for (const { personId, otherId } of rows.apart) {
    const [one, other] = [ownerOf(rows, personId), ownerOf(rows, otherId)];
    if (one !== other && all.has(one) && all.has(other)) state.apart.add(pairKey(one, other));
  }
}

export function loadUndo(
  rows: Rows,
  state: State,
  { mergeId }: UndoCommand,
  loadPerson: (personId: number) => void,
): void {
  const merge = rows.merges.find((one) => one.mergeId === mergeId);
  if (merge === undefined) return;
  const ownerId = ownerOf(rows, merge.absorbedId);
  loadPerson(ownerId);
  const identities = identitiesOf(rows, ownerId);
  for (const identity of identities) {
    const live = liveIdentity(rows, identity);
    if (live !== null) state.identities.set(identifierKey(live), live);
  }
  const own = new Set(identities.map(({ identityId }) => identityId));
  const whole = [...rows.people.keys()].filter((personId) => ownerOf(rows, personId) === ownerId);
  const logged = rows.merges
    .filter(({ survivorId, absorbedId }) => whole.includes(survivorId) || whole.includes(absorbedId))
    .sort((a, b) => b.lastEventSeq - a.lastEventSeq || b.mergeId - a.mergeId)
    .flatMap(({ survivor, absorbed, ...log }): LoggedSide[] =>
      [survivor, absorbed].map((side) => ({ ...log, ...side })),
    );
  const kept = new Set(sidesOf(merge, identities, logged).survivor.identities.map(({ identityId }) => identityId));
  state.parting = {
    merge,
    ownerId,
    absorbed: rows.people.get(merge.absorbedId) ?? null,
    logged,
    sessions: sessionsOf(rows, ownerId),
    events: [...rows.events.values()]
      .map((event, index) => ({ ...event, eventSeq: index + 1 }))
      .filter(({ identityId }) => own.has(identityId) && !(rows.isSurvivorUntold && kept.has(identityId))),
    isSurvivorUntold: rows.isSurvivorUntold,
    isTooLong: false,
  };
}

export function loadReview(
  rows: Rows,
  state: State,
  { reviewId }: ReviewCommand,
  loadPeople: (personIds: readonly number[], named: readonly Identifier[]) => void,
): void {
  const review = rows.reviews.find((one) => one.reviewId === reviewId);
  if (review === undefined) return;
  const personIds = [...new Set(review.personIds.map((personId) => ownerOf(rows, personId)))];
  state.review = { review, personIds };
  const claims = pendingClaims(review);
  for (const claim of claims) {
    const identity = liveIdentity(rows, claim);
    if (identity !== null) state.identities.set(identifierKey(claim), identity);
  }
  const holders = [...state.identities.values()].map(({ personId }) => personId);
  const touched = [...new Set([...personIds, ...holders])].sort((a, b) => a - b);
  state.reviews = rows.reviews.filter((one) => String(one.personIds) === String(touched));
  loadPeople(touched, claims);
}

export function applyMerges(
  rows: Rows,
  { merges, undone, apart, reviews, audits }: Changes,
  lastEventSeq: number,
): void {
  for (const merge of merges) rows.merges.push({ ...merge, undoneMs: null, lastEventSeq });
  for (const { mergeId, undoneMs } of undone) {
    rows.merges = rows.merges.map((merge) => (merge.mergeId === mergeId ? { ...merge, undoneMs } : merge));
  }
  rows.apart.push(...apart);
  rows.audits.push(...audits);
  for (const review of reviews) {
    rows.reviews = [...rows.reviews.filter(({ reviewId }) => reviewId !== review.reviewId), review];
  }
  const people = rows.reviews.map(({ personIds }) => String(personIds));
  if (new Set(people).size < people.length) throw new Error("there are two reviews of the same people");
}
