/** How often something was asked for and deliberately not done, since the start. */
export type Tally = {
  /** Events of browsers that ask not to be tracked. */
  declined: number;
  /** Events and identifies that named somebody who was erased. */
  suppressed: number;
};

export function createTally(): Tally {
  return { declined: 0, suppressed: 0 };
}
