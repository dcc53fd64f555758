import { expect, test } from "bun:test";
import { contrastOf } from "../../src/core/contrast.ts";

/** As the checkers of WCAG 2 give them. */
test.each([
  ["#000000", "#ffffff", 21],
  ["#fff", "#FFF", 1],
  ["#777777", "#ffffff", 4.48],
  ["#767676", "#fff", 4.54],
  ["#1d4ed8", "#ffffff", 6.7],
  ["#ff0000", "#00ff00", 2.91],
])("%s and %s stand %p apart", (one, other, ratio) => {
  expect(contrastOf(one, other)).toBeCloseTo(ratio, 2);
  expect(contrastOf(other, one)).toBe(contrastOf(one, other));
});
