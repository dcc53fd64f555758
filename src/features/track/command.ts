import { CLICK_EVENT, type ClickReason, EVIDENCES, type Evidence } from "../../core/click.ts";
import type { ClickCommand } from "../../core/decide-click.ts";
import type { TrackCommand } from "../../core/decide-track.ts";
import type { Event } from "../../core/event.ts";
import { type Identifier, normalizeIdentifier } from "../../core/identifier.ts";
import type { Json } from "../../core/json.ts";

/** What an event can come to. */
export type EventCommand = TrackCommand | ClickCommand;

/**
 * A browser's word that somebody followed a campaign's link is more than an event: it may say whose browser it is, and
 * it counts only with a link of ours. What the secret key tells without a link is its own word.
 */
export function commandOf(actor: Identifier, isTrusted: boolean, event: Event): EventCommand {
  const { link, evidence } = event.properties;
  const isClick = event.name === CLICK_EVENT && actor.kind === "anonymous_id" && !(isTrusted && link === undefined);
  if (!isClick) return { type: "track", actor, isTrusted, event };
  return { type: "click", link: readLink(link), visitor: actor, evidence: readEvidence(evidence), isTrusted, event };
}

export function actorOf(command: EventCommand): Identifier {
  return command.type === "click" ? command.visitor : command.actor;
}

/** The same commands, the clicks among them as a machine's: they come from where a hidden link was opened. */
export function asTrapped(commands: readonly EventCommand[]): EventCommand[] {
  return commands.map((command) =>
    command.type === "click" && !command.isTrusted
      ? { ...command, event: { ...command.event, bot: command.event.bot ?? ("honeypot" satisfies ClickReason) } }
      : command,
  );
}

/** What is no link id is nobody's. */
function readLink(said: Json | undefined): Identifier {
  const value = typeof said === "string" ? normalizeIdentifier("campaign_link", said).value : undefined;
  return { kind: "campaign_link", value: value ?? "" };
}

function readEvidence(said: Json | undefined): Evidence | null {
  return EVIDENCES.find((evidence) => evidence === said) ?? null;
}
