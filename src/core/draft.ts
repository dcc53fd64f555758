import { combineAttribution } from "./attribution.ts";
import type { Circumstances } from "./circumstances.ts";
import { combineAllSums } from "./count.ts";
import { scoreOf } from "./score.ts";
import {
  freshPerson,
  freshScore,
  type Identity,
  type IntentScore,
  type Merge,
  type MergeSide,
  type Person,
  type State,
  sessionsKey,
} from "./state.ts";
import { combineThresholds, rearm } from "./threshold.ts";
import { addTraits, freshOf } from "./traits.ts";

/** A person under construction; `people` are all whose sessions it has by now. */
export type Draft = { person: Person; score: IntentScore; identities: Identity[]; people: number[] };

export function newDraft(personId: number, seenMs: number, nowMs: number): Draft {
  return {
    person: freshPerson(personId, nowMs),
    score: freshScore(personId, seenMs),
    identities: [],
    people: [personId],
  };
}

/** Each side re-arms by its own score, before a merge adds them up. */
export function draftOf(state: State, personId: number, { rules, nowMs }: Circumstances): Draft {
  const person = state.people.get(personId);
  const score = state.scores.get(personId);
  if (person === undefined || score === undefined)
    throw new Error("an identity points to a person that was not loaded");
  const thresholds = rearm(score.thresholds, scoreOf(score.sums, rules, nowMs), rules.thresholds);
  return {
    person,
    score: { ...score, thresholds },
    identities: state.identitiesOf.get(personId) ?? [],
    people: [personId],
  };
}

export function absorb(state: State, survivor: Draft, absorbed: Draft, { rules }: Circumstances): Draft {
  const { personId } = survivor.person;
  const rowsOf = ({ people }: Draft, sessionKey: string) =>
    people.flatMap((one) => state.sessions.get(sessionsKey(one, sessionKey)) ?? []).map(({ counted }) => counted);
  const shared = state.sharedSessionKeys.map((sessionKey) => ({
    a: rowsOf(survivor, sessionKey),
    b: rowsOf(absorbed, sessionKey),
  }));
  return {
    person: {
      ...survivor.person,
      traits: addTraits(survivor.person.traits, freshOf(absorbed.person.traits, survivor.person.traits)),
      verifiedTraits: addTraits(
        survivor.person.verifiedTraits,
        freshOf(absorbed.person.verifiedTraits, survivor.person.verifiedTraits),
      ),
      accountId: survivor.person.accountId ?? absorbed.person.accountId,
    },
    score: {
      ...survivor.score,
      sums: combineAllSums(rules, survivor.score.sums, absorbed.score.sums, shared),
      thresholds: combineThresholds(survivor.score.thresholds, absorbed.score.thresholds),
      attribution: combineAttribution(survivor.score.attribution, absorbed.score.attribution),
      firstSeenMs: Math.min(survivor.score.firstSeenMs, absorbed.score.firstSeenMs),
      lastSeenMs: Math.max(survivor.score.lastSeenMs, absorbed.score.lastSeenMs),
      sessionCount: survivor.score.sessionCount + absorbed.score.sessionCount,
    },
    identities: [...survivor.identities, ...absorbed.identities.map((identity) => ({ ...identity, personId }))],
    people: [...survivor.people, ...absorbed.people],
  };
}

export function mergeRecord(survivor: Draft, absorbed: Draft, through: string, circumstances: Circumstances): Merge {
  const side = ({ person, score, identities }: Draft): MergeSide => ({
    identityIds: identities.map(({ identityId }) => identityId),
    person,
    score,
  });
  return {
    mergeId: circumstances.mintId(),
    survivorId: survivor.person.personId,
    absorbedId: absorbed.person.personId,
    mergedMs: circumstances.nowMs,
    through,
    survivor: side(survivor),
    absorbed: side(absorbed),
  };
}
