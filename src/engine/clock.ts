/** Milliseconds UTC. The one place where the loop's time comes from; tests pass their own. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();
