import type { Database } from "bun:sqlite";
import { accountDomainOf } from "../../core/account.ts";
import type { IntentScore } from "../../core/state.ts";
import type { Traits } from "../../core/traits.ts";
import { PEOPLE_SQL } from "./people.ts";
import { type ScoreRow, scoreOfRow } from "./row.ts";
import { withWhole } from "./whole.ts";

/** What may be told to a browser, or to whoever holds a link. */
export type StoredVisitor = {
  traits: Traits;
  score: IntentScore | null;
  domain: string | null;
  /** Whether more is known than what this browser did. */
  isKnown: boolean;
};

export type PersonalizeReader = {
  byBrowser(anonymousId: string): StoredVisitor | null;
  byLink(linkId: string): StoredVisitor | null;
};

export const PERSONALIZE_SQL = {
  identity: `select identity_id as identityId, person_id as personId, is_verified as isVerified, created_at as createdMs
    from identity where value = ? and kind = ? and retired_at is null`,
  firstNamed: `select min(created_at) as createdMs from identity
    where person_id = ? and retired_at is null and kind in ('user_id', 'email', 'phone')`,
  /** Through what a browser was joined to the person it now belongs to. */
  joins: `${withWhole("?1")} select m.through from whole w join merge m on m.survivor_id = w.person_id where m.undone_at is null
      and exists (select 1 from json_each(m.snapshot, '$.absorbed.identityIds') where value = ?2)`,
  lead: "select email, traits from lead where link_id = ?",
} as const;

/** A merge on a browser's word that it is somebody who was known already. */
const CLAIMED = /^public:.*\b(?:user_id|email|phone)\b/;

type BrowserRow = { identityId: number; personId: number; isVerified: number; createdMs: number };
type PersonRow = { traits: string; verifiedTraits: string; domain: string | null };

export function createPersonalizeReader(database: Database): PersonalizeReader {
  const selectIdentity = database.query<BrowserRow, [string, string]>(PERSONALIZE_SQL.identity);
  const selectFirstNamed = database.query<{ createdMs: number | null }, [number]>(PERSONALIZE_SQL.firstNamed);
  const selectJoins = database.query<{ through: string }, [number, number]>(PERSONALIZE_SQL.joins);
  const selectLead = database.query<{ email: string; traits: string }, [string]>(PERSONALIZE_SQL.lead);
  const selectPerson = database.query<PersonRow, [number]>(PEOPLE_SQL.person);
  const selectScore = database.query<ScoreRow, [number]>(PEOPLE_SQL.score);

  const scoreOf = (personId: number): IntentScore | null => {
    const [row] = selectScore.values(personId) as ScoreRow[];
    return row === undefined ? null : scoreOfRow(row);
  };

  /**
   * Anybody can say any address, and is then counted as that person. What is known of somebody is told only to a browser
   * by which they became known, or which was joined to them by a link of theirs or by the secret key.
   */
  const isTheirs = ({ identityId, personId, isVerified, createdMs }: BrowserRow): boolean => {
    const namedMs = selectFirstNamed.get(personId)?.createdMs ?? null;
    if (namedMs === null || isVerified === 1) return true;
    const joins = selectJoins.all(personId, identityId);
    if (joins.length > 0) return joins.every(({ through }) => !CLAIMED.test(through));
    return createdMs <= namedMs;
  };

  return {
    byBrowser: (anonymousId) => {
      const identity = selectIdentity.get(anonymousId, "anonymous_id");
      const person = identity === null ? null : selectPerson.get(identity.personId);
      if (identity === null || person === null || !isTheirs(identity)) return null;
      const traits = { ...JSON.parse(person.traits), ...JSON.parse(person.verifiedTraits) };
      const isKnown = person.domain !== null || Object.keys(traits).length > 0;
      return { traits, score: scoreOf(identity.personId), domain: person.domain, isKnown };
    },
    byLink: (linkId) => {
      const lead = selectLead.get(linkId);
      if (lead === null) return null;
      const owner = selectIdentity.get(linkId, "campaign_link")?.personId ?? null;
      const person = owner === null ? null : selectPerson.get(owner);
      return {
        // Links get forwarded: what browsers said later is not for whoever follows one.
        traits: { ...JSON.parse(lead.traits), ...JSON.parse(person?.verifiedTraits ?? "{}") },
        score: owner === null ? null : scoreOf(owner),
        domain: person?.domain ?? accountDomainOf(lead.email),
        isKnown: true,
      };
    },
  };
}
