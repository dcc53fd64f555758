import { expect, test } from "bun:test";
import { isPublicAddress } from "../../src/destinations/address.ts";

const addresses: { [kind: string]: [boolean, string[]] } = {
  "public IPv4": [
    true,
    ["1.1.1.1", "93.184.216.34", "172.15.255.255", "172.32.0.1", "100.63.255.255", "223.255.255.255"],
  ],
  "public IPv6": [true, ["2606:4700:4700::1111", "2a00:1450:4001::1", "64:ff9b::101:101", "::ffff:1.1.1.1"]],
  "loopback and this host": [false, ["127.0.0.1", "127.255.255.254", "0.0.0.0", "::1", "::"]],
  private: [false, ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"]],
  "link-local, with the clouds' metadata": [false, ["169.254.169.254", "fe80::1", "fe80::1%eth0", "fec0::1"]],
  "carrier-grade NAT": [false, ["100.64.0.1", "100.127.255.255"]],
  "multicast, reserved and broadcast": [false, ["224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "ff02::1"]],
  "documentation and tests": [
    false,
    ["192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "2001:db8::1", "3fff::1"],
  ],
  "a private address in another dress": [
    false,
    [
      "::ffff:10.0.0.1",
      "::ffff:7f00:1",
      "64:ff9b::127.0.0.1",
      "64:ff9b::a00:1",
      "64:ff9b:1::1",
      "2002:7f00:1::",
      "::127.0.0.1",
      "2001:0:1::1",
    ],
  ],
  "no address": [false, ["", "localhost", "1.2.3", "1.2.3.4.5", "::g"]],
};

for (const [kind, [isPublic, examples]] of Object.entries(addresses)) {
  test(`${kind} is ${isPublic ? "" : "not "}sent to`, () => {
    expect(examples.filter((address) => isPublicAddress(address) !== isPublic)).toEqual([]);
  });
}
