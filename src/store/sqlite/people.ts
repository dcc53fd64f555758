import type { Database } from "bun:sqlite";
import { IDENTIFIER_KINDS, type Identifier } from "../../core/identifier.ts";
import type { Identity, IntentScore } from "../../core/state.ts";
import type { Traits } from "../../core/traits.ts";
import { IDENTITY_COLUMNS, type IdentityRow, identityOf, SCORE_COLUMNS, type ScoreRow, scoreOfRow } from "./row.ts";
import { withWhole } from "./whole.ts";

/** One merge leads to the next; nobody is merged so often, and a circle must not hold the server. */
const MERGE_STEPS_MAX = 100;

type PersonRow = { traits: string; verifiedTraits: string; mergedInto: number | null; domain: string | null };

/** A person that lives: one who was not absorbed by another. */
export type StoredPerson = {
  personId: number;
  traits: Traits;
  domain: string | null;
  score: IntentScore;
};

/** Somebody who is part of a person by now, and the merge that made it so. */
export type AbsorbedPerson = { personId: number; intoId: number; mergeId: number; mergedMs: number };

export type PeopleReader = {
  /** Whoever the id stands for by now; null when there was never such a person. */
  survivorOf(personId: number): number | null;
  ownerOf(identifier: Identifier): number | null;
  /** Whom this person has absorbed, and whom those had; the latest first. */
  absorbedBy(personId: number, limit: number): AbsorbedPerson[];
  personOf(personId: number): StoredPerson;
  /** Strongest first, those that are still in use only; at most `limit`. */
  liveIdentitiesOf(personId: number, limit: number): Identity[];
  /** Also those the person's browsers have left behind: events hang on them. The newest first. */
  allIdentitiesOf(personId: number): Identity[];
};

const STRENGTH = `case kind ${IDENTIFIER_KINDS.map((kind, rank) => `when '${kind}' then ${rank}`).join(" ")} end`;

/** Identifiers that an answer or a signal lists; a browser that loses its cookie daily would fill pages. */
export const SHOWN_IDENTITIES_MAX = 50;

export const PEOPLE_SQL = {
  person: `select p.traits, p.verified_traits as verifiedTraits, p.merged_into as mergedInto, a.domain
    from person p left join account a on a.account_id = p.account_id where p.person_id = ?`,
  score: `select ${SCORE_COLUMNS} from intent_score where person_id = ?`,
  absorbedBy: `${withWhole("?1")} select absorbed_id as personId, survivor_id as intoId, merge_id as mergeId, merged_at as mergedMs from merge
    where survivor_id in (select person_id from whole) and undone_at is null order by merge_id desc limit ?2`,
  owner: "select person_id as personId from identity where value = ? and kind = ? and retired_at is null",
  /** `+?`, since every signal asks: see DELIVERY_SQL. */
  liveIdentities: `select ${IDENTITY_COLUMNS} from identity where person_id = +? and retired_at is null
    order by ${STRENGTH}, is_verified desc, identity_id limit +?`,
  allIdentities: `select ${IDENTITY_COLUMNS} from identity where person_id = ? order by identity_id desc`,
} as const;

export function createPeopleReader(database: Database): PeopleReader {
  const selectPerson = database.query<PersonRow, [number]>(PEOPLE_SQL.person);
  const selectScore = database.query<ScoreRow, [number]>(PEOPLE_SQL.score);
  const selectOwner = database.query<{ personId: number }, [string, string]>(PEOPLE_SQL.owner);
  const selectAbsorbed = database.query<AbsorbedPerson, [number, number]>(PEOPLE_SQL.absorbedBy);
  const selectLive = database.query<IdentityRow, [number, number]>(PEOPLE_SQL.liveIdentities);
  const selectAll = database.query<IdentityRow, [number]>(PEOPLE_SQL.allIdentities);
  return {
    survivorOf: (personId) => {
      let found = personId;
      for (let step = 0; step < MERGE_STEPS_MAX; step += 1) {
        const row = selectPerson.get(found);
        if (row === null) return null;
        if (row.mergedInto === null) return found;
        found = row.mergedInto;
      }
      return null;
    },
    absorbedBy: (personId, limit) => selectAbsorbed.all(personId, limit),
    ownerOf: ({ kind, value }) => selectOwner.get(value, kind)?.personId ?? null,
    personOf: (personId) => {
      const row = selectPerson.get(personId);
      const [score] = selectScore.values(personId) as ScoreRow[];
      if (row === null || score === undefined) throw new Error("a live person has a row and a score");
      return {
        personId,
        traits: { ...JSON.parse(row.traits), ...JSON.parse(row.verifiedTraits) },
        domain: row.domain,
        score: scoreOfRow(score),
      };
    },
    liveIdentitiesOf: (personId, limit) => (selectLive.values(personId, limit) as IdentityRow[]).map(identityOf),
    allIdentitiesOf: (personId) => (selectAll.values(personId) as IdentityRow[]).map(identityOf),
  };
}
