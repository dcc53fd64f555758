import { describe, expect, test } from "bun:test";
import { clientNetworkOf, compileRanges } from "../../src/http/client-network.ts";

const LOCAL = ["127.0.0.0/8", "::1"];
const FLEET = [...LOCAL, "10.0.0.0/8", "2001:db8:1::/48", "198.51.100.7"];

describe("whose request it is", () => {
  const cases: [string, string | null, string | null, readonly string[], string | null][] = [
    ["a visitor without a proxy", "203.0.113.9", null, LOCAL, "203.0.113.9"],
    ["a visitor who says to be somebody else", "203.0.113.9", "8.8.8.8", LOCAL, "203.0.113.9"],
    ["a program on this machine", "127.0.0.1", null, LOCAL, null],
    ["the same over IPv6", "::1", null, LOCAL, null],
    ["the same on a socket for both", "::ffff:127.0.0.1", null, LOCAL, null],
    ["a local socket", null, null, LOCAL, null],
    ["a proxy on this machine", "127.0.0.1", "203.0.113.9", LOCAL, "203.0.113.9"],
    ["a proxy on this machine, over IPv6", "::1", "203.0.113.9", LOCAL, "203.0.113.9"],
    ["a program that says to be somebody where no proxy is trusted", "127.0.0.1", "203.0.113.9", [], null],
    ["what the visitor wrote before the proxy did", "127.0.0.1", "8.8.8.8, 203.0.113.9", LOCAL, "203.0.113.9"],
    ["a chain of ours", "10.0.0.2", "8.8.8.8, 203.0.113.9, 10.0.0.3, 198.51.100.7", FLEET, "203.0.113.9"],
    ["a chain of ours over IPv6", "2001:db8:1::5", "203.0.113.9", FLEET, "203.0.113.9"],
    ["a chain with a stranger in it", "10.0.0.2", "203.0.113.9, 198.51.100.8, 10.0.0.3", FLEET, "198.51.100.8"],
    ["none but ours", "10.0.0.2", "10.0.0.9, 10.0.0.3", FLEET, "10.0.0.9"],
    ["a program on this machine through a proxy on it", "127.0.0.1", "127.0.0.1", LOCAL, null],
    ["a proxy of ours that names nobody", "10.0.0.2", null, FLEET, "10.0.0.2"],
    ["what cannot be read", "127.0.0.1", "203.0.113.9, unknown", LOCAL, "127.0.0.1"],
    ["an empty word", "127.0.0.1", "", LOCAL, "127.0.0.1"],
    ["what cannot be read, behind two of ours", "127.0.0.1", "x, 10.0.0.3", FLEET, "10.0.0.3"],
    ["with a port", "127.0.0.1", "203.0.113.9:4711", LOCAL, "203.0.113.9"],
    ["IPv6 with a port", "127.0.0.1", "[2001:db8::9]:4711", LOCAL, "2001:db8:0:0"],
    ["IPv6 by its first 64 bits", "2001:db8:1:2:3:4:5:6", null, LOCAL, "2001:db8:1:2"],
    ["the same network, written otherwise", "2001:0DB8:0001:0002::9", null, LOCAL, "2001:db8:1:2"],
    ["zeros within the first 64 bits", "2001:db8::2:3:4:5:6", null, LOCAL, "2001:db8:0:2"],
    ["few groups", "2001:db8::", null, LOCAL, "2001:db8:0:0"],
    ["zeros in front", "::2:3", null, LOCAL, "0:0:0:0"],
    ["IPv4 at the end of IPv6", "64:ff9b::203.0.113.9", null, LOCAL, "64:ff9b:0:0"],
    ["IPv4 in the clothes of IPv6", "::ffff:203.0.113.9", null, LOCAL, "203.0.113.9"],
    ["the same, its end in hexadecimal", "127.0.0.1", "::ffff:cb00:7109", LOCAL, "203.0.113.9"],
    ["the same, written in full", "127.0.0.1", "0:0:0:0:0:FFFF:203.0.113.9", LOCAL, "203.0.113.9"],
    ["the same, of a proxy", "::ffff:7f00:1", "203.0.113.9", LOCAL, "203.0.113.9"],
    ["what only looks like it", "::1:ffff:203.0.113.9", null, LOCAL, "0:0:0:0"],
    ["a zone", "fe80::1%eth0", null, LOCAL, "fe80:0:0:0"],
    ["more hops than anybody has", "127.0.0.1", `${"8.8.8.8, ".repeat(1_000)}203.0.113.9`, LOCAL, "203.0.113.9"],
  ];
  test.each(cases)("%s", (_, peer, forwardedFor, proxies, network) => {
    expect(clientNetworkOf(peer, forwardedFor, compileRanges(proxies))).toBe(network);
  });
});
