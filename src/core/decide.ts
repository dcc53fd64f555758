import type { Circumstances } from "./circumstances.ts";
import { decideAccounts } from "./decide-account.ts";
import { type ClickCommand, decideClick } from "./decide-click.ts";
import { decideIdentify, type IdentifyCommand, type IdentifyOutcome } from "./decide-identify.ts";
import { decideReview, type ReviewCommand, type ReviewOutcome } from "./decide-review.ts";
import { decideTrack, type TrackCommand, type TrackOutcome } from "./decide-track.ts";
import { decideUndo, type UndoCommand, type UndoOutcome } from "./decide-undo.ts";
import { identifierKey } from "./identifier.ts";
import { type Changes, type State, sessionsKey } from "./state.ts";

export type Command = TrackCommand | ClickCommand | IdentifyCommand | UndoCommand | ReviewCommand;

export type Outcome = TrackOutcome | IdentifyOutcome | UndoOutcome | ReviewOutcome;

/** What each command comes to. */
export type OutcomeOf<Given extends Command> = Given extends TrackCommand | ClickCommand
  ? TrackOutcome
  : Given extends IdentifyCommand
    ? IdentifyOutcome
    : Given extends UndoCommand
      ? UndoOutcome
      : Given extends ReviewCommand
        ? ReviewOutcome
        : never;

/** Commands that may join or part people: each is loaded by itself, after what came before it. */
export type LoneCommand = Exclude<Command, TrackCommand>;

/**
 * The whole product: what one command does to the state it touches. The state is left as it is; who wants the next
 * command to see the changes adopts them.
 */
export function decide(
  state: State,
  command: Command,
  circumstances: Circumstances,
): { changes: Changes; outcome: Outcome } {
  const decided = decideAlone(state, command, circumstances);
  // Parting people crosses nothing: whatever their account reaches by it is told by its next event.
  if (command.type === "undo") return decided;
  decideAccounts(state, decided.changes, circumstances);
  const { changes, outcome } = decided;
  // What the account crossed is told to the caller too.
  if (changes.signals.length > 0 && "signals" in outcome) outcome.signals = changes.signals;
  return decided;
}

function decideAlone(
  state: State,
  command: Command,
  circumstances: Circumstances,
): { changes: Changes; outcome: Outcome } {
  if (command.type === "track") return decideTrack(state, command, circumstances);
  if (command.type === "click") return decideClick(state, command, circumstances);
  if (command.type === "undo") return decideUndo(state, command, circumstances);
  if (command.type === "review") return decideReview(state, command, circumstances);
  return decideIdentify(state, command, circumstances);
}

/** Lets the following commands of the same load see what was decided. */
export function adopt(state: State, changes: Changes): void {
  for (const event of changes.events) state.knownEventIds.add(event.eventId);
  for (const account of changes.accounts) state.accounts.set(account.domain, account);
  for (const person of changes.people) state.people.set(person.personId, person);
  for (const score of changes.scores) state.scores.set(score.personId, score);
  for (const standing of changes.standings) state.standings.set(standing.accountId, standing);
  for (const identity of changes.identities) {
    const key = identifierKey(identity);
    if (identity.retiredMs === null) state.identities.set(key, identity);
    else if (state.identities.get(key)?.identityId === identity.identityId) state.identities.delete(key);
  }
  for (const session of changes.sessions) {
    const key = sessionsKey(session.personId, session.sessionKey);
    const others = state.sessions.get(key)?.filter(({ identityId }) => identityId !== session.identityId) ?? [];
    state.sessions.set(key, [...others, session]);
  }
}
