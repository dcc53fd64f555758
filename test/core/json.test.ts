import { expect, test } from "bun:test";
import { formatId, parseId } from "../../src/core/id.ts";
import { measureJson } from "../../src/core/json.ts";

test.each([
  { text: "1", keys: 0, depth: 0 },
  { text: "null", keys: 0, depth: 0 },
  { text: "{}", keys: 0, depth: 1 },
  { text: "[]", keys: 0, depth: 1 },
  { text: '{"a":1,"b":null}', keys: 2, depth: 1 },
  { text: '{"a":{"b":1,"c":2},"d":[{"e":1}]}', keys: 5, depth: 3 },
  { text: "[[[]],[]]", keys: 0, depth: 3 },
])("$text has $keys keys and is $depth deep", ({ text, keys, depth }) => {
  expect(measureJson(JSON.parse(text))).toEqual({ keys, depth });
});

test("a value that nests deeper than calls can is measured too", () => {
  const levels = 200_000;
  expect(measureJson(JSON.parse("[".repeat(levels) + "]".repeat(levels)))).toEqual({ keys: 0, depth: levels });
});

test.each([1, 35, 36, 123_456_789, Number.MAX_SAFE_INTEGER])("id %p comes back from its outside form", (id) => {
  expect(parseId("person", formatId("person", id))).toBe(id);
});

test.each(["", "per_", "per_ZZ", "per_0x1", "per_1.5", "sig_1", "1", "per_01", "per_-1", "per_zzzzzzzzzzzzzz"])(
  "%p is no person's id",
  (text) => {
    expect(parseId("person", text)).toBeNull();
  },
);
