import type { Database } from "bun:sqlite";
import { AppError } from "../../core/error.ts";
import { createEventReader } from "../../store/sqlite/events.ts";
import { createPeopleReader } from "../../store/sqlite/people.ts";
import { createExportReader } from "../../store/sqlite/person-export.ts";
import { createScopeReader, type Subject } from "../../store/sqlite/person-scope.ts";
import { exportedJson } from "./export.ts";
import type { FindDeps } from "./find.ts";

/** Each holds an old state of the file, which keeps its log from being cut. */
const EXPORTS_MAX = 4;
const EXPORT_MAX_MS = 10 * 60_000;
/** How long a piece may be gathered before events get their turn, and how large it may become. */
const SLICE_MAX_MS = 2;
const PIECE_CHARACTERS = 64 * 1024;

export type Snapshot = { database: Database; close: () => void };

/** The score with its explanation as a snapshot has it. */
export type Explain = (personId: number, database: Database) => Promise<object>;

export type ExportOptions = {
  openReader: () => Database;
  explain: Explain;
  now: () => number;
  onFault: (error: unknown) => void;
};

/** A connection that keeps seeing what was stored when it was opened. */
export function openSnapshot(openReader: () => Database): Snapshot {
  const database = openReader();
  return { database, close: () => database.close(false) };
}

/** The pieces of one person's export, from a snapshot. */
export async function piecesOf(
  find: (deps: FindDeps) => Subject,
  { database }: Snapshot,
  explain: Explain,
  nowMs: number,
): Promise<{ subject: Subject; pieces: Generator<string> }> {
  const scopes = createScopeReader(database);
  const subject = find({ people: createPeopleReader(database), scopes });
  const explanation = subject.personId === null ? null : await explain(subject.personId, database);
  const scope = scopes.scopeOf(subject);
  const rows = createExportReader(database);
  return { subject, pieces: exportedJson({ scope, events: createEventReader(database), rows, explanation, nowMs }) };
}

/** So many characters, or as many as a moment allows; null when there are no more. */
export function nextPiece(pieces: Generator<string>): string | null {
  const untilMs = performance.now() + SLICE_MAX_MS;
  let text = "";
  while (text.length < PIECE_CHARACTERS && performance.now() < untilMs) {
    const { value, done } = pieces.next();
    if (done === true) return text === "" ? null : text;
    text += value;
  }
  return text;
}

/** Exports one at a time read their own snapshot in short slices, as fast as they are taken. */
export function createExports({ openReader, explain, now, onFault }: ExportOptions) {
  let open = 0;
  return async (find: (deps: FindDeps) => Subject): Promise<{ subject: Subject; body: ReadableStream<Uint8Array> }> => {
    if (open >= EXPORTS_MAX) {
      throw new AppError("overloaded", `${EXPORTS_MAX} exports are under way; ask again when one is through`);
    }
    open += 1;
    const snapshot = openSnapshot(openReader);
    let isClosed = false;
    const close = (): void => {
      if (isClosed) return;
      isClosed = true;
      clearTimeout(timer);
      open -= 1;
      snapshot.close();
    };
    let onLate = close;
    // Whoever stops taking must not keep the snapshot.
    const timer = setTimeout(() => onLate(), EXPORT_MAX_MS);
    timer.unref();
    try {
      const { subject, pieces } = await piecesOf(find, snapshot, explain, now());
      return { subject, body: pieceStream(pieces, close, onFault, (late) => (onLate = late)) };
    } catch (error) {
      close();
      throw error;
    }
  };
}

function pieceStream(
  pieces: Generator<string>,
  close: () => void,
  onFault: (error: unknown) => void,
  setLate: (late: () => void) => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isLate = false;
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      setLate(() => {
        isLate = true;
        close();
        controller.error(new Error("the export was not taken in time"));
      });
    },
    pull: async (controller) => {
      try {
        let text: string | null = "";
        while (text === "" && !isLate) {
          await new Promise((resolve) => setImmediate(resolve));
          text = isLate ? null : nextPiece(pieces);
        }
        if (isLate) return;
        if (text !== null) {
          controller.enqueue(encoder.encode(text));
          return;
        }
        close();
        controller.close();
      } catch (error) {
        onFault(error);
        close();
        controller.error(error);
      }
    },
    cancel: close,
  });
}
