import freeMailDomains from "email-providers/all.json" with { type: "json" };
import { parse } from "tldts";
import type { Rules } from "./compile.ts";
import { DAY_MS } from "./duration.ts";
import { type Evaluation, evaluate, SCORE_MAX } from "./score.ts";
import { type AccountContribution, type GroupPoints, type Reason, strongest } from "./signal.ts";
import type { IntentScore } from "./state.ts";

const FREE_MAIL_DOMAINS: ReadonlySet<string> = new Set(freeMailDomains as string[]);

/** The company behind an e-mail address: its registrable domain, or null for free and disposable mail. */
export function accountDomainOf(email: string): string | null {
  const host = email.slice(email.lastIndexOf("@") + 1);
  if (FREE_MAIL_DOMAINS.has(host)) return null;
  const { domain, isIp } = parse(host);
  if (domain === null || isIp || FREE_MAIL_DOMAINS.has(domain)) return null;
  return domain;
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
  return people
    .filter(({ lastSeenMs }) => lastSeenMs >= activeSinceMs(nowMs))
    .sort((a, b) => b.lastSeenMs - a.lastSeenMs || b.personId - a.personId)
    .slice(0, ACCOUNT_PEOPLE_MAX);
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
  const ranked = rankedOf(people, rules, nowMs);
  const contributions = ranked.map(({ person, evaluation, share }) => ({
    personId: person.personId,
    score: evaluation.score,
    share,
    points: evaluation.score * share,
  }));
  const counting = ranked.filter(({ share }) => share > 0).map(({ evaluation }) => evaluation);
  const raw = contributions.reduce((total, { points }) => total + points, 0);
  const shared = [...rules.groups.keys()].filter(
    (_, index) => counting.filter((one) => holdsPoints(one, index)).length > 1,
  );
  const diversity = shared.length * DIVERSITY_GROUP_POINTS;
  const groups = [
    { group: "people", raw, max: SCORE_MAX, points: Math.min(raw, SCORE_MAX) },
    {
      group: "diversity",
      raw: diversity,
      max: DIVERSITY_POINTS_MAX,
      points: Math.min(diversity, DIVERSITY_POINTS_MAX),
    },
  ];
  const total = groups.reduce((sum, { points }) => sum + points, 0);
  return { score: Math.min(total, SCORE_MAX), groups, contributions, reasons: accountReasonsOf(ranked) };
}

type Ranked = { person: IntentScore; evaluation: Evaluation; share: number };

function rankedOf(people: readonly IntentScore[], rules: Rules, nowMs: number): Ranked[] {
  const lowest = rules.thresholds[0]?.score ?? 0;
  return activeOf(people, nowMs)
    .map((person) => ({ person, evaluation: evaluate(person.sums, rules, nowMs) }))
    .sort((a, b) => b.evaluation.score - a.evaluation.score || a.person.personId - b.person.personId)
    .map((one, index) => ({
      ...one,
      share: index === 0 ? 1 : one.evaluation.score < lowest ? 0 : 1 / 2 ** (index + 1),
    }));
}

function holdsPoints({ groups }: Evaluation, index: number): boolean {
  return (groups[index]?.points ?? 0) > 0;
}

/** What moved the account most, over all its people, each by their share. */
function accountReasonsOf(ranked: readonly Ranked[]): Reason[] {
  const byRule = new Map<string, Reason>();
  for (const { evaluation, share } of ranked) {
    if (share === 0) continue;
    for (const { rule, sum, points } of evaluation.contributions) {
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
