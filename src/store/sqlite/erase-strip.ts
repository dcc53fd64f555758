import type { Attribution } from "../../core/attribution.ts";
import type { AttributionData } from "../../core/channel.ts";
import { formatId } from "../../core/id.ts";
import { type Identifier, identifierKey } from "../../core/identifier.ts";
import { isAboutAccount, type SignalData } from "../../core/signal.ts";
import type { MergeSide } from "../../core/state.ts";
import { namesOf, type PersonScope } from "./person-scope.ts";

/** In a logged side, for identities that are gone: no undo takes such a side for what those who are left did. */
const ERASED_IDENTITY = 0;

/** Who goes, as rows of others name them. */
export type Erased = {
  personIds: Set<string>;
  identityIds: Set<number>;
  identifiers: Set<string>;
  /** Each trait with what it was, since the other may have a different one of that name. */
  traits: Set<string>;
};

/** Who stays, and was one with them for a while. */
export type Other = {
  accountIds: Set<number>;
  domains: Set<string>;
  /** Whether it says of nobody else where they came from. */
  isOwn: (attribution: Attribution | AttributionData | null) => boolean;
};

export function erasedOf(scope: PersonScope): Erased {
  const { people, identities } = scope;
  const traits = people.flatMap((person) => [JSON.parse(person.traits), JSON.parse(person.verifiedTraits)]);
  return {
    personIds: new Set(people.map(({ personId }) => formatId("person", personId))),
    identityIds: new Set(identities.map(({ identityId }) => identityId)),
    identifiers: new Set(namesOf(scope).map(identifierKey)),
    traits: new Set(traits.flatMap((all) => Object.entries(all).map(traitKey))),
  };
}

function traitKey(entry: [string, unknown]): string {
  return JSON.stringify(entry);
}

export function withoutTraits<Traits extends object>(traits: Traits, erased: Erased): Traits {
  return Object.fromEntries(Object.entries(traits).filter((entry) => !erased.traits.has(traitKey(entry)))) as Traits;
}

/** The company's signal; null where it says nothing of the person. Which crossing it was, and the score then, stay. */
export function stripAccountSignal(
  data: SignalData,
  { personIds }: Erased,
  isOfOthers: Other["isOwn"],
): SignalData | null {
  const isTheirs = personIds.has(data.person.person_id);
  const isNamed = data.account?.people?.some(({ person_id }) => personIds.has(person_id)) ?? false;
  const attribution = isOfOthers(data.attribution) ? data.attribution : null;
  if (!isTheirs && !isNamed && attribution === data.attribution) return null;
  const person = isTheirs ? { person_id: data.person.person_id, identities: [], traits: {} } : data.person;
  if (data.account === undefined) return { ...data, person, attribution };
  const people = data.account.people?.filter(({ person_id }) => !personIds.has(person_id));
  return { ...data, person, attribution, account: { ...data.account, ...(people === undefined ? {} : { people }) } };
}

/** What was told of the other while they were one. A signal of a company is about that company, whoever caused it. */
export function stripSharedSignal(data: SignalData, erased: Erased, other: Other): SignalData {
  const { email: _, ...person } = data.person;
  const identities = person.identities.filter(
    ({ kind, value }) => !erased.identifiers.has(identifierKey({ kind, value } as Identifier)),
  );
  const email = identities.find(({ kind }) => kind === "email")?.value;
  const { account, ...rest } = data;
  const isKept = account !== undefined && (isAboutAccount(data) || other.domains.has(account.domain));
  return {
    ...rest,
    person: {
      ...person,
      ...(email === undefined ? {} : { email }),
      identities,
      traits: withoutTraits(person.traits, erased),
    },
    ...(isKept ? { account } : {}),
    attribution: other.isOwn(data.attribution) ? data.attribution : null,
  };
}

export function stripSnapshot(snapshot: string, erased: Erased, other: Other): string {
  const strip = (side: MergeSide): MergeSide => {
    const { identityIds, person, score } = side;
    const traits = {
      traits: withoutTraits(person.traits, erased),
      verifiedTraits: withoutTraits(person.verifiedTraits, erased),
    };
    const kept = identityIds.filter((identityId) => !erased.identityIds.has(identityId));
    if (kept.length === identityIds.length) return { ...side, person: { ...person, ...traits } };
    const own = (accountId: number | null) =>
      accountId === null || other.accountIds.has(accountId) ? accountId : null;
    return {
      identityIds: [...kept, ERASED_IDENTITY],
      person: { ...person, ...traits, accountId: own(person.accountId) },
      score: {
        ...score,
        accountId: own(score.accountId),
        sums: {},
        attribution: other.isOwn(score.attribution) ? score.attribution : null,
      },
    };
  };
  const { survivor, absorbed, ...others } = JSON.parse(snapshot);
  return JSON.stringify({ ...others, survivor: strip(survivor), absorbed: strip(absorbed) });
}
