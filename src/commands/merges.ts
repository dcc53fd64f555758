import { z } from "zod";
import type { Command } from "../config/commands.ts";
import { listMerges, type MergeAnswer, type StandingAnswer, undoMerge } from "../features/merges/merges.ts";
import { decideReview, listReviews, type ReviewAnswer } from "../features/merges/reviews.ts";
import { COMMAND_LINE } from "../store/sqlite/audit.ts";
import { openReadOnly } from "../store/sqlite/database.ts";
import { createMergeReader } from "../store/sqlite/merges.ts";
import { createPeopleReader } from "../store/sqlite/people.ts";
import { createReviewReader } from "../store/sqlite/reviews.ts";
import { noteRead } from "./note.ts";
import { decideOffline } from "./offline.ts";
import { tellServer } from "./tell-server.ts";

type MergesCommand = Extract<
  Command,
  { name: "merges" | "merges undo" | "reviews" | "reviews approve" | "reviews reject" }
>;

type Write = (line: string) => void;

/** The latest; older ones are on the pages of GET /merges and GET /reviews. */
const LISTED_MAX = 100;

const standingSchema = z.looseObject({ person_id: z.string(), score: z.number(), level: z.string() });
const undoneSchema = z.looseObject({ survivor: standingSchema, absorbed: standingSchema });
const decidedSchema = z.looseObject({
  person: standingSchema.nullable(),
  signals: z.array(z.looseObject({ threshold: z.string() })),
});

/** Lists are read beside a running server; what decides is done by the server, or in a folder that has none. */
export async function runMerges(command: MergesCommand, write: Write, writeBeside: Write): Promise<number> {
  switch (command.name) {
    case "merges":
      noteRead(command.options.data, command.name);
      printTable(mergeRows(command.options), write);
      return 0;
    case "reviews":
      noteRead(command.options.data, command.name);
      printTable(reviewRows(command.options), write);
      return 0;
    case "merges undo":
      return undo(command.options, write, writeBeside);
    case "reviews approve":
      return review(command.options, "approve", write, writeBeside);
    case "reviews reject":
      return review(command.options, "reject", write, writeBeside);
  }
}

type UndoOptions = Extract<MergesCommand, { name: "merges undo" }>["options"];
type ReviewOptions = Extract<MergesCommand, { name: "reviews approve" }>["options"];

async function undo(
  { mergeId, server, secretKey, ...folder }: UndoOptions,
  write: Write,
  writeBeside: Write,
): Promise<number> {
  const { survivor, absorbed } =
    server === null
      ? await decideOffline(folder, (engine) => undoMerge(mergeId, COMMAND_LINE, engine), writeBeside)
      : await tellServer(`${server}/merges/${mergeId}/undo`, secretKey, undoneSchema);
  write(`${mergeId}: undone`);
  for (const side of [survivor, absorbed]) write(standingOf(side));
  return 0;
}

async function review(
  { reviewId, server, secretKey, ...folder }: ReviewOptions,
  verb: "approve" | "reject",
  write: Write,
  writeBeside: Write,
): Promise<number> {
  const verdict = verb === "approve" ? "approved" : "rejected";
  const { person, signals } =
    server === null
      ? await decideOffline(folder, (engine) => decideReview(reviewId, verdict, COMMAND_LINE, engine), writeBeside)
      : await tellServer(`${server}/reviews/${reviewId}/${verb}`, secretKey, decidedSchema);
  write(`${reviewId}: ${verdict}`);
  if (person !== null) write(standingOf(person));
  for (const { threshold } of signals) write(`signal: ${threshold}`);
  return 0;
}

function standingOf({ person_id, score, level }: StandingAnswer): string {
  return `${person_id}: ${score.toFixed(2)}, ${level}`;
}

function mergeRows({ data, ofPerson }: Extract<MergesCommand, { name: "merges" }>["options"]): string[][] {
  const database = openReadOnly(data);
  try {
    const sources = { merges: createMergeReader(database), people: createPeopleReader(database) };
    const query = { limit: LISTED_MAX, ...(ofPerson === null ? {} : { person: ofPerson }) };
    const { merges } = listMerges(query, sources);
    return [["merge", "merged at", "by", "through", "survivor", "absorbed", "undone at"], ...merges.map(mergeRow)];
  } finally {
    database.close(false);
  }
}

function mergeRow({ merge_id, merged_at, by, through, survivor, absorbed, undone_at }: MergeAnswer): string[] {
  return [
    merge_id,
    minuteOf(merged_at),
    by,
    through.join("+"),
    survivor.person_id,
    absorbed.person_id,
    minuteOf(undone_at),
  ];
}

function reviewRows({ data, reviewState }: Extract<MergesCommand, { name: "reviews" }>["options"]): string[][] {
  const database = openReadOnly(data);
  try {
    const sources = { reviews: createReviewReader(database), people: createPeopleReader(database) };
    const { reviews } = listReviews({ limit: LISTED_MAX, state: reviewState }, sources);
    return [["review", "asked at", "reason", "people", "claims"], ...reviews.map(reviewRow)];
  } finally {
    database.close(false);
  }
}

function reviewRow({ review_id, created_at, reason, people, claims }: ReviewAnswer): string[] {
  const told = claims.map(({ kind, value }) => `${kind} ${value}`).join(", ");
  return [review_id, minuteOf(created_at), reason, people.map(({ person_id }) => person_id).join(" "), told];
}

function minuteOf(at: string | null): string {
  return at?.slice(0, 16).replace("T", " ") ?? "-";
}

function printTable(table: readonly string[][], write: Write): void {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    write(cells.join("  ").trimEnd());
  }
}
