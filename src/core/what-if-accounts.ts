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

/** Gathers whoever counts for an account, and no more of one than count. */
export function createAccountMoves(rulesToday: Rules, rulesTried: Rules, nowMs: number, namedMax: number) {
  const membersOf = new Map<number, Member[]>();

  const counting = (members: readonly Member[]): Member[] => {
    const byScore = new Map(members.map((member) => [member.today, member]));
    return activeOf([...byScore.keys()], nowMs).flatMap((today) => byScore.get(today) ?? []);
  };

  return {
    add: (today: IntentScore, sumsTried: Sums): void => {
      const { accountId } = today;
      if (accountId === null || activeOf([today], nowMs).length === 0) return;
      const members = [...(membersOf.get(accountId) ?? []), { today, tried: { ...today, sums: sumsTried } }];
      membersOf.set(accountId, members.length > 2 * ACCOUNT_PEOPLE_MAX ? counting(members) : members);
    },

    result: (): AccountMoves => {
      const movers = [...membersOf].flatMap(([accountId, members]): AccountMover[] => {
        const [before, after] = [
          evaluateAccount(
            members.map(({ today }) => today),
            rulesToday,
            nowMs,
          ),
          evaluateAccount(
            members.map(({ tried }) => tried),
            rulesTried,
            nowMs,
          ),
        ];
        const from = levelOf(before.score, rulesToday.accountThresholds);
        const to = levelOf(after.score, rulesTried.accountThresholds);
        return from === to ? [] : [{ accountId, from, to, scoreBefore: before.score, scoreAfter: after.score }];
      });
      const moves = new Map<string, AccountMoves["moves"][number]>();
      for (const { from, to } of movers) {
        const known = moves.get(`${from} ${to}`) ?? { from, to, accounts: 0 };
        moves.set(`${from} ${to}`, { ...known, accounts: known.accounts + 1 });
      }
      return {
        changed: movers.length,
        moves: [...moves.values()].sort((a, b) => b.accounts - a.accounts || (a.from + a.to < b.from + b.to ? -1 : 1)),
        movers: movers.sort((a, b) => b.scoreAfter - a.scoreAfter || a.accountId - b.accountId).slice(0, namedMax),
      };
    },
  };
}
