import { Elysia } from "elysia";
import type { Engine } from "../../engine/engine.ts";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import { isLongPage, jsonAnswer, readQuery } from "../../http/query.ts";
import { requestIdOf } from "../../http/request-id.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import { listMerges, type MergeSources, undoMerge } from "./merges.ts";
import { decideReview, listReviews, type ReviewSources } from "./reviews.ts";
import { type MergesQuery, mergesQuerySchema, type ReviewsQuery, reviewsQuerySchema } from "./schema.ts";

export type MergesDeps = MergeSources &
  ReviewSources & {
    people: PeopleReader;
    keys: Keys;
    engine: Engine;
    /** These run beside the loop. */
    listManyMerges: (query: MergesQuery) => Promise<string>;
    listManyReviews: (query: ReviewsQuery) => Promise<string>;
  };

const REVIEW = "the review, as /reviews lists it";

/** Who was made one and who was not, and a person's word on it. */
export function mergeRoutes(deps: MergesDeps) {
  const { keys, engine } = deps;
  const admin = (headers: Headers) => keys.require(headers, "admin").keyId;
  const asked =
    ({ headers }: Request) =>
    () =>
      requestIdOf(headers);
  const changing = (summary: string, id: string, description: string) => ({
    parse: "none" as const,
    ...documented({ topic: "People", summary, access: "admin", path: { id }, answer: { description } }),
  });
  return new Elysia({ name: "merges" })
    .onBeforeHandle(({ request }) => void keys.require(request.headers, request.method === "GET" ? "read" : "admin"))
    .get(
      "/merges",
      async ({ query }) => {
        const asked = readQuery(mergesQuerySchema, query);
        return isLongPage(asked) ? jsonAnswer(await deps.listManyMerges(asked)) : listMerges(asked, deps);
      },
      documented({
        topic: "People",
        summary: "Who was merged into whom, by whose word, and whether it was undone; the latest first",
        access: "read",
        query: mergesQuerySchema,
        answer: { description: "merges and next_cursor" },
      }),
    )
    .post(
      "/merges/:id/undo",
      ({ params, request }) => undoMerge(params.id, admin(request.headers), engine, asked(request)),
      changing(
        "Parts two people again",
        "the merge, as /merges lists it",
        "both sides with the score that each would have had",
      ),
    )
    .get(
      "/reviews",
      async ({ query }) => {
        const asked = readQuery(reviewsQuerySchema, query);
        return isLongPage(asked) ? jsonAnswer(await deps.listManyReviews(asked)) : listReviews(asked, deps);
      },
      documented({
        topic: "People",
        summary: "Merges that wait for a person's eye, or were decided; the latest first",
        access: "read",
        query: reviewsQuerySchema,
        answer: { description: "reviews and next_cursor" },
      }),
    )
    .post(
      "/reviews/:id/approve",
      ({ params, request }) => decideReview(params.id, "approved", admin(request.headers), engine, asked(request)),
      changing(
        "Makes one of the people of a review, and attaches what was claimed",
        REVIEW,
        "who they are now, and the signals",
      ),
    )
    .post(
      "/reviews/:id/reject",
      ({ params, request }) => decideReview(params.id, "rejected", admin(request.headers), engine, asked(request)),
      changing("Keeps the people of a review apart", REVIEW, "the review as decided"),
    );
}
