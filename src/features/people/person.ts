import { type AttributionData, attributionData } from "../../core/channel.ts";
import type { Rules } from "../../core/compile.ts";
import { AppError } from "../../core/error.ts";
import { formatId, parseId } from "../../core/id.ts";
import { type IdentifierKind, meantBy } from "../../core/identifier.ts";
import { evaluate, scoreOf } from "../../core/score.ts";
import { type GroupPoints, type Reason, reasonsOf } from "../../core/signal.ts";
import { type Identity, shownLastSeenMs } from "../../core/state.ts";
import { levelOf } from "../../core/threshold.ts";
import type { Traits } from "../../core/traits.ts";
import { type PeopleReader, SHOWN_IDENTITIES_MAX, type StoredPerson } from "../../store/sqlite/people.ts";

export type PersonAnswer = {
  person_id: string;
  identities: { kind: IdentifierKind; value: string; verified: boolean }[];
  traits: Traits;
  score: number;
  level: string;
  first_seen_at: string;
  last_seen_at: string;
  account: { domain: string } | null;
};

export type FullPersonAnswer = PersonAnswer & {
  groups: GroupPoints[];
  reasons: Reason[];
  attribution: AttributionData | null;
  /** Who became part of this person, and by which merge; the latest first. */
  merged_from: { person_id: string; into: string; merge_id: string; merged_at: string }[];
};

const ABSORBED_SHOWN_MAX = 100;

/**
 * A person id, or an identifier of any kind, the strongest kind first. An absorbed person's id leads to the survivor.
 * What is not even text is an address with broken percent-encoding.
 */
export function findPerson(said: string | null, people: PeopleReader): number {
  if (said === null) throw new AppError("invalid", "is broken; percent-encode what is no letter or digit", "id");
  const personId = parseId("person", said);
  const survivorId = personId === null ? null : people.survivorOf(personId);
  if (survivorId !== null) return survivorId;
  for (const identifier of meantBy(said)) {
    const ownerId = people.ownerOf(identifier);
    if (ownerId !== null) return ownerId;
  }
  throw new AppError("not_found", "nobody is known by this; give a person_id or an identifier as it was sent");
}

export function readPerson(personId: number, people: PeopleReader, rules: Rules, nowMs: number): FullPersonAnswer {
  const person = people.personOf(personId);
  const evaluation = evaluate(person.score.sums, rules, nowMs);
  return {
    ...answerOf(person, people, rules, evaluation.score),
    groups: evaluation.groups,
    reasons: reasonsOf(evaluation),
    attribution: attributionData(person.score.attribution, rules.channelOf),
    merged_from: people.absorbedBy(personId, ABSORBED_SHOWN_MAX).map((absorbed) => ({
      person_id: formatId("person", absorbed.personId),
      into: formatId("person", absorbed.intoId),
      merge_id: formatId("merge", absorbed.mergeId),
      merged_at: new Date(absorbed.mergedMs).toISOString(),
    })),
  };
}

export function describePerson(personId: number, people: PeopleReader, rules: Rules, atMs: number): PersonAnswer {
  const person = people.personOf(personId);
  return answerOf(person, people, rules, scoreOf(person.score.sums, rules, atMs));
}

function answerOf(person: StoredPerson, people: PeopleReader, rules: Rules, score: number): PersonAnswer {
  return {
    person_id: formatId("person", person.personId),
    identities: people.liveIdentitiesOf(person.personId, SHOWN_IDENTITIES_MAX).map(identityAnswer),
    traits: person.traits,
    score,
    level: levelOf(score, rules.thresholds),
    first_seen_at: new Date(person.score.firstSeenMs).toISOString(),
    last_seen_at: new Date(shownLastSeenMs(person.score)).toISOString(),
    account: person.domain === null ? null : { domain: person.domain },
  };
}

function identityAnswer({ kind, value, isVerified }: Identity): PersonAnswer["identities"][number] {
  return { kind, value, verified: isVerified };
}
