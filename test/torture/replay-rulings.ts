import type { Database } from "bun:sqlite";
import { parseId } from "../../src/core/id.ts";
import type { ReviewClaim, ReviewReason } from "../../src/core/state.ts";
import type { World } from "../core/world.ts";
import { VICTIM } from "./victims.ts";

export type Ruled = { audit_id: number; occurred_at: number; key_id: string; action: string; subject: string };

/** Whoever may be erased has no part in the story. */
export const IS_TOLD = `(i.value is null or i.value not like '${VICTIM}%')`;
export const VICTIMS_OF = `select 1 from identity i where i.person_id = p.person_id and not ${IS_TOLD}`;

/** What persons ruled, in the order in which it was stored. */
export function ruledSince(database: Database, afterId: number): Ruled[] {
  return database
    .query<Ruled, [number]>(
      `select * from audit where audit_id > ? and action in ('merge_undo', 'review_approve', 'review_reject')
       order by audit_id`,
    )
    .all(afterId);
}

type IdTable = "merge" | "merge_review" | "person";

export function idsOf(database: Database, table: IdTable): number[] {
  const column = { merge: "merge_id", merge_review: "review_id", person: "person_id" }[table];
  const isOurs = table === "person" ? `where not exists (${VICTIMS_OF})` : "";
  return database
    .query<{ id: number }, []>(`select ${column} as id from ${table} p ${isOurs} order by 1`)
    .all()
    .map(({ id }) => id);
}

type ReviewRow = {
  review_id: number;
  person_ids: string;
  reason: ReviewReason;
  claims: string | null;
  created_at: number;
};

/** The world's ids are others, in the same order. */
function namesakeOf(ids: readonly number[], id: number, known: Iterable<number>): number | undefined {
  return [...known].toSorted((a, b) => a - b)[ids.indexOf(id)];
}

/** An identify that does nothing but ask leaves no event: what it asked is known from the question alone. */
function reviewOf(world: World, database: Database, reviewId: number): number | undefined {
  const row = database.query<ReviewRow, [number]>("select * from merge_review where review_id = ?").get(reviewId);
  if (row === null) return undefined;
  const people = idsOf(database, "person");
  const personIds = (JSON.parse(row.person_ids) as number[])
    .map((id) => namesakeOf(people, id, world.rows.people.keys()) ?? 0)
    .toSorted((a, b) => a - b);
  const known = world.rows.reviews.find((review) => String(review.personIds) === String(personIds));
  if (known !== undefined) return known.reviewId;
  const claims = (JSON.parse(row.claims ?? "[]") as ReviewClaim[]).map((claim) => ({ ...claim, isRejected: false }));
  const { reason, created_at: createdMs } = row;
  world.rows.reviews.push({ reviewId, personIds, reason, claims, createdMs, decidedMs: null, decision: null });
  return reviewId;
}

/** The same ruling in the world; what is wrong with it. */
export function ruleOne(world: World, database: Database, ruled: Ruled): string | null {
  const { occurred_at: nowMs, key_id: keyId, action, subject } = ruled;
  const isUndo = action === "merge_undo";
  const id = parseId(isUndo ? "merge" : "review", subject) ?? 0;
  const merges = world.rows.merges.map(({ mergeId }) => mergeId);
  const worldId = isUndo ? namesakeOf(idsOf(database, "merge"), id, merges) : reviewOf(world, database, id);
  if (worldId === undefined) return `${action} ${subject} is about nothing that there should be`;
  const verdict = action === "review_approve" ? "approved" : "rejected";
  const command = isUndo
    ? ({ type: "undo", mergeId: worldId, keyId } as const)
    : ({ type: "review", reviewId: worldId, verdict, keyId } as const);
  const audits = world.rows.audits.length;
  try {
    world.submit([command], nowMs);
  } catch (error) {
    return `${action} ${subject} was done, and should have been refused: ${error}`;
  }
  return world.rows.audits.length > audits ? null : `${action} ${subject} was done, and should not have been`;
}
