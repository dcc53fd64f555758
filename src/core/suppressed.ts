import { type Identifier, identifierKey } from "./identifier.ts";
import type { State } from "./state.ts";

/** Somebody who was erased, and is named again. Whoever the store knows by an identifier came after, or was let in. */
export function isSuppressed(state: State, identifier: Identifier): boolean {
  const key = identifierKey(identifier);
  return state.suppressed.has(key) && !state.identities.has(key);
}

/** Whom an identify names, also without a signature. */
type Naming = {
  claims: readonly Identifier[];
  visitor: Identifier | null;
  unsigned?: { claims: readonly Identifier[] } | null | undefined;
};

/**
 * What may be done of an identify: nothing when it names somebody who was erased, since its traits are about them; and
 * without the browser, when it is the browser that was theirs.
 */
export function heedSuppressions<Said extends Naming>(state: State, command: Said): Said | null {
  const { visitor } = command;
  const claims = [...command.claims, ...(command.unsigned?.claims ?? [])];
  if (claims.some((claim) => isSuppressed(state, claim))) return null;
  if (visitor === null || !isSuppressed(state, visitor)) return command;
  return claims.length === 0 ? null : { ...command, visitor: null };
}
