import type { Database } from "bun:sqlite";
import { accountDomainOf } from "../../core/account.ts";
import type { Attribution, Touch } from "../../core/attribution.ts";
import type { AttributionData, TouchData } from "../../core/channel.ts";
import { ACCOUNTS_SQL } from "./accounts.ts";
import type { Other } from "./erase-strip.ts";
import { createPeopleReader, PEOPLE_SQL } from "./people.ts";
import type { PersonScope, ScopeReader } from "./person-scope.ts";
import { type IdentityRow, identityOf, type ScoreRow, scoreOfRow } from "./row.ts";

/** Of a company those seen last, and of each of them some visits: what is found of nobody there, goes. */
const MEMBERS_MAX = 200;
const VISITS_MAX = 100;

export const OTHERS_SQL = {
  domain: "select domain from account where account_id = ?",
  visits: "select attribution from session where identity_id = ? and attribution is not null limit ?",
} as const;

type Told = Attribution | AttributionData | null;

/** What of rows that tell of several people is of those who stay. */
export type Others = {
  touchesOfAccount(accountId: number): Other["isOwn"];
  /** Whoever somebody is by now. */
  living(personId: number): Other;
};

/**
 * A touch that was told of several people does not say whose it is. It stays where it lies outside the time in which the
 * erased person was seen, or where somebody who stays came just so.
 */
export function createOthers(database: Database, scopes: ScopeReader): (scope: PersonScope) => Others {
  const { survivorOf } = createPeopleReader(database);
  const selectAccount = database.query<{ accountId: number }, [string]>(ACCOUNTS_SQL.byDomain);
  const selectDomain = database.query<{ domain: string }, [number]>(OTHERS_SQL.domain);
  const selectMembers = database.query<ScoreRow, [number, number]>(ACCOUNTS_SQL.people);
  const selectScore = database.query<ScoreRow, [number]>(PEOPLE_SQL.score);
  const selectIdentities = database.query<IdentityRow, [number]>(PEOPLE_SQL.allIdentities);
  const selectVisits = database.query<{ attribution: string }, [number, number]>(OTHERS_SQL.visits);

  const touchesOf = (row: ScoreRow): string[] => {
    const { personId, attribution } = scoreOfRow(row);
    const identities = (selectIdentities.values(personId) as IdentityRow[]).map(identityOf);
    const visits = identities.flatMap(({ identityId }) => selectVisits.all(identityId, VISITS_MAX));
    return [attribution, ...visits.map((visit): Attribution => JSON.parse(visit.attribution))].flatMap(keysOf);
  };

  const companiesOf = (personId: number, scores: readonly ScoreRow[]): Pick<Other, "accountIds" | "domains"> => {
    const { identities } = scopes.scopeOf({ personId, emails: [] });
    const named = identities.flatMap(({ kind, value }) => (kind === "email" ? (accountDomainOf(value) ?? []) : []));
    const accountIds = new Set(scores.flatMap((row) => scoreOfRow(row).accountId ?? []));
    for (const domain of named) {
      const known = selectAccount.get(domain);
      if (known !== null) accountIds.add(known.accountId);
    }
    const domains = [...accountIds].flatMap((accountId) => selectDomain.get(accountId)?.domain ?? []);
    return { accountIds, domains: new Set([...named, ...domains]) };
  };

  return ({ people }) => {
    const erased = new Set(people.map(({ personId }) => personId));
    const seen = people.flatMap(({ personId }) => (selectScore.values(personId) as ScoreRow[]).map(scoreOfRow));
    const [fromMs, untilMs] = [
      Math.min(...seen.map(({ firstSeenMs }) => firstSeenMs)),
      Math.max(...seen.map(({ lastSeenMs }) => lastSeenMs)),
    ];
    const isOfOthers = (members: () => ScoreRow[]) => {
      let known: Set<string> | null = null;
      return (attribution: Told): boolean =>
        touchesIn(attribution).every((touch) => {
          const atMs = new Date(touch.at).getTime();
          if (atMs < fromMs || atMs > untilMs) return true;
          known ??= new Set(
            members()
              .filter(([personId]) => !erased.has(personId))
              .flatMap(touchesOf),
          );
          return known.has(keyOf(touch));
        });
    };
    return {
      touchesOfAccount: (accountId) => isOfOthers(() => selectMembers.values(accountId, MEMBERS_MAX) as ScoreRow[]),
      living: (personId) => {
        const survivorId = survivorOf(personId) ?? personId;
        const scores = selectScore.values(survivorId) as ScoreRow[];
        return { ...companiesOf(survivorId, scores), isOwn: isOfOthers(() => scores) };
      },
    };
  };
}

function touchesIn(attribution: Told): (Touch | TouchData)[] {
  if (attribution === null) return [];
  const { first, last, last_non_direct: named } = attribution;
  return named === null ? [first, last] : [first, last, named];
}

function keysOf(attribution: Told): string[] {
  return touchesIn(attribution).map(keyOf);
}

/** As it is stored and as it is told: the channel is made when it is read. */
function keyOf({ at, ...touch }: Touch | TouchData): string {
  const said = Object.entries(touch).filter(([name]) => name !== "channel");
  return JSON.stringify([new Date(at).getTime(), ...said.sort()]);
}
