import type { AttributionData } from "./channel.ts";
import type { Rules } from "./compile.ts";
import { formatId } from "./id.ts";
import type { Json } from "./json.ts";
import type { Evaluation } from "./score.ts";

/** The most contributions that a signal and an identify answer name as reasons. */
const REASONS_MAX = 5;
/** What the thresholds of accounts are called in signals; no person's threshold has a dot in its name. */
export const ACCOUNT_PREFIX = "account.";
/** The same for lead magnets: a request is told like a crossing, by the magnet's own name. */
export const MAGNET_PREFIX = "lead_magnet.";

export type Reason = { rule: string; group: string; points: number; count: number; last_event_at: string };
export type GroupPoints = { group: string; raw: number; max: number; points: number };

/** One person's part in an account's score. */
export type AccountContribution = { personId: number; score: number; share: number; points: number };

/** The durable record of one crossing, with score and reasons as they were. */
export type Signal = {
  signalId: number;
  /** Who crossed, or whose event took the account over. */
  personId: number;
  account: { accountId: number; activePeople: number; people: AccountContribution[] } | null;
  /** Only when it tells of a lead magnet that was asked for. */
  magnet?: MagnetData;
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
  /** With people only in a signal about the account itself. */
  account?: { domain: string; active_people_14d?: number; people?: AccountPersonData[] };
  threshold: { name: string; score: number };
  /** What was asked for, and the person's level by then; only where no threshold was crossed. */
  magnet?: MagnetData;
  score_before: number;
  score: number;
  groups: GroupPoints[];
  reasons: Reason[];
  attribution: AttributionData | null;
  config_hash: string;
};

export type MagnetData = { slug: string; title: string; level: string };

export type AccountPersonData = { person_id: string; score: number; share: number; points: number };

/** The contributions that moved the score most, the strongest first. */
export function reasonsOf({ contributions }: Evaluation): Reason[] {
  return strongest(
    contributions.map(({ rule, sum, points }) => ({
      rule: rule.name,
      group: rule.group,
      points,
      count: sum.count,
      last_event_at: new Date(sum.lastEventMs).toISOString(),
    })),
  );
}

export function strongest(reasons: readonly Reason[]): Reason[] {
  return reasons
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points || (a.rule < b.rule ? -1 : 1))
    .slice(0, REASONS_MAX);
}

/** What machines tell signals apart by. */
export const SIGNAL_TYPES = ["intent.threshold_crossed", "account.threshold_crossed", "lead_magnet.requested"] as const;

export function typeOf(signal: Pick<SignalData, "threshold" | "magnet">): (typeof SIGNAL_TYPES)[number] {
  if (signal.magnet !== undefined) return "lead_magnet.requested";
  return isAboutAccount(signal) ? "account.threshold_crossed" : "intent.threshold_crossed";
}

export function isAboutAccount({ threshold }: Pick<SignalData, "threshold">): boolean {
  return threshold.name.startsWith(ACCOUNT_PREFIX);
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
    account: null,
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
    ...(profile.account === null ? {} : { account: { ...profile.account, ...accountPartOf(signal) } }),
    threshold: signal.threshold,
    ...(signal.magnet === undefined ? {} : { magnet: signal.magnet }),
    score_before: signal.scoreBefore,
    score: signal.score,
    groups: signal.groups,
    reasons: signal.reasons,
    attribution: signal.attribution,
    config_hash: signal.configHash,
  };
}

function accountPartOf({ account }: Signal): Pick<NonNullable<SignalData["account"]>, "active_people_14d" | "people"> {
  return account === null
    ? {}
    : { active_people_14d: account.activePeople, people: account.people.map(accountPersonData) };
}

export function accountPersonData({ personId, ...rest }: AccountContribution): AccountPersonData {
  return { person_id: formatId("person", personId), ...rest };
}
