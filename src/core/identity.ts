import { type Identifier, isStrong, strengthRank } from "./identifier.ts";
import type { Identity, ReviewReason } from "./state.ts";

/** Persons that one identify may make one by itself; more need a person's eye. */
export const PROFILES_MAX = 3;
/** How many identifiers of a kind a person may carry; browsers come and go, so weak kinds have no such limit. */
const PER_PERSON_MAX: { readonly [kind: string]: number } = {
  user_id: 1,
  email: 5,
  phone: 5,
  loyalty_id: 5,
  device_id: 5,
};
/** People that one person may have absorbed, all merges of theirs included; more need a person's eye. */
export const MERGES_MAX = 100;
/** Identifiers of all kinds, since each identify looks at them all; a browser beyond stays a visitor of its own. */
export const IDENTITIES_MAX = 500;

/** What is remembered of the people at hand. */
export type Past = {
  /** Whether somebody holds the two apart. */
  isApart(personId: number, otherId: number): boolean;
  /** How many people this one has absorbed. */
  mergesOf(personId: number): number;
};

/** What "these identifiers are one" comes to. `target` null is a new person. */
export type Resolution = {
  target: number | null;
  absorb: number[];
  attach: Identifier[];
  /** The visitor leaves its known person: the past stays there, what follows goes to the target. */
  isSwitch: boolean;
  /** The target has too many browsers already; this one stays by itself. */
  isVisitorLeft: boolean;
  review: { personIds: number[]; reason: ReviewReason } | null;
};

export type Claim = Identifier & { identity: Identity | null };

/**
 * Decides between attach, merge, switch and ask. `claims` are the strong identifiers named, `visitor` is the anonymous
 * id's identity if it is known. Only claims link known people: the anonymous id alone never does.
 */
export function resolveIdentity(
  claims: readonly Claim[],
  visitor: Identity | null,
  identitiesOf: (personId: number) => readonly Identity[],
  isTrusted: boolean,
  past: Past,
): Resolution {
  const byStrength = [...claims].sort((a, b) => strengthRank(a.kind) - strengthRank(b.kind));
  const fresh = byStrength.filter(({ identity }) => identity === null);
  const claimed = [...new Set(byStrength.flatMap(({ identity }) => (identity === null ? [] : [identity.personId])))];
  const visitorId = visitor?.personId ?? null;
  const visitorIsKnown = visitorId !== null && identitiesOf(visitorId).some(({ kind }) => isStrong(kind));
  if (claimed.length === 0) return resolveFresh(fresh, visitorId, visitorIsKnown, identitiesOf, isTrusted);

  const isVisitorClaimed = visitorId !== null && claimed.includes(visitorId);
  const whyLeft = isVisitorClaimed
    ? null
    : whyVisitorLeft(claimed, visitorIsKnown ? null : visitorId, identitiesOf, past);
  const isVisitorLeft = whyLeft !== null;
  const isSwitch = visitorId !== null && visitorIsKnown && !isVisitorClaimed && !isVisitorLeft;
  const absorbVisitor = visitorId !== null && !visitorIsKnown && !isVisitorClaimed && !isVisitorLeft ? [visitorId] : [];
  const fixed = { isSwitch, isVisitorLeft };
  const weighing = (personId: number) => identitiesOf(personId).filter((identity) => weighs(identity, isTrusted));
  const userIds = new Set(
    [...claimed.flatMap(weighing), ...byStrength].filter(({ kind }) => kind === "user_id").map(({ value }) => value),
  );
  if (userIds.size > 1 && fresh.some(({ kind }) => kind === "user_id")) {
    const review = { personIds: claimed, reason: "user_id_conflict" as const };
    if (isVisitorClaimed) return { ...fixed, target: visitorId, absorb: [], attach: [], review };
    return { ...fixed, target: absorbVisitor[0] ?? null, absorb: [], attach: fresh, review };
  }
  const reason = whyNotMerged(
    [...claimed, ...absorbVisitor],
    claimed.length,
    isTrusted,
    userIds.size > 1,
    (personId) => weighing(personId),
    past,
  );
  if (reason !== null) {
    const target = isVisitorClaimed ? visitorId : (claimed[0] ?? null);
    const attach = attachable(fresh, target === null ? [] : weighing(target), isTrusted);
    return { ...fixed, target, absorb: absorbVisitor, attach, review: { personIds: claimed, reason } };
  }
  const target = survivorOf(claimed, identitiesOf);
  const absorb = [...claimed.filter((personId) => personId !== target), ...absorbVisitor];
  if (isClosed(fresh, identitiesOf(target), isTrusted)) {
    return { ...fixed, target, absorb, attach: [], review: { personIds: [target], reason: "unsigned_claim" } };
  }
  const attach = attachable(fresh, [target, ...absorb].flatMap(weighing), isTrusted);
  const why = whyLeft ?? (attach.length < fresh.length ? ("too_many_identifiers" as const) : null);
  const asked = whyLeft === "kept_apart" && visitorId !== null ? [target, visitorId] : [target];
  const review = why === null ? null : { personIds: asked, reason: why };
  return { ...fixed, target, absorb, attach, review };
}

/** No claim is known yet: they go to the visitor, unless that browser is known to be somebody else's. */
function resolveFresh(
  fresh: readonly Claim[],
  visitorId: number | null,
  visitorIsKnown: boolean,
  identitiesOf: (personId: number) => readonly Identity[],
  isTrusted: boolean,
): Resolution {
  if (visitorId === null || !visitorIsKnown) {
    return { target: visitorId, absorb: [], attach: [...fresh], isSwitch: false, isVisitorLeft: false, review: null };
  }
  const kinds = new Set(identitiesOf(visitorId).map(({ kind }) => kind));
  const isSomebodyElse = fresh.some(({ kind }) => kinds.has(kind));
  if (!isSomebodyElse && isClosed(fresh, identitiesOf(visitorId), isTrusted)) {
    const review = { personIds: [visitorId], reason: "unsigned_claim" as const };
    return { target: visitorId, absorb: [], attach: [], isSwitch: false, isVisitorLeft: false, review };
  }
  return {
    target: isSomebodyElse ? null : visitorId,
    absorb: [],
    attach: [...fresh],
    isSwitch: isSomebodyElse,
    isVisitorLeft: false,
    review: null,
  };
}

/** `personIds` are all who would be one, those that the claims name first. */
function whyNotMerged(
  personIds: readonly number[],
  claimedCount: number,
  isTrusted: boolean,
  hasUserIdConflict: boolean,
  carriedBy: (personId: number) => readonly Identity[],
  past: Past,
): ReviewReason | null {
  if (claimedCount < 2) return null;
  if (!isTrusted) return "unsigned_claim";
  if (hasUserIdConflict) return "user_id_conflict";
  if (personIds.length > PROFILES_MAX) return "too_many_profiles";
  return whyTooMuch(personIds, carriedBy, past);
}

/** Why a browser's own past does not become the past of who is named; null for `visitorId` when it has none to give. */
function whyVisitorLeft(
  claimed: readonly number[],
  visitorId: number | null,
  identitiesOf: (personId: number) => readonly Identity[],
  past: Past,
): ReviewReason | null {
  if (claimed.some((personId) => identitiesOf(personId).length >= IDENTITIES_MAX)) return "too_many_identifiers";
  const [target] = claimed;
  if (visitorId === null || target === undefined) return null;
  if (claimed.some((personId) => past.isApart(personId, visitorId))) return "kept_apart";
  const carriedBy = (personId: number) => identitiesOf(personId).filter(({ retiredMs }) => retiredMs === null);
  return whyTooMuch([target, visitorId], carriedBy, past);
}

function whyTooMuch(
  personIds: readonly number[],
  carriedBy: (personId: number) => readonly Identity[],
  past: Past,
): ReviewReason | null {
  const isApart = personIds.some((one, index) => personIds.slice(index + 1).some((other) => past.isApart(one, other)));
  if (isApart) return "kept_apart";
  const merges = personIds.reduce((sum, personId) => sum + past.mergesOf(personId), personIds.length - 1);
  if (merges > MERGES_MAX) return "too_many_merges";
  const carried = personIds.flatMap(carriedBy);
  const isOver = Object.entries(PER_PERSON_MAX).some(
    ([kind, most]) => kind !== "user_id" && carried.filter((identity) => identity.kind === kind).length > most,
  );
  return isOver ? "too_many_identifiers" : null;
}

/** What browsers have claimed does not stand in the way of what the secret key says. */
function weighs({ isVerified, retiredMs }: Identity, isTrusted: boolean): boolean {
  return retiredMs === null && (isVerified || !isTrusted);
}

/** Who the secret key vouches for takes no further strong identifier on a browser's word. */
function isClosed(fresh: readonly Claim[], own: readonly Identity[], isTrusted: boolean): boolean {
  return !isTrusted && fresh.length > 0 && own.some(({ kind, isVerified }) => isVerified && isStrong(kind));
}

function attachable(fresh: readonly Claim[], carried: readonly Identity[], isTrusted: boolean): Identifier[] {
  if (isClosed(fresh, carried, isTrusted)) return [];
  return fresh.filter((claim) => hasRoomFor(claim, carried));
}

/** Whether a person who carries these may carry another of its kind. */
export function hasRoomFor({ kind }: Identifier, carried: readonly Identifier[]): boolean {
  const most = PER_PERSON_MAX[kind];
  return most === undefined || carried.filter((identity) => identity.kind === kind).length < most;
}

/** The person with the strongest identifier; among equals the one whose is the oldest. */
export function survivorOf(
  personIds: readonly number[],
  identitiesOf: (personId: number) => readonly Identity[],
): number {
  const best = (personId: number) =>
    [...identitiesOf(personId)].sort(
      (a, b) => strengthRank(a.kind) - strengthRank(b.kind) || a.identityId - b.identityId,
    )[0];
  const ranked = [...personIds].sort((a, b) => {
    const ofA = best(a);
    const ofB = best(b);
    if (ofA === undefined || ofB === undefined) return ofA === undefined ? 1 : -1;
    return strengthRank(ofA.kind) - strengthRank(ofB.kind) || ofA.identityId - ofB.identityId;
  });
  const survivor = ranked[0];
  if (survivor === undefined) throw new Error("a merge needs a person");
  return survivor;
}
