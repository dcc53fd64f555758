import type { AuditEntry, AuditStore } from "../store/sqlite/audit.ts";

/** Reads gather so long before they are stored: a commit for each would hold up the loop. */
const WINDOW_MS = 1_000;
/** Stored in one transaction; the rest follows in the next turns. */
const STEP_ENTRIES = 200;
/** Held while the disk takes nothing; beyond it the oldest go, and the log says how many. */
const HELD_MAX = 10_000;

export type AuditBookOptions = {
  store: Pick<AuditStore, "recordAll">;
  now: () => number;
  onFault: (error: unknown, lost: number) => void;
};

/** What is to be noted about a request; when it happened is added here. */
export type RequestNote = Omit<AuditEntry, "occurredMs">;

export type AuditBook = {
  /** Notes what was done, soon. What changes something is recorded in the transaction that changes it instead. */
  record(note: RequestNote): void;
  /** Stores all that has gathered. */
  flush(): void;
  /** The last flush; what comes afterwards is forgotten. */
  close(): void;
};

/** Who read what, on its way into the store. */
export function createAuditBook({ store, now, onFault }: AuditBookOptions): AuditBook {
  let held: AuditEntry[] = [];
  let timer: ReturnType<typeof setTimeout> | null = null;
  let isClosed = false;

  const step = (): void => {
    const entries = held.slice(0, STEP_ENTRIES);
    store.recordAll(entries);
    held = held.slice(entries.length);
  };

  const schedule = (delayMs: number): void => {
    if (timer !== null || isClosed) return;
    timer = setTimeout(() => {
      timer = null;
      try {
        step();
        if (held.length > 0) schedule(0);
      } catch (error) {
        onFault(error, 0);
        schedule(WINDOW_MS);
      }
    }, delayMs);
    timer.unref();
  };

  const flush = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    try {
      while (held.length > 0) step();
    } catch (error) {
      onFault(error, isClosed ? held.length : 0);
      schedule(WINDOW_MS);
    }
  };

  return {
    record: (note) => {
      if (isClosed) return;
      held.push({ ...note, occurredMs: now() });
      if (held.length > HELD_MAX) {
        held.shift();
        onFault(new Error("the audit cannot be stored"), 1);
      }
      schedule(WINDOW_MS);
    },
    flush,
    close: () => {
      isClosed = true;
      flush();
    },
  };
}
