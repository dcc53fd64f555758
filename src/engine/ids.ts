/** 2026-01-01; with 2^11 ids to a millisecond the numbers stay exact in a double until past 2160. */
const EPOCH_MS = 1_767_225_600_000;
const IDS_PER_MS = 2_048;

/** Ids that grow with time and never repeat, even when the clock jumps back or a millisecond runs out of them. */
export function createIdSource(lastId: number): { mint: (nowMs: number) => number } {
  let last = lastId;
  return {
    mint: (nowMs) => {
      last = Math.max(last + 1, (nowMs - EPOCH_MS) * IDS_PER_MS);
      return last;
    },
  };
}
