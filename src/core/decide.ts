import type { Circumstances } from "./circumstances.ts";
import { decideAccounts } from "./decide-account.ts";
import { decideIdentify, type IdentifyCommand, type IdentifyOutcome } from "./decide-identify.ts";
import { decideTrack, type TrackCommand, type TrackOutcome } from "./decide-track.ts";
import { identifierKey } from "./identifier.ts";
import { type Changes, type State, sessionsKey } from "./state.ts";

export type Command = TrackCommand | IdentifyCommand;

export type Outcome = TrackOutcome | IdentifyOutcome;

/** What each command comes to. */
export type OutcomeOf<Given extends Command> = Given extends TrackCommand
  ? TrackOutcome
  : Given extends IdentifyCommand
    ? IdentifyOutcome
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
  const decided =
    command.type === "track"
      ? decideTrack(state, command, circumstances)
      : decideIdentify(state, command, circumstances);
  decideAccounts(state, decided.changes, circumstances);
  const { changes, outcome } = decided;
  // What the account crossed is told to the caller too.
  if (changes.signals.length > 0 && "signals" in outcome) outcome.signals = changes.signals;
  return decided;
}

/** Lets the following commands of the same load see what was decided. */
export function adopt(state: State, changes: Changes): void {
  for (const event of changes.events) state.knownEventIds.add(event.eventId);
  for (const person of changes.people) state.people.set(person.personId, person);
  for (const score of changes.scores) state.scores.set(score.personId, score);
  for (const standing of changes.standings) state.standings.set(standing.accountId, standing);
  for (const identity of changes.identities) {
    if (identity.retiredMs === null) state.identities.set(identifierKey(identity), identity);
  }
  for (const session of changes.sessions) {
    const key = sessionsKey(session.personId, session.sessionKey);
    const others = state.sessions.get(key)?.filter(({ identityId }) => identityId !== session.identityId) ?? [];
    state.sessions.set(key, [...others, session]);
  }
}
