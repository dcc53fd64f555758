import type { ReviewOutcome } from "../../core/decide-review.ts";
import { AppError } from "../../core/error.ts";
import { formatId, parseId } from "../../core/id.ts";
import type { Identifier } from "../../core/identifier.ts";
import type { MergeReview, ReviewDecision, ReviewReason } from "../../core/state.ts";
import type { Engine } from "../../engine/engine.ts";
import type { RequestId } from "../../engine/submission.ts";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import type { ReviewReader, ReviewState } from "../../store/sqlite/reviews.ts";
import { type StandingAnswer, standingAnswer } from "./merges.ts";
import { positionSchema, type ReviewsQuery } from "./schema.ts";

/** Identifiers shown of each person of a review. */
const IDENTITIES_SHOWN_MAX = 5;

export type ReviewAnswer = {
  review_id: string;
  state: ReviewState;
  reason: ReviewReason;
  created_at: string;
  decided_at: string | null;
  /** Who they are by now; whoever was erased is left out. */
  people: { person_id: string; identities: Identifier[] }[];
  /** What was claimed and waits for an approval to be attached. */
  claims: Identifier[];
};

export type ReviewsAnswer = { reviews: ReviewAnswer[]; next_cursor: string | null };

export type DecidedAnswer = {
  review_id: string;
  state: ReviewDecision;
  decided_at: string;
  /** Who they all are now; null after a rejection. */
  person: StandingAnswer | null;
  merges: string[];
  signals: { signal_id: string; threshold: string }[];
};

export type ReviewSources = {
  reviews: ReviewReader;
  people: Pick<PeopleReader, "survivorOf" | "liveIdentitiesOf">;
};

/** What waits for a person's eye or was decided by one, the latest first. */
export function listReviews(query: ReviewsQuery, { reviews, people }: ReviewSources): ReviewsAnswer {
  const [before] = decodeCursor(positionSchema, query.cursor) ?? [Number.MAX_SAFE_INTEGER];
  const found = reviews.newest(query.state ?? null, before, query.limit + 1);
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  return {
    reviews: page.map((review) => answerOf(review, people)),
    next_cursor: last === undefined || found.length <= query.limit ? null : encodeCursor([last.reviewId]),
  };
}

/** Makes one of them, or keeps them apart for good, in one transaction. */
export async function decideReview(
  said: string,
  verdict: ReviewDecision,
  keyId: string,
  engine: Engine,
  requestId?: RequestId,
): Promise<DecidedAnswer> {
  const reviewId = parseId("review", said);
  if (reviewId === null) throw new AppError("not_found", "must be a review_id, such as rev_…; GET /reviews lists them");
  const [outcome] = await engine.submit([{ type: "review", reviewId, verdict, keyId }], [], requestId);
  if (outcome === undefined) throw new Error("a command came back without an outcome");
  if (outcome instanceof AppError) throw outcome;
  if (outcome.status === "asked_anew") throw new AppError("conflict", askedAnewMessage(outcome.review));
  return decidedAnswer(outcome, verdict);
}

function askedAnewMessage({ reviewId, decision }: MergeReview): string {
  const id = formatId("review", reviewId);
  const became =
    "an identifier that this review claims belongs by now to somebody whom it does not show; nobody was merged";
  if (decision === "rejected") return `${became}, as ${id} was rejected, which shows them all; reject this one too`;
  return `${became}; ${id} asks about all of them: look at it in GET /reviews?state=open and decide there`;
}

type Reviewed = Extract<ReviewOutcome, { status: "reviewed" }>;

function decidedAnswer({ review, person, mergeIds, signals }: Reviewed, state: ReviewDecision): DecidedAnswer {
  return {
    review_id: formatId("review", review.reviewId),
    state,
    decided_at: new Date(review.decidedMs ?? 0).toISOString(),
    person: person === null ? null : standingAnswer(person),
    merges: mergeIds.map((mergeId) => formatId("merge", mergeId)),
    signals: signals.map(({ signalId, threshold }) => ({
      signal_id: formatId("signal", signalId),
      threshold: threshold.name,
    })),
  };
}

function answerOf(review: MergeReview, people: ReviewSources["people"]): ReviewAnswer {
  const personIds = [...new Set(review.personIds.flatMap((personId) => people.survivorOf(personId) ?? []))];
  return {
    review_id: formatId("review", review.reviewId),
    state: review.decision ?? "open",
    reason: review.reason,
    created_at: new Date(review.createdMs).toISOString(),
    decided_at: review.decidedMs === null ? null : new Date(review.decidedMs).toISOString(),
    people: personIds.map((personId) => ({
      person_id: formatId("person", personId),
      identities: people
        .liveIdentitiesOf(personId, IDENTITIES_SHOWN_MAX)
        .map(({ kind, value }): Identifier => ({ kind, value })),
    })),
    claims: review.claims.filter(({ isRejected }) => !isRejected).map(({ kind, value }) => ({ kind, value })),
  };
}
