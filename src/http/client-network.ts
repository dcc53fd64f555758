import { BlockList, isIP } from "node:net";

/** Of a chain of proxies that ever grows, the far end tells nothing. */
const HOPS_MAX = 20;
const LOOPBACK = "127.0.0.1";
const GROUPS = 8;
const GROUPS_OF_64_BITS = 4;

export type IsProxy = (address: string) => boolean;

/** Whether an address is in one of these addresses and ranges. */
export function compileRanges(ranges: readonly string[]): IsProxy {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", prefix] = range.split("/");
    const family = isIP(address) === 4 ? "ipv4" : "ipv6";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => list.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
}

/**
 * Which network a request is from, or null for a program on this very machine. What proxies of ours say is believed from
 * the right, where ours write, up to the first that is none of them: left of it anybody may have written anything.
 */
export function clientNetworkOf(peer: string | null, forwardedFor: string | null, isProxy: IsProxy): string | null {
  let client = addressOf(peer ?? LOOPBACK) ?? LOOPBACK;
  if (forwardedFor === null || !isProxy(client)) return isLoopback(client) ? null : networkOf(client);
  for (const said of forwardedFor.split(",").slice(-HOPS_MAX).reverse()) {
    const hop = addressOf(said.trim());
    // One that cannot be read hides who came through it: all of them count as its proxy.
    if (hop === null) return networkOf(client);
    client = hop;
    if (!isProxy(client)) return networkOf(client);
  }
  return isLoopback(client) ? null : networkOf(client);
}

/** Whether a peer is one of our proxies; without an address it is on this machine. */
export function isProxyPeer(peer: string | null, isProxy: IsProxy): boolean {
  return isProxy(addressOf(peer ?? LOOPBACK) ?? LOOPBACK);
}

/** An address without port, brackets or zone; IPv4 in the clothes of IPv6 is IPv4. */
function addressOf(text: string): string | null {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  const address = bare.split("%")[0] ?? "";
  if (isIP(address) === 0) return null;
  return /^::ffff:([\d.]+)$/i.exec(address)?.[1] ?? address;
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

/** Who has an IPv6 address has all that share its first 64 bits. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [front = [], tail] = address.split("::").map((part) => (part === "" ? [] : part.split(":")));
  // An address that ends as IPv4 is written has one group less in its text.
  const length = address.includes(".") ? GROUPS - 1 : GROUPS;
  const zeros = Array<string>(tail === undefined ? 0 : Math.max(0, length - front.length - tail.length)).fill("0");
  return [...front, ...zeros, ...(tail ?? [])]
    .slice(0, GROUPS_OF_64_BITS)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
