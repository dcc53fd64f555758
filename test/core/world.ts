import { ACCOUNT_PEOPLE_MAX, accountDomainOf, seenDayOf } from "../../src/core/account.ts";
import type { Click, Evidence, Lead } from "../../src/core/click.ts";
import { compileRules } from "../../src/core/compile.ts";
import { adopt, type Command, decide, type Outcome } from "../../src/core/decide.ts";
import type { ClickCommand } from "../../src/core/decide-click.ts";
import type { IdentifyCommand, IdentifyOutcome } from "../../src/core/decide-identify.ts";
import type { TrackCommand } from "../../src/core/decide-track.ts";
import { type Event, sessionKeyOf } from "../../src/core/event.ts";
import { type Identifier, type IdentifierKind, identifierKey } from "../../src/core/identifier.ts";
import { PROFILES_MAX } from "../../src/core/identity.ts";
import type { Json } from "../../src/core/json.ts";
import type { Scoring } from "../../src/core/rules.ts";
import { scoreOf } from "../../src/core/score.ts";
import type { Signal } from "../../src/core/signal.ts";
import {
  type Account,
  type AccountStanding,
  type ApartPair,
  type AuditNote,
  type Changes,
  emptyState,
  type Identity,
  type IntentScore,
  type MergeReview,
  type Person,
  type Session,
  type State,
  type StoredEvent,
  sessionsKey,
} from "../../src/core/state.ts";
import { applyMerges, type LoggedMerge, loadPast, loadReview, loadUndo } from "./world-merges.ts";

/** All rows there are; the same tables as the real store's, in maps. */
export type Rows = {
  identities: Map<number, Identity>;
  people: Map<number, Person>;
  scores: Map<number, IntentScore>;
  sessions: Map<string, Session>;
  events: Map<string, StoredEvent>;
  accounts: Map<string, Account>;
  standings: Map<number, AccountStanding>;
  merges: LoggedMerge[];
  apart: ApartPair[];
  audits: AuditNote[];
  /** As if every survivor had done more than an undo goes through. */
  isSurvivorUntold: boolean;
  reviews: MergeReview[];
  signals: Signal[];
  /** Who was written to, by link; all of them in campaign 1. */
  leads: Map<string, Lead>;
  clicks: Click[];
};

export type World = ReturnType<typeof createWorld>;

/** A store and an engine in memory: what the real ones do, without files, locks and time. */
export function createWorld(scoring: Scoring) {
  const rules = compileRules(scoring, "test");
  const rows: Rows = {
    identities: new Map(),
    people: new Map(),
    scores: new Map(),
    sessions: new Map(),
    events: new Map(),
    accounts: new Map(),
    standings: new Map(),
    merges: [],
    apart: [],
    audits: [],
    isSurvivorUntold: false,
    reviews: [],
    signals: [],
    leads: new Map(),
    clicks: [],
  };
  let lastId = 0;
  const mintId = () => {
    lastId += 1;
    return lastId;
  };

  function submit(commands: readonly Command[], nowMs: number): Outcome[] {
    const outcomes: Outcome[] = [];
    for (const load of loadsOf(commands)) {
      const state = loadState(rows, load);
      for (const command of load) {
        const { changes, outcome } = decide(state, command, { rules, nowMs, mintId });
        adopt(state, changes);
        apply(rows, changes);
        outcomes.push(outcome);
      }
    }
    return outcomes;
  }

  return { rules, rows, submit };
}

/** Neighbouring events share one load; an identify is loaded by itself. */
function loadsOf(commands: readonly Command[]): Command[][] {
  const loads: Command[][] = [];
  for (const command of commands) {
    const last = loads.at(-1);
    if (command.type === "track" && last?.[0]?.type === "track") last.push(command);
    else loads.push([command]);
  }
  return loads;
}

function loadState(rows: Rows, load: readonly Command[]): State {
  const state = emptyState();
  for (const command of load) {
    if (command.type === "track") loadTrack(rows, state, command);
    else if (command.type === "click") loadClick(rows, state, command);
    else if (command.type === "undo")
      loadUndo(rows, state, command, (personId) => loadTogether(rows, state, [personId], []));
    else if (command.type === "review")
      loadReview(rows, state, command, (personIds, named) => loadTogether(rows, state, personIds, named));
    else loadIdentify(rows, state, command);
  }
  return state;
}

function loadTrack(rows: Rows, state: State, { actor, event }: TrackCommand): void {
  if (rows.events.has(event.eventId)) state.knownEventIds.add(event.eventId);
  const identity = liveIdentity(rows, actor);
  if (identity === null) {
    loadAccounts(rows, state, [actor]);
    return;
  }
  state.identities.set(identifierKey(actor), identity);
  loadScore(rows, state, identity.personId);
  loadStanding(rows, state, scoreRowOf(rows, identity.personId).accountId);
  loadSessions(rows, state, identity.personId, sessionKeyOf(event));
}

function loadIdentify(rows: Rows, state: State, { claims, visitor, event }: IdentifyCommand): void {
  loadNamed(rows, state, visitor === null ? claims : [...claims, visitor], event);
}

function loadClick(rows: Rows, state: State, { link, visitor, event }: ClickCommand): void {
  if (rows.events.has(event.eventId)) state.knownEventIds.add(event.eventId);
  const lead = rows.leads.get(link.value) ?? null;
  const undecided = rows.clicks
    .filter(({ linkId, via, verdict }) => linkId === link.value && via === "redirect" && verdict !== "human")
    .sort((a, b) => b.clickedMs - a.clickedMs);
  if (lead !== null) state.link = { lead, campaigns: [{ campaignId: 1, utmCampaign: "spring" }], undecided };
  const named = lead === null ? [] : [link, identifier("email", lead.email)];
  loadNamed(rows, state, [...named, visitor], event);
}

function loadNamed(rows: Rows, state: State, named: readonly Identifier[], event: Event): void {
  const found = named.flatMap((identifier) => liveIdentity(rows, identifier) ?? []);
  for (const identity of found) state.identities.set(identifierKey(identity), identity);
  const touched = [...new Set(found.map(({ personId }) => personId))];
  loadPast(rows, state, touched);
  loadTogether(rows, state, touched, named);
  for (const personId of touched) loadSessions(rows, state, personId, sessionKeyOf(event));
}

/** All that is needed to put these people together. */
function loadTogether(rows: Rows, state: State, touched: readonly number[], named: readonly Identifier[]): void {
  const keys = new Map<string, number>();
  for (const personId of touched) {
    state.identitiesOf.set(personId, identitiesOf(rows, personId));
    loadScore(rows, state, personId);
    const person = rows.people.get(personId);
    if (person !== undefined) state.people.set(personId, person);
    for (const key of new Set(sessionsOf(rows, personId).map(({ sessionKey }) => sessionKey))) {
      keys.set(key, (keys.get(key) ?? 0) + 1);
    }
  }
  state.sharedSessionKeys = [...keys].filter(([, people]) => people > 1).map(([key]) => key);
  for (const sessionKey of state.sharedSessionKeys) {
    for (const personId of touched) loadSessions(rows, state, personId, sessionKey);
  }
  const known = touched.flatMap((personId) => identitiesOf(rows, personId));
  loadAccounts(rows, state, [...named, ...known]);
  for (const { accountId } of state.scores.values()) loadStanding(rows, state, accountId);
}

function loadAccounts(rows: Rows, state: State, named: readonly Identifier[]): void {
  for (const { kind, value } of named) {
    const domain = kind === "email" ? accountDomainOf(value) : null;
    const account = domain === null ? undefined : rows.accounts.get(domain);
    if (account === undefined) continue;
    state.accounts.set(account.domain, account);
    loadStanding(rows, state, account.accountId);
  }
}

function loadStanding(rows: Rows, state: State, accountId: number | null): void {
  if (accountId === null || state.standings.has(accountId)) return;
  const colleagues = [...rows.scores.values()]
    .filter((score) => score.accountId === accountId && rows.people.get(score.personId)?.mergedInto === null)
    .sort((a, b) => seenDayOf(b) - seenDayOf(a) || b.personId - a.personId)
    .slice(0, ACCOUNT_PEOPLE_MAX + PROFILES_MAX);
  for (const { personId } of colleagues) loadScore(rows, state, personId);
  state.standings.set(accountId, {
    accountId,
    thresholds: rows.standings.get(accountId)?.thresholds ?? {},
    personIds: colleagues.map(({ personId }) => personId),
  });
}

function loadScore(rows: Rows, state: State, personId: number): void {
  const score = rows.scores.get(personId);
  if (score !== undefined) state.scores.set(personId, score);
}

function loadSessions(rows: Rows, state: State, personId: number, sessionKey: string): void {
  const sessions = sessionsOf(rows, personId).filter((session) => session.sessionKey === sessionKey);
  if (sessions.length > 0) state.sessions.set(sessionsKey(personId, sessionKey), sessions);
}

/** Keeps what was decided, under the constraints that the real tables have. */
function apply(rows: Rows, changes: Changes): void {
  const eventsBefore = rows.events.size;
  for (const identity of changes.identities) rows.identities.set(identity.identityId, deepFreeze(identity));
  const live = [...rows.identities.values()].filter(({ retiredMs }) => retiredMs === null).map(identifierKey);
  if (new Set(live).size < live.length) throw new Error("an identifier belongs to two people");
  for (const person of changes.people) rows.people.set(person.personId, deepFreeze(person));
  for (const score of changes.scores) rows.scores.set(score.personId, deepFreeze(score));
  for (const session of changes.sessions) {
    rows.sessions.set(`${session.identityId} ${session.sessionKey}`, deepFreeze(session));
  }
  for (const event of changes.events) {
    if (rows.events.has(event.eventId)) throw new Error("an event was kept twice");
    rows.events.set(event.eventId, deepFreeze(event));
  }
  for (const account of changes.accounts) {
    if (rows.accounts.has(account.domain)) throw new Error("an account was made twice");
    rows.accounts.set(account.domain, deepFreeze(account));
  }
  for (const standing of changes.standings) rows.standings.set(standing.accountId, deepFreeze(standing));
  for (const signal of changes.signals) {
    const isTaken = rows.signals.some(
      ({ personId, account, threshold, epoch }) =>
        (signal.account === null ? personId === signal.personId : account?.accountId === signal.account.accountId) &&
        threshold.name === signal.threshold.name &&
        epoch === signal.epoch,
    );
    if (isTaken) throw new Error("a crossing was signalled twice");
    rows.signals.push(deepFreeze(signal));
  }
  for (const click of changes.clicks) {
    const clickId = click.clickId ?? rows.clicks.length + 1;
    rows.clicks = [...rows.clicks.filter((other) => other.clickId !== clickId), deepFreeze({ ...click, clickId })];
  }
  applyMerges(rows, deepFreeze(changes), eventsBefore);
}

/** A decision that changed its input in place would throw here, instead of passing by luck. */
function deepFreeze<Row>(row: Row): Row {
  if (row === null || typeof row !== "object" || Object.isFrozen(row)) return row;
  Object.freeze(row);
  for (const value of Object.values(row)) deepFreeze(value);
  return row;
}

export function liveIdentity(rows: Rows, identifier: Identifier): Identity | null {
  const key = identifierKey(identifier);
  for (const identity of rows.identities.values()) {
    if (identity.retiredMs === null && identifierKey(identity) === key) return identity;
  }
  return null;
}

export function identitiesOf(rows: Rows, personId: number): Identity[] {
  return [...rows.identities.values()].filter((identity) => identity.personId === personId);
}

export function sessionsOf(rows: Rows, personId: number): Session[] {
  const own = new Set(identitiesOf(rows, personId).map(({ identityId }) => identityId));
  return [...rows.sessions.values()]
    .filter(({ identityId }) => own.has(identityId))
    .map((session) => ({ ...session, personId }));
}

export function eventsOf(rows: Rows, personId: number): StoredEvent[] {
  const own = new Set(identitiesOf(rows, personId).map(({ identityId }) => identityId));
  return [...rows.events.values()].filter(({ identityId }) => own.has(identityId));
}

/** Whose an identifier is now. */
export function personOf({ rows }: World, identifier: Identifier): number {
  const identity = liveIdentity(rows, identifier);
  if (identity === null) throw new Error(`nobody is ${identifier.value}`);
  return identity.personId;
}

export function scoreRow({ rows }: World, personId: number): IntentScore {
  return scoreRowOf(rows, personId);
}

function scoreRowOf(rows: Rows, personId: number): IntentScore {
  const score = rows.scores.get(personId);
  if (score === undefined) throw new Error(`person ${personId} has no score`);
  return score;
}

export function scoreAt(world: World, personId: number, atMs: number): number {
  return scoreOf(scoreRow(world, personId).sums, world.rules, atMs);
}

export function livePeople({ rows }: World): number[] {
  return [...rows.people.values()].filter(({ mergedInto }) => mergedInto === null).map(({ personId }) => personId);
}

export function identifier(kind: IdentifierKind, value: string): Identifier {
  return { kind, value };
}

export function visitorId(value: string): Identifier {
  return identifier("anonymous_id", value);
}

export function eventOf(event: Partial<Event> & Pick<Event, "eventId" | "occurredMs">): Event {
  return {
    name: "page_view",
    receivedMs: event.occurredMs,
    sessionId: null,
    url: null,
    referrer: null,
    properties: {},
    bot: null,
    ...event,
  };
}

export function track(actor: Identifier, event: Event): TrackCommand {
  return { type: "track", actor, isTrusted: false, event };
}

export function identify(
  claims: Identifier[],
  visitor: Identifier | null,
  event: Pick<Event, "eventId" | "occurredMs"> & Partial<Event>,
  options: { isTrusted?: boolean; traits?: Record<string, Json> } = {},
): IdentifyCommand {
  const traits = options.traits ?? {};
  return {
    type: "identify",
    claims,
    visitor,
    traits,
    isTrusted: options.isTrusted ?? false,
    event: eventOf({ name: "identify", properties: { traits }, ...event }),
  };
}

/** Somebody shows a hand on a page that they came to by a lead's link. */
export function click(
  linkId: string,
  visitor: Identifier,
  event: Pick<Event, "eventId" | "occurredMs"> & Partial<Event>,
  evidence: Evidence | null = "moved",
): ClickCommand {
  return {
    type: "click",
    link: identifier("campaign_link", linkId),
    visitor,
    evidence,
    isTrusted: false,
    event: eventOf({ name: "campaign_click", properties: { link: linkId, evidence }, ...event }),
  };
}

export function asIdentified(outcome: Outcome | undefined): Extract<IdentifyOutcome, { status: "identified" }> {
  if (outcome?.status !== "identified") throw new Error("this was no identify");
  return outcome;
}
