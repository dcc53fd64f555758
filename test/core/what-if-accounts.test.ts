import { expect, test } from "bun:test";
import { compileRules } from "../../src/core/compile.ts";
import type { Scoring } from "../../src/core/rules.ts";
import type { Sums } from "../../src/core/score.ts";
import type { IntentScore } from "../../src/core/state.ts";
import { createAccountMoves } from "../../src/core/what-if-accounts.ts";

const NOW_MS = 1_772_366_400_000;
const scoring = (points: number): Scoring => ({
  groups: { all: { max: 100 } },
  rules: [{ name: "step", group: "all", event: "step", points }],
  page_classes: {},
  thresholds: {},
  accounts: { thresholds: { warm: 20, hot: 40 } },
});
const [today, tried] = [scoring(10), scoring(30)].map((rules, index) => compileRules(rules, `${index}`)) as [
  ReturnType<typeof compileRules>,
  ReturnType<typeof compileRules>,
];

const sumsOnce = (): Sums => ({
  step: { weight: 1, atMs: NOW_MS, count: 1, lastEventMs: NOW_MS },
});
const person = (personId: number, accountId: number | null): IntentScore =>
  ({ personId, accountId, sums: sumsOnce(), thresholds: {}, firstSeenMs: NOW_MS, lastSeenMs: NOW_MS }) as never;

test("of companies that were looked at, nothing is held but what is named of them", async () => {
  const moves = createAccountMoves(today, tried, NOW_MS, 5);
  const seen: WeakRef<IntentScore>[] = [];
  const pass = (): void => {
    for (let accountId = 1; accountId <= 1_000; accountId += 1) {
      const score = person(accountId, accountId);
      seen.push(new WeakRef(score));
      moves.add(score, score.sums);
    }
  };
  pass();
  // What was made in this turn of the event loop is kept until it ends.
  await new Promise((resolve) => setImmediate(resolve));
  Bun.gc(true);
  expect(seen.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(100);
  const { changed, movers, moves: counted } = moves.result();
  expect([changed, counted]).toEqual([1_000, [{ from: "cold", to: "warm", accounts: 1_000 }]]);
  expect(movers.map(({ accountId }) => accountId)).toEqual([1, 2, 3, 4, 5]);
});

test("a company whose people come apart is a fault, and not counted twice", () => {
  const moves = createAccountMoves(today, tried, NOW_MS, 5);
  for (const accountId of [1, 1, 2, null, 2]) moves.add(person(1, accountId), sumsOnce());
  expect(() => moves.add(person(2, 1), sumsOnce())).toThrow("together");
});
