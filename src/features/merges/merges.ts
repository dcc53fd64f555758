import type { Standing, UndoOutcome } from "../../core/decide-undo.ts";
import { AppError } from "../../core/error.ts";
import { formatId, parseId } from "../../core/id.ts";
import type { Identifier } from "../../core/identifier.ts";
import type { Engine } from "../../engine/engine.ts";
import type { RequestId } from "../../engine/submission.ts";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import type { MergeReader, ReadMerge } from "../../store/sqlite/merges.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";
import { type MergesQuery, positionSchema } from "./schema.ts";

export type SideAnswer = { person_id: string; identities: Identifier[] };

export type MergeAnswer = {
  merge_id: string;
  merged_at: string;
  undone_at: string | null;
  /** secret_key, public, review or campaign: whose word it was. */
  by: string;
  /** The kinds of identifier that said so. */
  through: string[];
  survivor: SideAnswer;
  absorbed: SideAnswer;
};

export type MergesAnswer = { merges: MergeAnswer[]; next_cursor: string | null };

export type StandingAnswer = { person_id: string; score: number; level: string };

export type UndoneAnswer = {
  merge_id: string;
  undone_at: string;
  survivor: StandingAnswer;
  absorbed: StandingAnswer;
};

export type MergeSources = { merges: MergeReader; people: Pick<PeopleReader, "survivorOf"> };

/** Who was made one, the latest first. */
export function listMerges(query: MergesQuery, { merges, people }: MergeSources): MergesAnswer {
  const [before] = decodeCursor(positionSchema, query.cursor) ?? [Number.MAX_SAFE_INTEGER];
  const filter = {
    personId: query.person === undefined ? null : readPersonId(query.person, people),
    isUndone: query.undone === undefined ? null : query.undone === "true",
  };
  const found = merges.newest(filter, before, query.limit + 1);
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  return {
    merges: page.map(answerOf),
    next_cursor: last === undefined || found.length <= query.limit ? null : encodeCursor([last.mergeId]),
  };
}

/** Parts the two sides of a merge again, in one transaction. */
export async function undoMerge(
  said: string,
  keyId: string,
  engine: Engine,
  requestId?: RequestId,
): Promise<UndoneAnswer> {
  const mergeId = parseId("merge", said);
  if (mergeId === null) throw new AppError("not_found", "must be a merge_id, such as mrg_…; GET /merges lists them");
  const [outcome] = await engine.submit([{ type: "undo", mergeId, keyId }], [], requestId);
  if (outcome === undefined) throw new Error("a command came back without an outcome");
  if (outcome instanceof AppError) throw outcome;
  return undoneAnswer(outcome);
}

function undoneAnswer({ mergeId, undoneMs, survivor, absorbed }: UndoOutcome): UndoneAnswer {
  return {
    merge_id: formatId("merge", mergeId),
    undone_at: new Date(undoneMs).toISOString(),
    survivor: standingAnswer(survivor),
    absorbed: standingAnswer(absorbed),
  };
}

export function standingAnswer({ personId, score, level }: Standing): StandingAnswer {
  return { person_id: formatId("person", personId), score, level };
}

/** Whoever the id stands for by now; an id that nobody has finds no merges. */
function readPersonId(said: string, people: MergeSources["people"]): number {
  const personId = parseId("person", said);
  if (personId === null) throw new AppError("invalid", "must be a person_id, such as per_…", "person");
  return people.survivorOf(personId) ?? personId;
}

function answerOf(merge: ReadMerge): MergeAnswer {
  const [by = "", kinds = ""] = merge.through.split(":");
  return {
    merge_id: formatId("merge", merge.mergeId),
    merged_at: new Date(merge.mergedMs).toISOString(),
    undone_at: merge.undoneMs === null ? null : new Date(merge.undoneMs).toISOString(),
    by,
    through: kinds === "" ? [] : kinds.split("+"),
    survivor: { person_id: formatId("person", merge.survivorId), identities: merge.survivor },
    absorbed: { person_id: formatId("person", merge.absorbedId), identities: merge.absorbed },
  };
}
