import { createBuckets, type Rate } from "../../http/buckets.ts";

/** Ten requests with one e-mail address within an hour: enough for a few magnets and some impatience. */
const ADDRESS_RATE: Rate = { per_second: 10 / 3_600, burst: 10 };
/** A whole office may sit behind one network on the day of a webinar; after these it is one form in twenty seconds. */
const NETWORK_RATE: Rate = { per_second: 1 / 20, burst: 50 };
/** Of each remembered at a time; who is forgotten begins anew. */
const REMEMBERED_MAX = 10_000;

export type FormLimits = {
  /** What has been used too often for now; null when all is well. A network of null is this very machine. */
  exceeded(address: string, network: string | null, nowMs: number): "address_limit" | "network_limit" | null;
};

/** In memory: a restart forgives. */
export function createFormLimits(): FormLimits {
  const addresses = createBuckets(REMEMBERED_MAX);
  const networks = createBuckets(REMEMBERED_MAX);
  return {
    exceeded: (address, network, nowMs) => {
      if (network !== null && networks.take(network, 1, NETWORK_RATE, nowMs) > 0) return "network_limit";
      return addresses.take(address, 1, ADDRESS_RATE, nowMs) > 0 ? "address_limit" : null;
    },
  };
}
