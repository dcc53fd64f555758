import { AppError } from "../core/error.ts";

/** So many at once, the others wait for their turn, and whoever would be one too many is told to come again. */
export function createTurns(options: { atOnceMax: number; waitingMax: number; what: string }) {
  const { atOnceMax, waitingMax, what } = options;
  const waiting: (() => void)[] = [];
  let underWay = 0;
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (underWay >= atOnceMax) {
      if (waiting.length >= waitingMax) {
        throw new AppError("overloaded", `${waitingMax} ${what} are waiting already; ask again later`);
      }
      // Whoever ends leaves their place to the first who waits.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else underWay += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) underWay -= 1;
      else next();
    }
  };
}
