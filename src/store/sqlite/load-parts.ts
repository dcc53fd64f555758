import type { Identifier } from "../../core/identifier.ts";
import type { Identity, Person, State } from "../../core/state.ts";

/** What the loaders of single commands put a state together from. */
export type LoadParts = {
  findIdentity(identifier: Identifier): Identity | undefined;
  isSuppressed(identifier: Identifier): boolean;
  findPerson(personId: number): Person | null;
  loadScore(state: State, personId: number): void;
  /** A person with score and identities. */
  loadPerson(state: State, personId: number): void;
  /** The sessions in which more than one of the loaded people took part. */
  loadSharedSessions(state: State): void;
  /** The accounts of all e-mail addresses, those named and those carried by the loaded people. */
  loadAccounts(state: State, named: readonly Identifier[]): void;
  loadStanding(state: State, accountId: number | null): void;
};
