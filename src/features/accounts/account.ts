import { ACCOUNT_PEOPLE_MAX, accountDomainOf, activeSinceMs, evaluateAccount } from "../../core/account.ts";
import { type Attribution, combineAttribution } from "../../core/attribution.ts";
import { attributionData, type TouchData } from "../../core/channel.ts";
import type { Rules } from "../../core/compile.ts";
import { AppError } from "../../core/error.ts";
import { MOMENTUM_WEEKS, type Momentum, momentumOf, WEEK_MS } from "../../core/momentum.ts";
import { type AccountPersonData, accountPersonData, type GroupPoints, type Reason } from "../../core/signal.ts";
import { levelOf } from "../../core/threshold.ts";
import type { AccountReader, StoredAccount } from "../../store/sqlite/accounts.ts";
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
  created_at: string;
  first_touch: TouchData | null;
  groups: GroupPoints[];
  contributions: (AccountPersonData & { email: string | null; last_seen_at: string })[];
  reasons: Reason[];
};

/** By the domain itself or one below it, in any case; null when there is no such account. */
export function findAccount(said: string | null, accounts: AccountReader): StoredAccount | null {
  // An address with a name in front of the @ means its person.
  if (said === null || said.includes("@")) return null;
  const domain = accountDomainOf(said.trim().toLowerCase());
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

/** Now or later: what an account was is told by its people's past, each for themselves. */
export function accountTimeOf(atMs: number | null, nowMs: number): number {
  if (atMs === null) return nowMs;
  if (atMs < nowMs) throw new AppError("invalid", "must not lie in the past for an account; explain its people", "at");
  if (atMs > TIME_MAX_MS) throw new AppError("invalid", "must lie before the year 9999 ends", "at");
  return atMs;
}

/** The account with every row that makes up its score: contributions add up to the people's group, groups to the score. */
export function readAccount(
  account: StoredAccount,
  { accounts, people }: { accounts: AccountReader; people: PeopleReader },
  rules: Rules,
  atMs: number,
): FullAccountAnswer {
  const members = accounts.peopleOf(account.accountId, PEOPLE_READ_MAX);
  const { score, groups, contributions, reasons } = evaluateAccount(members, rules, atMs);
  const touches = members.reduce<Attribution | null>((all, one) => combineAttribution(all, one.attribution), null);
  const seen = new Map(members.map(({ personId, lastSeenMs }) => [personId, lastSeenMs]));
  return {
    ...describeAccount(account, score, accounts, rules, atMs),
    at: new Date(atMs).toISOString(),
    config_hash: rules.hash,
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

function emailOf(personId: number, people: PeopleReader): string | null {
  return people.liveIdentitiesOf(personId, IDENTITIES_READ).find(({ kind }) => kind === "email")?.value ?? null;
}
