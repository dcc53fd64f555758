import { accountFor } from "./account-of.ts";
import type { Circumstances } from "./circumstances.ts";
import { IDENTIFY_EVENT } from "./event.ts";
import type { Json } from "./json.ts";
import type {
  Account,
  Identity,
  LoggedSide,
  Merge,
  MergeSide,
  Parting,
  Person,
  SequencedEvent,
  Session,
  State,
} from "./state.ts";
import { addTraits, freshOf, type Traits } from "./traits.ts";

/** One side of a merge that is undone: its identities, and the logged sides of merges that they make up. */
export type Side = { identities: Identity[]; logged: LoggedSide[] };

/**
 * Who gets which identity: what a side brought is its own. What was said after the merge goes to the side of the identity
 * that it was said with; what leads to neither stays with the survivor.
 */
export function sidesOf(
  merge: Pick<Merge, "absorbed"> & { absorbed: Pick<MergeSide, "identityIds"> },
  identities: readonly Identity[],
  logged: readonly LoggedSide[],
): { survivor: Side; absorbed: Side } {
  const brought = new Set(merge.absorbed.identityIds);
  const byId = new Map(identities.map((identity) => [identity.identityId, identity]));
  const isAbsorbed = (identity: Identity, steps: number): boolean => {
    if (brought.has(identity.identityId)) return true;
    const saidWith = identity.saidWith == null ? undefined : byId.get(identity.saidWith);
    return saidWith !== undefined && steps > 0 && isAbsorbed(saidWith, steps - 1);
  };
  const theirs = identities.filter((identity) => isAbsorbed(identity, identities.length));
  const mine = identities.filter((identity) => !theirs.includes(identity));
  return {
    survivor: { identities: mine, logged: loggedOf(mine, logged) },
    absorbed: { identities: theirs, logged: loggedOf(theirs, logged) },
  };
}

/** The latest logged sides that hold nothing but these identities, none of them twice. */
function loggedOf(identities: readonly Identity[], logged: readonly LoggedSide[]): LoggedSide[] {
  const open = new Set(identities.map(({ identityId }) => identityId));
  return logged.filter(({ identityIds }) => {
    const isOwn = identityIds.length > 0 && identityIds.every((identityId) => open.has(identityId));
    if (isOwn) for (const identityId of identityIds) open.delete(identityId);
    return isOwn;
  });
}

/** After which event an identity's doings are not in a logged side. */
export function marksOf({ logged }: Side): Map<number, number> {
  return new Map(logged.flatMap(({ identityIds, lastEventSeq }) => identityIds.map((id) => [id, lastEventSeq])));
}

/** What a side did since it was logged, in the order in which it arrived, and all its sessions. */
export function doingsOf(side: Side, parting: Parting): { events: SequencedEvent[]; sessions: Session[] } {
  const own = new Set(side.identities.map(({ identityId }) => identityId));
  const marks = marksOf(side);
  return {
    events: parting.events
      .filter(({ identityId, eventSeq }) => own.has(identityId) && eventSeq > (marks.get(identityId) ?? 0))
      .sort((a, b) => a.eventSeq - b.eventSeq),
    sessions: parting.sessions.filter(({ identityId }) => own.has(identityId)),
  };
}

/** The side's person: what it knew of itself when it was logged, and what its identities have said since. */
export function personOfSide(
  state: State,
  row: Person,
  holder: Person,
  side: Side,
  events: readonly SequencedEvent[],
  circumstances: Circumstances,
): { person: Person; account: Account | null } {
  const own = side.logged.find(({ person }) => person.personId === row.personId);
  const others = side.logged.filter((logged) => logged !== own);
  let traits: Traits = own?.person.traits ?? {};
  let verifiedTraits: Traits = own?.person.verifiedTraits ?? {};
  for (const { person } of others) {
    traits = addTraits(traits, freshOf(person.traits, traits));
    verifiedTraits = addTraits(verifiedTraits, freshOf(person.verifiedTraits, verifiedTraits));
  }
  for (const said of events.flatMap(traitsIn)) {
    const [vouched, claimed] = splitByHolder(said, holder.verifiedTraits);
    traits = addTraits(traits, claimed);
    verifiedTraits = addTraits(verifiedTraits, vouched);
  }
  const person: Person = {
    ...row,
    traits,
    verifiedTraits,
    accountId:
      own?.person.accountId ?? others.find((logged) => logged.person.accountId !== null)?.person.accountId ?? null,
    mergedInto: null,
  };
  const account = accountFor(state, person, side.identities, circumstances);
  return { person: account === null ? person : { ...person, accountId: account.accountId }, account };
}

/**
 * Traits that neither side is known to have said stay with the survivor, as the events that said them are gone; or, where
 * the survivor's own events were left out, all that are not as the other side said them.
 */
export function withUntoldTraits(person: Person, holder: Person, parted: Person, isSurvivorUntold: boolean): Person {
  const untold = (all: Traits, own: Traits, theirs: Traits) => {
    if (isSurvivorUntold) return addTraits(own, splitByHolder(all, theirs)[1]);
    return addTraits(own, freshOf(all, { ...theirs, ...own }));
  };
  return {
    ...person,
    traits: untold(holder.traits, person.traits, parted.traits),
    verifiedTraits: untold(holder.verifiedTraits, person.verifiedTraits, parted.verifiedTraits),
  };
}

/**
 * The user id of this side that gave way when the two became one: it lives again if the side has no other, and nobody
 * else has it by now.
 */
export function revivedUserId(
  identities: readonly Identity[],
  mergedMs: number,
  isTaken: (one: Identity) => boolean,
): Identity | null {
  const userIds = identities.filter(({ kind }) => kind === "user_id");
  if (userIds.some(({ retiredMs }) => retiredMs === null)) return null;
  const found = userIds.find((one) => one.retiredMs === mergedMs && !isTaken(one));
  return found === undefined ? null : { ...found, retiredMs: null };
}

function traitsIn({ name, properties }: SequencedEvent): Traits[] {
  const { traits } = properties;
  const isSaid = name === IDENTIFY_EVENT && traits !== null && typeof traits === "object" && !Array.isArray(traits);
  return isSaid ? [traits as Traits] : [];
}

/** An event does not tell who vouched for what it said; what the secret key said is among the verified traits. */
function splitByHolder(said: Traits, verified: Traits): [vouched: Traits, claimed: Traits] {
  const isVouched = ([trait, value]: [string, Json]) =>
    Object.hasOwn(verified, trait) && JSON.stringify(verified[trait]) === JSON.stringify(value);
  const entries = Object.entries(said);
  return [
    Object.fromEntries(entries.filter(isVouched)),
    Object.fromEntries(entries.filter((entry) => !isVouched(entry))),
  ];
}
