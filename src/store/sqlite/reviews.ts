import type { Database } from "bun:sqlite";
import { OPEN_REVIEWS_MAX } from "../../core/review.ts";
import type { MergeReview, ReviewClaim, ReviewDecision, ReviewReason } from "../../core/state.ts";

export type ReviewState = "open" | ReviewDecision;

export type ReviewReader = {
  /** The newest below `before`, newest first. */
  newest(state: ReviewState | null, before: number, limit: number): MergeReview[];
};

const COLUMNS = "review_id, person_ids, reason, claims, created_at, decided_at, decision";

type Row = [number, string, ReviewReason, string | null, number, number | null, ReviewDecision | null];

export const REVIEWS_SQL = {
  all: `select ${COLUMNS} from merge_review where review_id < ?1 order by review_id desc limit ?2`,
  ofDecision: `select ${COLUMNS} from merge_review where review_id < ?1 and decision is ?3
    order by review_id desc limit ?2`,
  byId: `select ${COLUMNS} from merge_review where review_id = ?`,
  byPeople: `select ${COLUMNS} from merge_review where person_ids = ?`,
  openOf: [0, 1, 2, 3]
    .map((place) => `select 1 from merge_review where person_ids ->> ${place} = ?1 and decision is null`)
    .join(" union all ")
    .concat(" limit ?2"),
} as const;

export function createReviewReader(database: Database): ReviewReader {
  const selectAll = database.query<Row, [number, number]>(REVIEWS_SQL.all);
  const selectOfDecision = database.query<Row, [number, number, ReviewDecision | null]>(REVIEWS_SQL.ofDecision);
  return {
    newest: (state, before, limit) => {
      const rows =
        state === null
          ? selectAll.values(before, limit)
          : selectOfDecision.values(before, limit, state === "open" ? null : state);
      return (rows as Row[]).map(reviewOf);
    },
  };
}

/** For the loop: a review by its id, the one about exactly these people, and how many wait that name a person. */
export function createReviewLookup(database: Database): {
  byId(reviewId: number): MergeReview | null;
  openOf(personId: number): number;
  byPeople(personIds: readonly number[]): MergeReview | null;
} {
  const selectById = database.query<Row, [number]>(REVIEWS_SQL.byId);
  const selectByPeople = database.query<Row, [string]>(REVIEWS_SQL.byPeople);
  const selectOpen = database.query<[number], [number, number]>(REVIEWS_SQL.openOf);
  const first = (rows: unknown[]): MergeReview | null => (rows[0] === undefined ? null : reviewOf(rows[0] as Row));
  return {
    byId: (reviewId) => first(selectById.values(reviewId)),
    openOf: (personId) => selectOpen.values(personId, OPEN_REVIEWS_MAX).length,
    byPeople: (personIds) => first(selectByPeople.values(JSON.stringify(personIds))),
  };
}

export function reviewWriter(database: Database): (review: MergeReview) => void {
  const upsert = database.query(
    `insert into merge_review (review_id, person_ids, reason, claims, created_at, decided_at, decision)
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
     on conflict (review_id) do update set reason = ?3, claims = ?4, created_at = ?5, decided_at = ?6, decision = ?7`,
  );
  return ({ reviewId, personIds, reason, claims, createdMs, decidedMs, decision }) => {
    upsert.run(
      reviewId,
      JSON.stringify(personIds),
      reason,
      claims.length === 0 ? null : JSON.stringify(claims),
      createdMs,
      decidedMs,
      decision,
    );
  };
}

function reviewOf([reviewId, personIds, reason, claims, createdMs, decidedMs, decision]: Row): MergeReview {
  return {
    reviewId,
    personIds: JSON.parse(personIds),
    reason,
    claims: claims === null ? [] : (JSON.parse(claims) as ReviewClaim[]),
    createdMs,
    decidedMs,
    decision,
  };
}
