import { ACCOUNT_PEOPLE_MAX, accountDomainOf, activeSinceMs, evaluateAccount } from "../../core/account.ts";
import { type Attribution, combineAttribution } from "../../core/attribution.ts";
import { attributionData, type TouchData } from "../../core/channel.ts";
import type { Rules } from "../../core/compile.ts";
import { readableDomain } from "../../core/email.ts";
import { AppError } from "../../core/error.ts";
import { MOMENTUM_WEEKS, type Momentum, momentumOf, WEEK_MS } from "../../core/momentum.ts";
import { type AccountPersonData, accountPersonData, type GroupPoints, type Reason } from "../../core/signal.ts";
import type { IntentScore } from "../../core/state.ts";
import { levelOf } from "../../core/threshold.ts";
import type { AccountReader, StoredAccount } from "../../store/sqlite/accounts.ts";
import type { EventReader } from "../../store/sqlite/events.ts";
import { createPastReader, sweptBefore } from "../../store/sqlite/past.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";

/** People looked through for what is told beside the score: the first touch, and what the weeks brought. */
const PEOPLE_READ_MAX = 500;
/** Enough to find an e-mail among somebody's identifiers: the strongest come first. */
const IDENTITIES_READ = 5;
/** Further on, ISO 8601 has no four digits for the year. */
const TIME_MAX_MS = Date.UTC(9999, 11, 31);

export type AccountAnswer = {
  domain: string;
  score: number;
  level: string;
  active_people_14d: number;
  momentum: Momentum;
};

export type FullAccountAnswer = AccountAnswer & {
  at: string;
  config_hash: string;
  /** In a look into the past: what happened before is swept, and not in it. */
  events_since?: string;
  created_at: string;
  first_touch: TouchData | null;
  groups: GroupPoints[];
  contributions: (AccountPersonData & { email: string | null; last_seen_at: string })[];
  reasons: Reason[];
};

/** By the domain itself or one below it, in any case and spelling; null when there is no such account. */
export function findAccount(said: string | null, accounts: AccountReader): StoredAccount | null {
  // An address with a name in front of the @ means its person.
  if (said === null || said.includes("@")) return null;
  const domain = accountDomainOf(readableDomain(said.trim().toLowerCase()));
  return domain === null ? null : accounts.byDomain(domain);
}

export function requireAccount(said: string | null, accounts: AccountReader): StoredAccount {
  const account = findAccount(said, accounts);
  if (account === null) throw new AppError("not_found", "no account has this domain; GET /accounts lists them");
  return account;
}

export function describeAccount(
  { accountId, domain }: StoredAccount,
  score: number,
  accounts: AccountReader,
  rules: Rules,
  atMs: number,
): AccountAnswer {
  return {
    domain,
    score,
    level: levelOf(score, rules.accountThresholds),
    active_people_14d: accounts.countSeenSince(accountId, activeSinceMs(atMs)),
    momentum: readMomentum(accountId, accounts, atMs),
  };
}

export function scoreOfAccount(accountId: number, accounts: AccountReader, rules: Rules, atMs: number): number {
  return evaluateAccount(accounts.peopleOf(accountId, ACCOUNT_PEOPLE_MAX), rules, atMs).score;
}

export function readMomentum(accountId: number, accounts: AccountReader, atMs: number): Momentum {
  const weeks = Array.from({ length: MOMENTUM_WEEKS }, () => 0);
  for (const { personId, lastSeenMs } of accounts.peopleOf(accountId, PEOPLE_READ_MAX)) {
    if (lastSeenMs < atMs - MOMENTUM_WEEKS * WEEK_MS) continue;
    for (const week of weeks.keys()) {
      const untilMs = atMs - week * WEEK_MS + 1;
      weeks[week] = (weeks[week] ?? 0) + accounts.countEvents(personId, untilMs - WEEK_MS, untilMs);
    }
  }
  return momentumOf(weeks);
}

/**
 * The account with every row that makes up its score: contributions add up to the people's group, groups to the score.
 * In the past it is made of those who belong to it today, by what they had done by then.
 */
export function readAccount(
  account: StoredAccount,
  { accounts, people, events }: { accounts: AccountReader; people: PeopleReader; events: EventReader },
  rules: Rules,
  askedMs: number | null,
  nowMs: number,
): FullAccountAnswer {
  const atMs = askedMs ?? nowMs;
  if (atMs > TIME_MAX_MS) throw new AppError("invalid", "must lie before the year 9999 ends", "at");
  const today = accounts.peopleOf(account.accountId, PEOPLE_READ_MAX);
  const members = atMs < nowMs ? membersThen(today, atMs, { people, events }, rules) : today;
  const firstSeenMs = Math.min(...members.map((member) => member.firstSeenMs));
  const eventsSince = members === today ? null : sweptBefore(firstSeenMs, events);
  const { score, groups, contributions, reasons } = evaluateAccount(members, rules, atMs);
  const touches = members.reduce<Attribution | null>((all, one) => combineAttribution(all, one.attribution), null);
  const seen = new Map(members.map(({ personId, lastSeenMs }) => [personId, lastSeenMs]));
  return {
    ...describeAccount(account, score, accounts, rules, atMs),
    ...(members === today ? {} : { active_people_14d: activeIn(members, atMs) }),
    at: new Date(atMs).toISOString(),
    config_hash: rules.hash,
    ...(eventsSince === null ? {} : { events_since: eventsSince }),
    created_at: new Date(account.createdMs).toISOString(),
    first_touch: attributionData(touches, rules.channelOf)?.first ?? null,
    groups,
    contributions: contributions.map((contribution) => ({
      ...accountPersonData(contribution),
      email: emailOf(contribution.personId, people),
      last_seen_at: new Date(seen.get(contribution.personId) ?? 0).toISOString(),
    })),
    reasons,
  };
}

function activeIn(members: readonly IntentScore[], atMs: number): number {
  return members.filter(({ lastSeenMs }) => lastSeenMs >= activeSinceMs(atMs)).length;
}

function membersThen(
  today: readonly IntentScore[],
  atMs: number,
  readers: { people: PeopleReader; events: EventReader },
  rules: Rules,
): IntentScore[] {
  const pastOf = createPastReader(readers);
  const members: IntentScore[] = [];
  for (const person of today) {
    if (person.firstSeenMs > atMs) continue;
    const past = pastOf(person.personId, atMs, rules);
    if (past.lastSeenMs > 0) members.push({ ...person, ...past });
  }
  return members;
}

function emailOf(personId: number, people: PeopleReader): string | null {
  return people.liveIdentitiesOf(personId, IDENTITIES_READ).find(({ kind }) => kind === "email")?.value ?? null;
}
