import type { Database } from "bun:sqlite";
import { accountDomainOf } from "../../core/account.ts";
import type { Identifier } from "../../core/identifier.ts";
import type { Identity, MergeSide } from "../../core/state.ts";
import { ACCOUNTS_SQL } from "./accounts.ts";
import { PEOPLE_SQL } from "./people.ts";
import { type IdentityRow, identityOf, MERGE_COLUMNS } from "./row.ts";
import { withWhole } from "./whole.ts";

/** Who is meant: a person, an e-mail address that a campaign's list holds, or both. */
export type Subject = { personId: number | null; emails: readonly string[] };

export type StoredPersonRow = {
  personId: number;
  traits: string;
  verifiedTraits: string;
  accountId: number | null;
  mergedInto: number | null;
  createdMs: number;
};

export type StoredMerge = {
  mergeId: number;
  survivorId: number;
  absorbedId: number;
  through: string;
  mergedMs: number;
  undoneMs: number | null;
  snapshot: string;
};

export type Lead = { linkId: string; email: string; traits: string; createdMs: number };

/** All that belongs to one human: whoever was merged into them included, whoever was parted from them again not. */
export type PersonScope = {
  people: StoredPersonRow[];
  /** Also those that browsers have left behind. */
  identities: Identity[];
  merges: StoredMerge[];
  leads: Lead[];
  /** Their addresses, also those that only lists, or nothing at all, may hold. */
  emails: string[];
  /** Their companies, also those that a former address stood for. */
  accountIds: number[];
};

const STORED_MERGE_COLUMNS = `${MERGE_COLUMNS}, snapshot`;
const LEAD_COLUMNS = "link_id as linkId, email, traits, created_at as createdMs";

export const SCOPE_SQL = {
  whole: `${withWhole("?1")} select p.person_id as personId, traits, verified_traits as verifiedTraits, account_id as accountId,
      merged_into as mergedInto, created_at as createdMs
    from whole cross join person p on p.person_id = whole.person_id`,
  mergesAsSurvivor: `select ${STORED_MERGE_COLUMNS} from merge where survivor_id = ?`,
  mergesAsAbsorbed: `select ${STORED_MERGE_COLUMNS} from merge where absorbed_id = ?`,
  leadByEmail: `select ${LEAD_COLUMNS} from lead where email = ?`,
  leadByLink: `select ${LEAD_COLUMNS} from lead where link_id = ?`,
} as const;

export type ScopeReader = {
  scopeOf(subject: Subject): PersonScope;
  leadByEmail(email: string): Lead | null;
  /** Those who a person was, or is, part of, whether or not that was undone. */
  mergesAsAbsorbed(personId: number): StoredMerge[];
  mergesAsSurvivor(personId: number): StoredMerge[];
};

/** The companies that either side of a merge belonged to: what the one caused was told of the other's as well. */
export function accountIdsOf({ snapshot }: StoredMerge): number[] {
  const { survivor, absorbed }: { survivor: MergeSide; absorbed: MergeSide } = JSON.parse(snapshot);
  return [survivor, absorbed].flatMap(({ person }) => person.accountId ?? []);
}

/** Each identifier by which rows of others may name somebody. */
export function namesOf({ identities, emails }: Pick<PersonScope, "identities" | "emails">): Identifier[] {
  const others = identities.filter(({ kind }) => kind !== "email");
  return [...others, ...emails.map((value) => ({ kind: "email" as const, value }))];
}

function emailsIn(identities: readonly Identifier[]): string[] {
  return identities.filter(({ kind }) => kind === "email").map(({ value }) => value);
}

export function createScopeReader(database: Database): ScopeReader {
  const selectWhole = database.query<StoredPersonRow, [number]>(SCOPE_SQL.whole);
  const selectIdentities = database.query<IdentityRow, [number]>(PEOPLE_SQL.allIdentities);
  const selectAsSurvivor = database.query<StoredMerge, [number]>(SCOPE_SQL.mergesAsSurvivor);
  const selectAsAbsorbed = database.query<StoredMerge, [number]>(SCOPE_SQL.mergesAsAbsorbed);
  const selectLeadByEmail = database.query<Lead, [string]>(SCOPE_SQL.leadByEmail);
  const selectLeadByLink = database.query<Lead, [string]>(SCOPE_SQL.leadByLink);
  const selectAccount = database.query<{ accountId: number }, [string]>(ACCOUNTS_SQL.byDomain);

  const leadsOf = (identities: readonly Identifier[], emails: readonly string[]): Lead[] => {
    const own = emailsIn(identities);
    const byEmail = [...new Set([...own, ...emails])].flatMap((email) => selectLeadByEmail.get(email) ?? []);
    // A link gets forwarded: whoever is known by another address than it was sent to is not that lead.
    const links = own.length > 0 ? [] : identities.filter(({ kind }) => kind === "campaign_link");
    const byLink = links.flatMap(({ value }) => selectLeadByLink.get(value) ?? []);
    return [...new Map([...byEmail, ...byLink].map((lead) => [lead.linkId, lead])).values()];
  };

  return {
    scopeOf: ({ personId, emails }) => {
      const people = personId === null ? [] : selectWhole.all(personId);
      const identities = people.flatMap((person) =>
        (selectIdentities.values(person.personId) as IdentityRow[]).map(identityOf),
      );
      const merges = people.flatMap((person) => [
        ...selectAsSurvivor.all(person.personId),
        ...selectAsAbsorbed.all(person.personId),
      ]);
      const leads = leadsOf(identities, emails);
      const domains = emailsIn(identities).flatMap((email) => accountDomainOf(email) ?? []);
      const accountIds = [
        ...people.flatMap(({ accountId }) => accountId ?? []),
        ...[...new Set(domains)].flatMap((domain) => selectAccount.get(domain)?.accountId ?? []),
        ...merges.flatMap(accountIdsOf),
      ];
      return {
        people,
        identities,
        merges: [...new Map(merges.map((merge) => [merge.mergeId, merge])).values()],
        leads,
        emails: [...new Set([...emailsIn(identities), ...emails, ...leads.map(({ email }) => email)])],
        accountIds: [...new Set(accountIds)],
      };
    },
    leadByEmail: (email) => selectLeadByEmail.get(email),
    mergesAsAbsorbed: (personId) => selectAsAbsorbed.all(personId),
    mergesAsSurvivor: (personId) => selectAsSurvivor.all(personId),
  };
}
