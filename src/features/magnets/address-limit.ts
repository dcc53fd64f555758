/** Requests with one e-mail address within an hour: enough for a few magnets and some impatience. */
const REQUESTS_PER_ADDRESS_MAX = 10;
const WITHIN_MS = 60 * 60 * 1_000;
/** Addresses remembered; the ones seen first are forgotten first. */
const ADDRESSES_MAX = 10_000;

export type AddressLimit = { takes(address: string, nowMs: number): boolean };

/** Keeps one address from being used without end, whoever uses it. In memory: a restart forgives. */
export function createAddressLimit(): AddressLimit {
  const seen = new Map<string, number[]>();
  return {
    takes: (address, nowMs) => {
      const recent = (seen.get(address) ?? []).filter((atMs) => atMs > nowMs - WITHIN_MS);
      const isTaken = recent.length < REQUESTS_PER_ADDRESS_MAX;
      if (isTaken) recent.push(nowMs);
      seen.delete(address);
      seen.set(address, recent);
      const [oldest] = seen.keys();
      if (seen.size > ADDRESSES_MAX && oldest !== undefined) seen.delete(oldest);
      return isTaken;
    },
  };
}
