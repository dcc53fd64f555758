import { accountFor } from "./account-of.ts";
import { touchOf } from "./attribution.ts";
import type { Circumstances } from "./circumstances.ts";
import {
  type Click,
  type ClickReason,
  campaignOf,
  decidableOf,
  type Evidence,
  type Lead,
  type Link,
  redirectsBehind,
} from "./click.ts";
import { decideTrack, freshIdentity, recordEvent, settleScore, type TrackOutcome } from "./decide-track.ts";
import { absorb, type Draft, draftOf, mergeRecord, newDraft } from "./draft.ts";
import { DAY_MS } from "./duration.ts";
import type { Event } from "./event.ts";
import { type Identifier, identifierKey, isStrong } from "./identifier.ts";
import { IDENTITIES_MAX, MERGES_MAX } from "./identity.ts";
import { scoreOf } from "./score.ts";
import { type Changes, type Identity, noChanges, type Person, pairKey, type State } from "./state.ts";
import { isSuppressed } from "./suppressed.ts";
import { levelOf } from "./threshold.ts";
import { addTraits, freshOf } from "./traits.ts";

/** A browser came by a campaign's link, and shows a human hand. */
export type ClickCommand = {
  type: "click";
  link: Identifier;
  visitor: Identifier;
  evidence: Evidence | null;
  isTrusted: boolean;
  event: Event;
};

/** Browsers that one person's links bind in the time a browser keeps its id; what comes beyond was passed around. */
export const BROWSERS_PER_LINK_MAX = 10;
const BROWSER_KEPT_MS = 90 * DAY_MS;
const THROUGH = "public:campaign_link+anonymous_id";

/** Whose browser this is by the link; or, when the link does not say so, why. */
type Binding = Bound | ("other_person" | "shared_link");

type Bound = { lead: Lead; person: Draft; visitorPersonId: number | null };

/**
 * Scores the evidence like any event and lets the link say who the visitor is, as far as a link can: it takes a browser
 * that nobody is known by, and never one that is known to be somebody else's.
 */
export function decideClick(
  state: State,
  command: ClickCommand,
  circumstances: Circumstances,
): { changes: Changes; outcome: TrackOutcome } {
  const { event, visitor, isTrusted } = command;
  // Who was erased is nobody's lead any more.
  const link = state.link !== null && isSuppressed(state, emailOf(state.link.lead)) ? null : state.link;
  const utmCampaign = touchOf(event)?.campaign ?? null;
  const redirects = link === null ? [] : redirectsBehind(link, utmCampaign, event.occurredMs);
  const redirect = decidableOf(redirects);
  const doubt = doubtOf(command, link, redirect);
  const isNew = !state.knownEventIds.has(event.eventId) && !isSuppressed(state, visitor);
  const binding = isNew && doubt === null && link !== null ? bindingOf(state, link.lead, command, circumstances) : null;
  const decided =
    binding === null || typeof binding === "string"
      ? decideTrack(state, { type: "track", actor: visitor, isTrusted, event: { ...event, bot: doubt } }, circumstances)
      : bind(state, command, binding, circumstances);
  const clickedBy = decided.changes.events[0]?.identityId ?? null;
  if (link === null || clickedBy === null) return decided;
  const reason = doubt ?? (typeof binding === "string" ? binding : null);
  // Of a machine, one row is enough.
  if (doubt !== null && redirect?.verdict !== "pending" && redirects.length > 0) return decided;
  const click = redirect ?? directClick(link, utmCampaign, event);
  if (click === null) return decided;
  const verdict = doubt === null ? ("human" as const) : ("machine" as const);
  decided.changes.clicks.push({ ...click, verdict, reason, identityId: clickedBy });
  return decided;
}

/** Why this is not a human's click on a link of ours; null when it is. Such an event is kept, and never scored. */
function doubtOf({ event, evidence }: ClickCommand, link: Link | null, redirect: Click | null): string | null {
  if (event.bot !== null) return event.bot;
  // Ids can be made up, and those of nobody must earn nothing.
  if (link === null) return "unknown_link";
  if (evidence === null) return "no_evidence" satisfies ClickReason;
  // A scanner's sandbox shows the page for a while too.
  return redirect?.reason === "burst" && evidence === "visible" ? "burst" : null;
}

function directClick(link: Link, utmCampaign: string | null, { occurredMs }: Event): Click | null {
  const campaignId = campaignOf(link, utmCampaign);
  if (campaignId === null) return null;
  const { linkId } = link.lead;
  const fixed = { clickId: null, verdict: "pending", reason: null, identityId: null } as const;
  return { ...fixed, campaignId, linkId, clickedMs: occurredMs, via: "direct" };
}

function bindingOf(
  state: State,
  lead: Lead,
  { link, visitor, event }: ClickCommand,
  circumstances: Circumstances,
): Binding {
  const { nowMs, mintId } = circumstances;
  const byLink = state.identities.get(identifierKey(link));
  const owner = byLink ?? state.identities.get(identifierKey(emailOf(lead))) ?? null;
  const known = state.identities.get(identifierKey(visitor)) ?? null;
  const visitorPersonId = known?.personId ?? null;
  if (visitorPersonId !== null && visitorPersonId !== owner?.personId) {
    if ((state.identitiesOf.get(visitorPersonId) ?? []).some(namesSomebody)) return "other_person";
  }
  // Somebody said that these two are not one, and a link that is passed on says less.
  if (visitorPersonId !== null && owner !== null && state.apart.has(pairKey(visitorPersonId, owner.personId))) {
    return "other_person";
  }
  if (owner === null) return { lead, person: newDraft(mintId(), event.occurredMs, nowMs), visitorPersonId };
  if (visitorPersonId !== owner.personId && isPassedAround(state, owner.personId, nowMs)) return "shared_link";
  return { lead, person: draftOf(state, owner.personId, circumstances), visitorPersonId };
}

/** Somebody is known by it, or by the link they came with first. */
function namesSomebody({ kind }: Identity): boolean {
  return isStrong(kind) || kind === "loyalty_id" || kind === "campaign_link";
}

function isPassedAround(state: State, personId: number, nowMs: number): boolean {
  const identities = state.identitiesOf.get(personId) ?? [];
  const browsers = identities.filter(
    ({ kind, retiredMs, createdMs }) =>
      kind === "anonymous_id" && retiredMs === null && createdMs > nowMs - BROWSER_KEPT_MS,
  );
  const merges = state.mergeCounts.get(personId) ?? 0;
  return browsers.length >= BROWSERS_PER_LINK_MAX || identities.length >= IDENTITIES_MAX || merges >= MERGES_MAX;
}

function bind(
  state: State,
  { event, visitor, link }: ClickCommand,
  { lead, person: drafted, visitorPersonId }: Bound,
  circumstances: Circumstances,
): { changes: Changes; outcome: TrackOutcome } {
  const { rules, nowMs } = circumstances;
  const changes = noChanges();
  let draft = asLead(state, drafted, lead, link, circumstances);
  let scoreBefore = scoreOf(draft.score.sums, rules, nowMs);
  if (visitorPersonId !== null && visitorPersonId !== draft.person.personId) {
    const absorbed = draftOf(state, visitorPersonId, circumstances);
    if (drafted.identities.length === 0) scoreBefore = scoreOf(absorbed.score.sums, rules, nowMs);
    changes.merges.push(mergeRecord(draft, absorbed, THROUGH, circumstances));
    draft = absorb(state, draft, absorbed, circumstances);
    changes.people.push({ ...absorbed.person, mergedInto: draft.person.personId });
  }
  const { personId } = draft.person;
  const actor = liveOf(draft.identities, visitor) ?? {
    ...freshIdentity(visitor, personId, false, circumstances),
    saidWith: liveOf(draft.identities, link)?.identityId ?? null,
  };
  const identities = [...new Set([...draft.identities, actor])];
  const stored = new Set([...state.identitiesOf.values()].flat());
  const account = accountFor(state, draft.person, identities, circumstances);
  const person = account === null ? draft.person : { ...draft.person, accountId: account.accountId };
  const score = { ...draft.score, accountId: person.accountId };
  const recorded = recordEvent(state, actor, score, event, circumstances, draft.people);
  const settled = settleScore(recorded.score, scoreBefore, circumstances);
  changes.identities.push(...identities.filter((identity) => !stored.has(identity)));
  if (account !== null && !state.accounts.has(account.domain)) changes.accounts.push(account);
  if (person !== state.people.get(personId)) changes.people.push(person);
  changes.scores.push(settled.score);
  changes.sessions.push(recorded.session);
  changes.events.push({ ...event, identityId: actor.identityId });
  changes.signals.push(...settled.signals);
  const { score: now } = settled.score;
  const level = levelOf(now, rules.thresholds);
  const { eventId } = event;
  const delta = now - scoreBefore;
  return {
    changes,
    outcome: { status: "accepted", eventId, personId, score: now, level, delta, signals: settled.signals },
  };
}

/** The person as the operator's list has them: reached by this link and this address, with what the list says of them. */
function asLead(state: State, draft: Draft, lead: Lead, link: Identifier, circumstances: Circumstances): Draft {
  const identities = [...draft.identities];
  let saidWith = (liveOf(identities, emailOf(lead)) ?? liveOf(identities, link))?.identityId ?? null;
  for (const identifier of [emailOf(lead), link]) {
    if (state.identities.has(identifierKey(identifier))) continue;
    const identity = freshIdentity(identifier, draft.person.personId, false, circumstances);
    identities.push({ ...identity, saidWith });
    saidWith ??= identity.identityId;
  }
  return { ...draft, person: withTraits(draft.person, lead), identities };
}

function liveOf(identities: readonly Identity[], identifier: Identifier): Identity | undefined {
  const key = identifierKey(identifier);
  return identities.find((identity) => identity.retiredMs === null && identifierKey(identity) === key);
}

function emailOf({ email }: Lead): Identifier {
  return { kind: "email", value: email };
}

/** What the secret key has said of the person since outweighs the list. */
function withTraits(person: Person, { traits }: Lead): Person {
  const verifiedTraits = addTraits(person.verifiedTraits, freshOf(traits, person.verifiedTraits));
  return verifiedTraits === person.verifiedTraits ? person : { ...person, verifiedTraits };
}
