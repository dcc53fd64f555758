import type { AttributionData } from "./channel.ts";
import type { Rules } from "./compile.ts";
import { formatId } from "./id.ts";
import type { Json } from "./json.ts";
import type { Evaluation } from "./score.ts";

/** The most contributions that a signal and an identify answer name as reasons. */
const REASONS_MAX = 5;

export type Reason = { rule: string; group: string; points: number; count: number; last_event_at: string };
export type GroupPoints = { group: string; raw: number; max: number; points: number };

/** The durable record of one crossing, with score and reasons as they were. */
export type Signal = {
  signalId: number;
  personId: number;
  threshold: { name: string; score: number };
  epoch: number;
  scoreBefore: number;
  score: number;
  groups: GroupPoints[];
  reasons: Reason[];
  attribution: AttributionData | null;
  configHash: string;
  createdMs: number;
};

/** Who a signal is about, as known in the transaction that crossed. */
export type Profile = {
  identities: { kind: string; value: string; verified: boolean }[];
  traits: { [trait: string]: Json };
  account: { domain: string } | null;
};

/** The wire form that destinations render and /signals lists. */
export type SignalData = {
  signal_id: string;
  created_at: string;
  person: { person_id: string; email?: string } & Pick<Profile, "identities" | "traits">;
  account?: { domain: string };
  threshold: { name: string; score: number };
  score_before: number;
  score: number;
  groups: GroupPoints[];
  reasons: Reason[];
  attribution: AttributionData | null;
  config_hash: string;
};

/** The contributions that moved the score most, the strongest first. */
export function reasonsOf({ contributions }: Evaluation): Reason[] {
  return contributions
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points || (a.rule.name < b.rule.name ? -1 : 1))
    .slice(0, REASONS_MAX)
    .map(({ rule, sum, points }) => ({
      rule: rule.name,
      group: rule.group,
      points,
      count: sum.count,
      last_event_at: new Date(sum.lastEventMs).toISOString(),
    }));
}

export function signalOf(
  crossing: { signalId: number; personId: number; threshold: { name: string; score: number }; epoch: number },
  evaluation: Evaluation,
  scoreBefore: number,
  attribution: AttributionData | null,
  rules: Rules,
  nowMs: number,
): Signal {
  return {
    ...crossing,
    threshold: { name: crossing.threshold.name, score: crossing.threshold.score },
    scoreBefore,
    score: evaluation.score,
    groups: evaluation.groups,
    reasons: reasonsOf(evaluation),
    attribution,
    configHash: rules.hash,
    createdMs: nowMs,
  };
}

export function signalData(signal: Signal, profile: Profile): SignalData {
  const email = profile.identities.find(({ kind }) => kind === "email")?.value;
  return {
    signal_id: formatId("signal", signal.signalId),
    created_at: new Date(signal.createdMs).toISOString(),
    person: {
      person_id: formatId("person", signal.personId),
      ...(email === undefined ? {} : { email }),
      identities: profile.identities,
      traits: profile.traits,
    },
    ...(profile.account === null ? {} : { account: profile.account }),
    threshold: signal.threshold,
    score_before: signal.scoreBefore,
    score: signal.score,
    groups: signal.groups,
    reasons: signal.reasons,
    attribution: signal.attribution,
    config_hash: signal.configHash,
  };
}
