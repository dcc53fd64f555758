import type { ClickNote, ClickStore } from "../../store/sqlite/clicks.ts";

/** Notes that may wait for the file; beyond them a redirect leaves no row. */
const WAITING_MAX = 10_000;
const AGAIN_AFTER_MS = 50;

export type ClickRecorder = {
  /** Keeps it soon: nobody who follows a link waits for the disk. */
  note(...notes: readonly ClickNote[]): void;
  /** Keeps what is waiting, now. */
  flush(): void;
};

/** Gathers what one turn of the event loop brings into one short transaction. */
export function createClickRecorder(store: ClickStore, onFault: (error: unknown) => void): ClickRecorder {
  let waiting: ClickNote[] = [];
  let isScheduled = false;

  const flush = (): void => {
    isScheduled = false;
    if (waiting.length === 0) return;
    try {
      store.keep(waiting);
      waiting = [];
    } catch (error) {
      onFault(error);
      // Somebody else holds the file, or the disk is full: once more in a moment.
      isScheduled = true;
      setTimeout(flush, AGAIN_AFTER_MS).unref();
    }
  };

  return {
    note: (...notes) => {
      if (waiting.length + notes.length > WAITING_MAX) return;
      waiting.push(...notes);
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(flush);
    },
    flush,
  };
}
