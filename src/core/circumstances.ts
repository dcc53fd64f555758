import type { Rules } from "./compile.ts";

/** What a decision may know besides state and command. Ids come from outside: the core has no randomness. */
export type Circumstances = { rules: Rules; nowMs: number; mintId: () => number };
