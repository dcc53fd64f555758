import type { Database } from "bun:sqlite";
import { ACCOUNT_PEOPLE_MAX, accountDomainOf } from "../../core/account.ts";
import { PROFILES_MAX } from "../../core/identity.ts";
import type { Account } from "../../core/state.ts";
import type { LoadParts } from "./load-parts.ts";
import { unpackThresholds } from "./row.ts";

type AccountRow = [number, string, number];

export function createAccountLoader(
  database: Database,
  loadScore: LoadParts["loadScore"],
): Pick<LoadParts, "loadAccounts" | "loadStanding"> {
  const selectAccount = database.query<AccountRow, [string]>(
    "select account_id, domain, created_at from account where domain = ?",
  );
  const selectStanding = database.query<[string], [number]>("select thresholds from account where account_id = ?");
  const selectMembers = database.query<[number], [number, number]>(
    `select person_id from intent_score where account_id = ? order by seen_day desc, person_id desc limit ?`,
  );
  return {
    loadAccounts: (state, named) => {
      for (const { kind, value } of [...named, ...[...state.identitiesOf.values()].flat()]) {
        const domain = kind === "email" ? accountDomainOf(value) : null;
        const [row] = domain === null ? [] : (selectAccount.values(domain) as AccountRow[]);
        if (row !== undefined) state.accounts.set(row[1], accountOf(row));
      }
    },
    /** Some more people than count, since an identify may take a few away. */
    loadStanding: (state, accountId) => {
      if (accountId === null || state.standings.has(accountId)) return;
      const [row] = selectStanding.values(accountId) as [string][];
      if (row === undefined) throw new Error("a person's account is stored");
      const members = selectMembers.values(accountId, ACCOUNT_PEOPLE_MAX + PROFILES_MAX) as [number][];
      const personIds = members.map(([personId]) => personId);
      for (const personId of personIds) loadScore(state, personId);
      state.standings.set(accountId, { accountId, thresholds: unpackThresholds(row[0]), personIds });
    },
  };
}

function accountOf([accountId, domain, createdMs]: AccountRow): Account {
  return { accountId, domain, createdMs };
}
