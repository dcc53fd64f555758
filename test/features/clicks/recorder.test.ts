import { expect, test } from "bun:test";
import { createClickRecorder } from "../../../src/features/clicks/recorder.ts";
import type { ClickNote, ClickStore } from "../../../src/store/sqlite/clicks.ts";
import { eventually } from "../../support/eventually.ts";

const note = (linkId: string): ClickNote => ({
  suspected: { campaignId: 1, linkId, atMs: 0 },
  reason: "burst",
});

/** A store whose file is held by somebody else for the first calls. */
function recorderOf(failures: number) {
  const kept: ClickNote[][] = [];
  let faults = 0;
  let left = failures;
  const store: Pick<ClickStore, "keep"> = {
    keep: (notes) => {
      if (left-- > 0) throw new Error("the file is held");
      kept.push([...notes]);
    },
  };
  const recorder = createClickRecorder(store as ClickStore, () => {
    faults += 1;
  });
  return { recorder, kept, faults: () => faults };
}

test("what one turn brings is one transaction, and nobody waits for it", async () => {
  const { recorder, kept } = recorderOf(0);
  recorder.note(note("a"), note("b"));
  recorder.note(note("c"));
  expect(kept).toEqual([]);
  await eventually(() => kept.length > 0, "the notes");
  expect(kept).toEqual([[note("a"), note("b"), note("c")]]);
});

test("a file that is held is waited for, and the order stays", async () => {
  const { recorder, kept, faults } = recorderOf(2);
  recorder.note(note("a"));
  await eventually(() => faults() === 1, "the first failure");
  recorder.note(note("b"));
  await eventually(() => kept.length > 0, "the notes");
  expect([kept.flat(), faults()]).toEqual([[note("a"), note("b")], 2]);
});

test("on a disk that stays full, so many wait and no more", async () => {
  const { recorder, kept } = recorderOf(1);
  for (let index = 0; index < 10_500; index += 1) recorder.note(note(`${index}`));
  recorder.flush();
  recorder.flush();
  await eventually(() => kept.length > 0, "the notes");
  expect(kept.flat()).toHaveLength(10_000);
});
