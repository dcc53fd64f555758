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
  return address.includes(":") ? (mappedOf(groupsOf(address)) ?? address) : address;
}

/** ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), however it is written. */
function mappedOf(groups: readonly number[]): string | null {
  const [front, last = 0, beforeLast = 0] = [groups.slice(0, -2), groups.at(-1), groups.at(-2)];
  if (front.pop() !== 0xffff || front.some((group) => group !== 0)) return null;
  return [beforeLast >> 8, beforeLast & 0xff, last >> 8, last & 0xff].join(".");
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

/** Who has an IPv6 address has all that share its first 64 bits. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  return groupsOf(address)
    .slice(0, GROUPS_OF_64_BITS)
    .map((group) => group.toString(16))
    .join(":");
}

/** The eight numbers of an IPv6 address; its end may be written as IPv4. */
function groupsOf(address: string): number[] {
  const numbersOf = (part: string): number[] => (part === "" ? [] : part.split(":").flatMap(groupOrTwo));
  const [front = [], tail] = address.split("::").map(numbersOf);
  const zeros = Array<number>(tail === undefined ? 0 : Math.max(0, GROUPS - front.length - tail.length)).fill(0);
  return [...front, ...zeros, ...(tail ?? [])];
}

function groupOrTwo(text: string): number[] {
  if (!text.includes(".")) return [Number.parseInt(text, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = text.split(".").map(Number);
  return [(a << 8) | b, (c << 8) | d];
}
