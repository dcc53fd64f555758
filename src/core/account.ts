import type { Rules } from "./compile.ts";
import { isFreeMail, registrableDomainOf } from "./domain.ts";
import { DAY_MS } from "./duration.ts";
import { type Evaluation, evaluate, groupPointsOf, SCORE_MAX, scoreOfGroups } from "./score.ts";
import { type AccountContribution, type GroupPoints, type Reason, strongest } from "./signal.ts";
import type { IntentScore } from "./state.ts";

/** The company behind an e-mail address: its registrable domain, or null for free and disposable mail. */
export function accountDomainOf(email: string): string | null {
  const host = email.slice(email.lastIndexOf("@") + 1);
  if (isFreeMail(host)) return null;
  const domain = registrableDomainOf(host);
  return domain === null || isFreeMail(domain) ? null : domain;
}

/** Who was seen within so many days counts as active. */
const ACTIVE_DAYS = 14;
/** An account's people that count: of those active the ones seen last, so that no company is too large for an event. */
export const ACCOUNT_PEOPLE_MAX = 50;
const DIVERSITY_GROUP_POINTS = 2;
const DIVERSITY_POINTS_MAX = 10;

export type AccountEvaluation = {
  score: number;
  groups: GroupPoints[];
  /** The best first; those below the lowest threshold have a share of nothing. */
  contributions: AccountContribution[];
  reasons: Reason[];
};

/** The people who count for their account at `nowMs`, in an order that does not depend on how they came. */
export function activeOf(people: readonly IntentScore[], nowMs: number): IntentScore[] {
  const sinceMs = activeSinceMs(nowMs);
  return people
    .filter(({ lastSeenMs }) => lastSeenMs >= sinceMs)
    .sort((a, b) => seenDayOf(b) - seenDayOf(a) || b.personId - a.personId)
    .slice(0, ACCOUNT_PEOPLE_MAX);
}

/** Who was seen last is told by days, so that a store can keep that order without touching it on every event. */
export function seenDayOf({ lastSeenMs }: Pick<IntentScore, "lastSeenMs">): number {
  return Math.floor(lastSeenMs / DAY_MS);
}

export function activeSinceMs(nowMs: number): number {
  return nowMs - ACTIVE_DAYS * DAY_MS;
}

/**
 * An account's score from its active people's. The best counts whole, the second a quarter, the third an eighth and so on;
 * whoever is below the lowest threshold adds nothing to the best. On top come 2 points for each group in which at least
 * two of those who count hold points, at most 10: interest of different kinds by different people.
 *
 * With levels at 40, 60 and 80: one person at 60 makes 60. Two at 60, both with points in three groups, make
 * 60 + 60/4 + 3·2 = 81. Twenty at 39 make 39.
 *
 * Nothing of it is stored: scores fall by themselves, so the account's follows from its people's whenever it is asked for,
 * also after merges and after people are gone.
 */
export function evaluateAccount(people: readonly IntentScore[], rules: Rules, nowMs: number): AccountEvaluation {
  const active = activeOf(people, nowMs);
  const evaluations = new Map(active.map(({ personId, sums }) => [personId, evaluate(sums, rules, nowMs)]));
  const ranked = rankOf(
    active.map((person) => partOf(person, rules, nowMs)),
    rules,
  );
  const groups = groupsOf(ranked, rules);
  return {
    score: totalOf(groups),
    groups,
    contributions: ranked.map(({ personId, score, share }) => ({ personId, score, share, points: score * share })),
    reasons: accountReasonsOf(ranked, evaluations),
  };
}

/** The score alone, which every event of an account's people asks for; `known` saves looking at a person twice. */
export function accountScoreOf(
  people: readonly IntentScore[],
  rules: Rules,
  nowMs: number,
  known: Map<IntentScore, AccountPart>,
): number {
  const parts = activeOf(people, nowMs).map((person) => {
    const part = known.get(person) ?? partOf(person, rules, nowMs);
    known.set(person, part);
    return part;
  });
  return totalOf(groupsOf(rankOf(parts, rules), rules));
}

/** What of a person goes into an account: the score, and the points of each group in the order of the config. */
export type AccountPart = { personId: number; score: number; groupPoints: readonly number[] };

type Ranked = AccountPart & { share: number };

function partOf({ personId, sums }: IntentScore, rules: Rules, nowMs: number): AccountPart {
  const groupPoints = groupPointsOf(sums, rules, nowMs);
  return { personId, score: scoreOfGroups(groupPoints), groupPoints };
}

function rankOf(parts: AccountPart[], rules: Rules): Ranked[] {
  const lowest = rules.thresholds[0]?.score ?? 0;
  return parts
    .sort((a, b) => b.score - a.score || a.personId - b.personId)
    .map((part, index) => ({ ...part, share: index === 0 ? 1 : part.score < lowest ? 0 : 1 / 2 ** (index + 1) }));
}

function groupsOf(ranked: readonly Ranked[], rules: Rules): GroupPoints[] {
  const raw = ranked.reduce((sum, { score, share }) => sum + score * share, 0);
  const counting = ranked.filter(({ share }) => share > 0);
  let shared = 0;
  for (let group = 0; group < rules.groups.size; group += 1) {
    if (counting.filter(({ groupPoints }) => (groupPoints[group] ?? 0) > 0).length > 1) shared += 1;
  }
  const diversity = shared * DIVERSITY_GROUP_POINTS;
  return [
    { group: "people", raw, max: SCORE_MAX, points: Math.min(raw, SCORE_MAX) },
    {
      group: "diversity",
      raw: diversity,
      max: DIVERSITY_POINTS_MAX,
      points: Math.min(diversity, DIVERSITY_POINTS_MAX),
    },
  ];
}

function totalOf(groups: readonly GroupPoints[]): number {
  return Math.min(
    groups.reduce((sum, { points }) => sum + points, 0),
    SCORE_MAX,
  );
}

/** What moved the account most, over all its people, each by their share. */
function accountReasonsOf(ranked: readonly Ranked[], evaluations: ReadonlyMap<number, Evaluation>): Reason[] {
  const byRule = new Map<string, Reason>();
  for (const { personId, share } of ranked) {
    if (share === 0) continue;
    for (const { rule, sum, points } of evaluations.get(personId)?.contributions ?? []) {
      const known = byRule.get(rule.name);
      const lastEventAt = new Date(sum.lastEventMs).toISOString();
      byRule.set(rule.name, {
        rule: rule.name,
        group: rule.group,
        points: (known?.points ?? 0) + points * share,
        count: (known?.count ?? 0) + sum.count,
        last_event_at: known !== undefined && known.last_event_at > lastEventAt ? known.last_event_at : lastEventAt,
      });
    }
  }
  return strongest([...byRule.values()]);
}
