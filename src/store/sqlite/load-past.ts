import type { Database } from "bun:sqlite";
import { MERGES_MAX } from "../../core/identity.ts";
import { pairKey, type State } from "../../core/state.ts";
import { createReviewLookup } from "./reviews.ts";
import { withWhole } from "./whole.ts";

/** What is remembered of people who may become one: whom they absorbed, who holds them apart, what was asked before. */
export function createPastLoader(database: Database): (state: State, personIds: readonly number[]) => void {
  const selectWhole = database.query<[number], [number, number]>(
    `${withWhole("?1")} select person_id from whole limit ?2`,
  );
  const selectApart = database.query<[number], [number]>("select other_id from apart where person_id = ?");
  const reviews = createReviewLookup(database);
  return (state, personIds) => {
    for (const some of subsetsOf(personIds)) {
      const review = reviews.byPeople(some);
      if (review !== null) state.reviews.push(review);
    }
    for (const personId of personIds) state.openReviewCounts.set(personId, reviews.openOf(personId));
    if (personIds.length < 2) return;
    const nowOf = new Map<number, number>();
    for (const personId of personIds) {
      // One more than may be, so that it shows when there is no room.
      const whole = selectWhole.values(personId, MERGES_MAX + 2) as [number][];
      state.mergeCounts.set(personId, whole.length - 1);
      for (const [part] of whole) nowOf.set(part, personId);
    }
    for (const [part, personId] of nowOf) {
      for (const [otherId] of selectApart.values(part) as [number][]) {
        const other = nowOf.get(otherId);
        if (other !== undefined && other !== personId) state.apart.add(pairKey(personId, other));
      }
    }
  };
}

/** In the order of the ids, as reviews name their people; an identify touches four people at most. */
function subsetsOf(personIds: readonly number[]): number[][] {
  const subsets: number[][] = [[]];
  for (const personId of [...personIds].sort((a, b) => a - b)) {
    for (const some of [...subsets]) subsets.push([...some, personId]);
  }
  return subsets.slice(1);
}
