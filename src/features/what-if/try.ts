import { compileRules, type Rules } from "../../core/compile.ts";
import { formatId } from "../../core/id.ts";
import { createRecomputation } from "../../core/recompute.ts";
import type { Scoring } from "../../core/rules.ts";
import type { Sums } from "../../core/score.ts";
import type { IntentScore } from "../../core/state.ts";
import { createWhatIf, replaceSums, rulesToRecount, type WhatIf } from "../../core/what-if.ts";
import { type AccountMoves, createAccountMoves } from "../../core/what-if-accounts.ts";
import type { AccountReader } from "../../store/sqlite/accounts.ts";
import { type EventReader, NEWEST } from "../../store/sqlite/events.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";

/** Events of one person in memory at once. */
const SLICE_EVENTS = 1_000;
/** Enough to find an e-mail among somebody's identifiers: the strongest come first. */
const IDENTITIES_READ = 5;

export type Version = { scoring: Scoring; hash: string };

export type TryAnswer = Omit<WhatIf, "risers"> & {
  at: string;
  config_hash: string;
  tried_hash: string;
  /** The rules that had to be counted anew from the events; all others come from what is stored. */
  recounted: string[];
  risers: {
    person_id: string;
    email: string | null;
    from: string;
    to: string;
    score_before: number;
    score_after: number;
    rules: WhatIf["risers"][number]["rules"];
  }[];
  /** Those who rise and are not named. */
  risers_left_off: number;
  accounts: {
    changed: number;
    moves: AccountMoves["moves"];
    movers: { domain: string; from: string; to: string; score_before: number; score_after: number }[];
    movers_left_off: number;
  };
};

export type TrySources = {
  /** One company's people after the other's. */
  scores: Iterable<IntentScore>;
  people: PeopleReader;
  events: EventReader;
  accounts: Pick<AccountReader, "after">;
};

/** What would be if the other config were in force. Looks at everybody, so it runs beside the loop. */
export function tryConfig(
  today: Version,
  tried: Version,
  sources: TrySources,
  nowMs: number,
  limit: number,
): TryAnswer {
  const [rulesToday, rulesTried] = [today, tried].map(({ scoring, hash }) => compileRules(scoring, hash)) as [
    Rules,
    Rules,
  ];
  const recount = rulesToRecount(today.scoring, tried.scoring);
  const recountRules = compileRules({ ...tried.scoring, rules: recount }, tried.hash);
  const whatIf = createWhatIf(rulesToday, rulesTried, nowMs, limit);
  const accounts = createAccountMoves(rulesToday, rulesTried, nowMs, limit);
  for (const score of sources.scores) {
    const { personId, sums } = score;
    const after =
      recount.length === 0 ? sums : replaceSums(sums, recountSums(personId, sources, recountRules, nowMs), recount);
    whatIf.add(personId, sums, after);
    accounts.add(score, after);
  }
  const result = whatIf.result();
  return {
    at: new Date(nowMs).toISOString(),
    config_hash: today.hash,
    tried_hash: tried.hash,
    recounted: recount.map(({ name }) => name),
    ...result,
    risers: result.risers.map(({ personId, from, to, scoreBefore, scoreAfter, rules }) => ({
      person_id: formatId("person", personId),
      email: emailOf(personId, sources.people),
      from,
      to,
      score_before: scoreBefore,
      score_after: scoreAfter,
      rules,
    })),
    risers_left_off: result.rising - result.risers.length,
    accounts: accountsOf(accounts.result(), sources),
  };
}

function accountsOf({ changed, moves, movers }: AccountMoves, { accounts }: TrySources): TryAnswer["accounts"] {
  const named = movers.map(({ accountId, from, to, scoreBefore, scoreAfter }) => {
    const [account] = accounts.after(accountId - 1, 1);
    return { domain: account?.domain ?? "", from, to, score_before: scoreBefore, score_after: scoreAfter };
  });
  return { changed, moves, movers: named, movers_left_off: changed - named.length };
}

function recountSums(personId: number, { people, events }: TrySources, rules: Rules, nowMs: number): Sums {
  const identityIds = people.allIdentitiesOf(personId).map(({ identityId }) => identityId);
  const recomputation = createRecomputation(rules, nowMs);
  let before = NEWEST;
  for (;;) {
    const slice = events.newestOf(identityIds, before, SLICE_EVENTS);
    recomputation.add(slice);
    const last = slice.at(-1);
    if (last === undefined || slice.length < SLICE_EVENTS) return recomputation.sums();
    before = { occurredMs: last.occurredMs, eventSeq: last.eventSeq };
  }
}

function emailOf(personId: number, people: PeopleReader): string | null {
  return people.liveIdentitiesOf(personId, IDENTITIES_READ).find(({ kind }) => kind === "email")?.value ?? null;
}
