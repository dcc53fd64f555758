import { type AccountPart, accountScoreOf, activeOf, evaluateAccount } from "./account.ts";
import { type Attribution, combineAttribution } from "./attribution.ts";
import { attributionData } from "./channel.ts";
import type { Circumstances } from "./circumstances.ts";
import { ACCOUNT_PREFIX, type Signal } from "./signal.ts";
import type { Changes, IntentScore, State } from "./state.ts";
import { cross, rearm } from "./threshold.ts";

/** People that an account signal names. */
const PEOPLE_NAMED_MAX = 5;

/**
 * What a decision about people means for their accounts, in the same transaction: a signal for every account threshold
 * that is crossed. Adds to the changes.
 */
export function decideAccounts(state: State, changes: Changes, circumstances: Circumstances): void {
  const { rules, nowMs } = circumstances;
  if (rules.accountThresholds.length === 0) return;
  for (const accountId of touchedAccounts(state, changes)) {
    const known = state.standings.get(accountId) ?? { accountId, thresholds: {}, personIds: [] };
    const peopleBefore = known.personIds.flatMap((personId) => state.scores.get(personId) ?? []);
    const parts = new Map<IntentScore, AccountPart>();
    const before = accountScoreOf(peopleBefore, rules, nowMs, parts);
    const people = peopleAfter(peopleBefore, accountId, changes);
    const score = accountScoreOf(people, rules, nowMs, parts);
    const armed = rearm(known.thresholds, before, rules.accountThresholds);
    const causer = changes.scores.findLast((score) => score.accountId === accountId);
    const { states, crossed } =
      causer === undefined ? { states: armed, crossed: [] } : cross(armed, score, rules.accountThresholds);
    changes.standings.push({ accountId, thresholds: states, personIds: people.map(({ personId }) => personId) });
    if (causer === undefined || crossed.length === 0) continue;
    const after = evaluateAccount(people, rules, nowMs);
    const active = activeOf(people, nowMs);
    const attribution = active.reduce<Attribution | null>((all, one) => combineAttribution(all, one.attribution), null);
    for (const { threshold, epoch } of crossed) {
      const signal: Signal = {
        signalId: circumstances.mintId(),
        personId: causer.personId,
        account: { accountId, activePeople: active.length, people: after.contributions.slice(0, PEOPLE_NAMED_MAX) },
        threshold: { name: ACCOUNT_PREFIX + threshold.name, score: threshold.score },
        epoch,
        scoreBefore: before,
        score: after.score,
        groups: after.groups,
        reasons: after.reasons,
        attribution: attributionData(attribution, rules.channelOf),
        configHash: rules.hash,
        createdMs: nowMs,
      };
      changes.signals.push(signal);
    }
  }
}

/** The accounts of everybody whose score was written or who was absorbed. */
function touchedAccounts(state: State, { scores, merges }: Changes): Set<number> {
  const touched = new Set<number>();
  for (const score of scores) if (score.accountId !== null) touched.add(score.accountId);
  for (const { absorbedId } of merges) {
    const accountId = state.scores.get(absorbedId)?.accountId ?? null;
    if (accountId !== null) touched.add(accountId);
  }
  return touched;
}

function peopleAfter(before: readonly IntentScore[], accountId: number, { scores, merges }: Changes): IntentScore[] {
  const gone = new Set([...scores.map(({ personId }) => personId), ...merges.map(({ absorbedId }) => absorbedId)]);
  return [
    ...before.filter(({ personId }) => !gone.has(personId)),
    ...scores.filter((score) => score.accountId === accountId),
  ];
}
