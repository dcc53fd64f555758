import { ACCOUNT_PEOPLE_MAX, activeOf, evaluateAccount } from "./account.ts";
import type { Rules } from "./compile.ts";
import type { Sums } from "./score.ts";
import type { IntentScore } from "./state.ts";
import { levelOf } from "./threshold.ts";

export type AccountMover = {
  accountId: number;
  from: string;
  to: string;
  scoreBefore: number;
  scoreAfter: number;
};

/** The companies whose level would be another; some of them are named, all are counted. */
export type AccountMoves = {
  changed: number;
  moves: { from: string; to: string; accounts: number }[];
  movers: AccountMover[];
};

type Member = { today: IntentScore; tried: IntentScore };

/** Takes one company's people after the other's, in the order of the companies, and keeps only what it names. */
export function createAccountMoves(rulesToday: Rules, rulesTried: Rules, nowMs: number, namedMax: number) {
  const moves = new Map<string, AccountMoves["moves"][number]>();
  let changed = 0;
  let movers: AccountMover[] = [];
  let current = Number.NEGATIVE_INFINITY;
  let members: Member[] = [];

  /** No more of one than count. */
  const counting = (): Member[] => {
    const byScore = new Map(members.map((member) => [member.today, member]));
    return activeOf([...byScore.keys()], nowMs).flatMap((today) => byScore.get(today) ?? []);
  };

  const conclude = (): void => {
    if (members.length === 0) return;
    const ofToday = members.map(({ today }) => today);
    const ofTried = members.map(({ tried }) => tried);
    members = [];
    const scoreBefore = evaluateAccount(ofToday, rulesToday, nowMs).score;
    const scoreAfter = evaluateAccount(ofTried, rulesTried, nowMs).score;
    const from = levelOf(scoreBefore, rulesToday.accountThresholds);
    const to = levelOf(scoreAfter, rulesTried.accountThresholds);
    if (from === to) return;
    changed += 1;
    const known = moves.get(`${from} ${to}`) ?? { from, to, accounts: 0 };
    moves.set(`${from} ${to}`, { ...known, accounts: known.accounts + 1 });
    movers.push({ accountId: current, from, to, scoreBefore, scoreAfter });
    if (movers.length >= 2 * namedMax) movers = highest(movers, namedMax);
  };

  return {
    add: (today: IntentScore, sumsTried: Sums): void => {
      const { accountId } = today;
      if (accountId === null) return;
      if (accountId < current) throw new Error("an account's people come together, in the order of the accounts");
      if (accountId !== current) conclude();
      current = accountId;
      if (activeOf([today], nowMs).length === 0) return;
      members.push({ today, tried: { ...today, sums: sumsTried } });
      if (members.length > 2 * ACCOUNT_PEOPLE_MAX) members = counting();
    },

    result: (): AccountMoves => {
      conclude();
      return {
        changed,
        moves: [...moves.values()].sort((a, b) => b.accounts - a.accounts || (a.from + a.to < b.from + b.to ? -1 : 1)),
        movers: highest(movers, namedMax),
      };
    },
  };
}

function highest(movers: readonly AccountMover[], namedMax: number): AccountMover[] {
  return [...movers].sort((a, b) => b.scoreAfter - a.scoreAfter || a.accountId - b.accountId).slice(0, namedMax);
}
