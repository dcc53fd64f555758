/** Requests that begin within so long share a timer and a signal: one of each for every request costs more than asking. */
const SLOT_MS = 100;

type Slot = { timeoutMs: number; stop: AbortSignal | undefined; beganMs: number; signal: AbortSignal };

let slot: Slot | null = null;

/** Aborts after that long, a slot later at most, or when `stop` does. */
export function deadlineAfter(timeoutMs: number, stop: AbortSignal | undefined): AbortSignal {
  const beganMs = performance.now();
  if (slot?.timeoutMs === timeoutMs && slot.stop === stop && beganMs - slot.beganMs < SLOT_MS) return slot.signal;
  const aborter = new AbortController();
  const abort = (): void => {
    clearTimeout(timer);
    stop?.removeEventListener("abort", abort);
    aborter.abort(new Error(`no answer within ${timeoutMs} ms`));
  };
  // A request keeps the process alive by itself.
  const timer = setTimeout(abort, timeoutMs + SLOT_MS).unref();
  if (stop?.aborted === true) abort();
  else stop?.addEventListener("abort", abort, { once: true });
  slot = { timeoutMs, stop, beganMs, signal: aborter.signal };
  return slot.signal;
}
