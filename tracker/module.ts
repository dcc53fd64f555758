import { start as startTracker } from "./start.ts";
import type { DoIntent, Options } from "./types.ts";

/** Events go to where this module came from, unless said otherwise. */
export function start(options: Partial<Options> = {}): DoIntent {
  return startTracker({ endpoint: new URL(import.meta.url).origin, ...options });
}
