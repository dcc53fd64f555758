import { AppError } from "../core/error.ts";
import { type Buckets, createBuckets, type Rate } from "./buckets.ts";
import { clientNetworkOf, compileRanges, type IsProxy, isProxyPeer } from "./client-network.ts";
import type { Keys } from "./keys.ts";

/** How much may come from one place, as the operator decides. */
export type LimitsConfig = {
  network: Rate;
  network_events: Rate;
  key: Rate;
  visitor: Rate;
  trusted_proxies: readonly string[];
};

/** Peers of whom is remembered whether they are proxies; looking through the ranges costs more. */
const PEERS_MAX = 1_000;

export type Limits = {
  /** Where a request is from, as far as its proxies are ours; null for a program on this machine. */
  networkOf(headers: Headers, peer: string | null): string | null;
  /** Whether a peer is one of our proxies, whose word about its requests is believed. */
  isProxy(peer: string | null): boolean;
  /**
   * Before any work: charges a request to its sender. `peer` is null where there is no address, as on a local socket.
   * Returns the network of a stranger, whose body is charged too; null for who has a key or is on this machine.
   */
  admit(headers: Headers, peer: string | null): string | null;
  /** Once the body is read: charges what it brings to its network, the write key and the visitors it names. */
  charge(headers: Headers, brought: { writeKey: string | undefined; visitors: readonly string[] }): void;
};

type Tables = {
  config: LimitsConfig;
  isProxy: IsProxy;
  networks: Buckets;
  networkEvents: Buckets;
  keys: Buckets;
  visitors: Buckets;
};

/** A program on this machine, and who carries a secret key, has no limit but the key's own. */
export function createLimits(
  config: () => LimitsConfig,
  keys: Pick<Keys, "find">,
  now: () => number = () => performance.now(),
): Limits {
  /** Their networks, told by the headers, which go along wherever the request goes. */
  const strangers = new WeakMap<Headers, string>();
  let tables: Tables | null = null;
  const inForce = (): Tables => {
    const current = config();
    // Under other rates the times that were kept mean something else.
    if (tables?.config !== current) tables = tablesOf(current);
    return tables;
  };
  const networkOf = (headers: Headers, peer: string | null): string | null =>
    clientNetworkOf(peer, headers.get("x-forwarded-for"), inForce().isProxy);
  return {
    networkOf,
    isProxy: (peer) => isProxyPeer(peer, inForce().isProxy),
    admit: (headers, peer) => {
      const { config: rates, networks, keys: byKey } = inForce();
      const network = networkOf(headers, peer);
      if (network === null) return null;
      const caller = headers.has("authorization") ? keys.find(headers) : null;
      if (caller !== null) {
        checkTaken(byKey.take(caller.keyId, 1, rates.key, now()), "this key", "key");
        return null;
      }
      checkTaken(networks.take(network, 1, rates.network, now()), "this network", "network");
      strangers.set(headers, network);
      return network;
    },
    charge: (headers, { writeKey, visitors }) => {
      const network = strangers.get(headers);
      if (network === undefined) return;
      const { config: rates, networkEvents, keys: byKey, visitors: byVisitor } = inForce();
      const waitMs = networkEvents.take(network, visitors.length, rates.network_events, now());
      checkTaken(waitMs, "this network", "network_events");
      if (writeKey !== undefined) checkTaken(byKey.take(writeKey, 1, rates.key, now()), "this key", "key");
      for (const [visitor, events] of countOf(visitors)) {
        checkTaken(byVisitor.take(visitor, events, rates.visitor, now()), "this visitor", "visitor");
      }
    },
  };
}

function tablesOf(config: LimitsConfig): Tables {
  return {
    config,
    isProxy: remembered(compileRanges(config.trusted_proxies)),
    networks: createBuckets(),
    networkEvents: createBuckets(),
    keys: createBuckets(),
    visitors: createBuckets(),
  };
}

function remembered(isProxy: IsProxy): IsProxy {
  const known = new Map<string, boolean>();
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    if (known.size >= PEERS_MAX) known.clear();
    const is = isProxy(address);
    known.set(address, is);
    return is;
  };
}

function countOf(visitors: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const visitor of visitors) counts.set(visitor, (counts.get(visitor) ?? 0) + 1);
  return counts;
}

function checkTaken(waitMs: number, who: string, limit: string): void {
  if (waitMs === 0) return;
  const seconds = Math.ceil(waitMs / 1_000);
  throw new AppError(
    "overloaded",
    `${who} sends more than limits.${limit} of intent.json takes; try again in ${seconds} s`,
    null,
    seconds,
  );
}
