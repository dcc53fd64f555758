import { type Identifier, identifierKey } from "./identifier.ts";
import type { Identity } from "./state.ts";

/**
 * What changes by the secret key's word: the identifiers it names are verified, and a user_id that only a browser has
 * claimed gives way, since a person has one.
 */
export function vouch(claims: readonly Identifier[], own: readonly Identity[], nowMs: number): Identity[] {
  const named = new Set(claims.map(identifierKey));
  const verified = own
    .filter((identity) => named.has(identifierKey(identity)) && identity.retiredMs === null && !identity.isVerified)
    .map((identity) => ({ ...identity, isVerified: true }));
  const userIds = own.filter(({ kind, retiredMs }) => kind === "user_id" && retiredMs === null);
  const isNamed = claims.some(({ kind }) => kind === "user_id");
  const kept =
    userIds.find((identity) => named.has(identifierKey(identity))) ??
    userIds.find(({ isVerified }) => isVerified) ??
    (isNamed ? undefined : userIds[0]);
  const displaced = userIds
    .filter((identity) => identity !== kept && !identity.isVerified)
    .map((identity) => ({ ...identity, retiredMs: nowMs }));
  return [...verified, ...displaced];
}
