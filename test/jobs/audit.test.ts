import { expect, test } from "bun:test";
import { createAuditBook, type RequestNote } from "../../src/jobs/audit.ts";
import type { AuditEntry } from "../../src/store/sqlite/audit.ts";

const note = (action: string): RequestNote => ({ keyId: "key", action, subject: null, detail: null });

test("entries are stored in batches, with the time they happened at, and in order", () => {
  const batches: AuditEntry[][] = [];
  let nowMs = 0;
  const store = { recordAll: (entries: readonly AuditEntry[]) => void batches.push([...entries]) };
  const book = createAuditBook({ store, now: () => nowMs++, onFault: () => undefined });
  for (let index = 0; index < 450; index += 1) book.record(note(String(index)));
  expect(batches).toEqual([]);
  book.flush();
  expect(batches.map(({ length }) => length)).toEqual([200, 200, 50]);
  expect(batches.flat().map(({ action, occurredMs }) => [action, occurredMs])).toEqual(
    Array.from({ length: 450 }, (_, index) => [String(index), index]),
  );
  book.record(note("last"));
  book.close();
  book.record(note("too late"));
  expect(batches.at(-1)?.map(({ action }) => action)).toEqual(["last"]);
});

test("a disk that takes nothing costs no read; what is held is bounded, and is stored when it takes again", () => {
  const stored: AuditEntry[] = [];
  let isFull = true;
  let lost = 0;
  const store = {
    recordAll: (entries: readonly AuditEntry[]) => {
      if (isFull) throw new Error("full");
      stored.push(...entries);
    },
  };
  const onFault = (_: unknown, count: number): void => {
    lost += count;
  };
  const book = createAuditBook({ store, now: () => 0, onFault });
  for (let index = 0; index < 10_003; index += 1) book.record(note(String(index)));
  book.flush();
  expect(lost).toBe(3);
  isFull = false;
  book.close();
  expect(stored.map(({ action }) => action)).toEqual(Array.from({ length: 10_000 }, (_, index) => String(index + 3)));
});
