import { BlockList, isIP } from "node:net";

/** Ranges of IPv4 that are not somebody on the public internet (IANA's special-purpose registry, and multicast). */
const SPECIAL_IPV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
];
/** Within 2000::/3, which is all of IPv6 that is public: Teredo and other protocols, documentation, 6to4. */
const SPECIAL_IPV6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];
const GLOBAL_IPV6 = ["2000::/3"];

const specialIpv4 = blockListOf(SPECIAL_IPV4, "ipv4");
const specialIpv6 = blockListOf(SPECIAL_IPV6, "ipv6");
const globalIpv6 = blockListOf(GLOBAL_IPV6, "ipv6");

function blockListOf(ranges: readonly string[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", prefix] = range.split("/");
    list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** Whether an address belongs to the public internet, also when an IPv4 address hides in an IPv6 one. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !specialIpv4.check(address, "ipv4");
  if (family !== 6) return false;
  const inner = ipv4Within(address);
  if (inner !== null) return isPublicAddress(inner);
  return globalIpv6.check(address, "ipv6") && !specialIpv6.check(address, "ipv6");
}

/** The IPv4 address behind a mapped (::ffff:0:0/96) or NAT64 (64:ff9b::/96) one. */
function ipv4Within(address: string): string | null {
  const groups = groupsOf(address);
  const prefix = groups.slice(0, 6).join(":");
  if (prefix !== "0:0:0:0:0:ffff" && prefix !== "64:ff9b:0:0:0:0") return null;
  const [high = 0, low = 0] = groups.slice(6).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** The eight groups of an IPv6 address, without leading zeros; the URL parser knows every way to write one. */
function groupsOf(address: string): string[] {
  const canonical = new URL(`http://[${address.split("%")[0]}]`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const front = head === "" ? [] : head.split(":");
  if (tail === undefined) return front;
  const back = tail === "" ? [] : tail.split(":");
  return [...front, ...Array<string>(8 - front.length - back.length).fill("0"), ...back];
}
