import { expect, spyOn, test } from "bun:test";
import { createKeys, hashKey, type KnownKey } from "../../src/http/keys.ts";
import { NOON_MS } from "../support/instance.ts";

const NAMES = ["sk_first", "sk_second", "sk_third"];

test("a key is held against every one that is stored, in constant time, whichever it is", () => {
  const stored = NAMES.map((name): KnownKey => ({ kind: "secret", hash: hashKey(name), scopes: ["read"] }));
  const keys = createKeys({ read: () => stored, noteUse: () => undefined }, () => NOON_MS);
  const compare = spyOn(crypto, "timingSafeEqual");
  try {
    for (const name of [...NAMES, "sk_of_nobody"]) {
      compare.mockClear();
      const found = keys.find(new Headers({ authorization: `Bearer ${name}` }));
      expect([name, found !== null]).toEqual([name, NAMES.includes(name)]);
      expect(compare.mock.calls.map(([one]) => String(one))).toEqual(stored.map(({ hash }) => hash));
    }
  } finally {
    compare.mockRestore();
  }
});
