import type { Database } from "bun:sqlite";
import { type Identifier, identifierKey } from "../../core/identifier.ts";
import type { Identity } from "../../core/state.ts";
import { DELIVERY_SQL } from "./delivery-sql.ts";
import { createListEraser } from "./erase-lists.ts";
import { createRowEraser, createTraceEraser } from "./erase-traces.ts";
import type { ForeseenLists } from "./list-search.ts";
import { PEOPLE_SQL } from "./people.ts";
import { createScopeReader, type Lead, namesOf, type PersonScope, type Subject } from "./person-scope.ts";
import { createSuppressions } from "./suppression.ts";

export const ERASE_SQL = {
  events: "delete from event where identity_id = ?",
  sessions: "delete from session where identity_id = ?",
  identities: "delete from identity where person_id = ?",
  score: "delete from intent_score where person_id = ?",
  person: "delete from person where person_id = ?",
  signals: "delete from signal where person_id = ? and account_id is null returning signal_id as signalId",
  deliveries: `delete from delivery where signal_id = ?
    returning person_id as personId, destination, state`,
  mergesAsSurvivor: "delete from merge where survivor_id = ?",
  mergesAsAbsorbed: "delete from merge where absorbed_id = ?",
  others: "select other_id as otherId from apart where person_id = ?",
  apart: "delete from apart where person_id = ?",
  apartFrom: "delete from apart where person_id = ? and other_id = ?",
  isPeopled: "select 1 from intent_score where account_id = ? limit 1",
  account: "delete from account where account_id = ?",
  accountSignals: "delete from signal where account_id = ? returning signal_id as signalId",
  clicks: "delete from campaign_click where link_id = ?",
  clicksElsewhere: "update campaign_click set identity_id = null where identity_id = ?",
  campaignLeads: "delete from campaign_lead where link_id = ?",
  lead: "delete from lead where link_id = ?",
  newestEvent: "select max(event_seq) as seq from event",
  mergeBelow: `select merge_id as mergeId, last_event_seq as seq from merge
    where merge_id < ? order by merge_id desc limit 1`,
  lowerMerge: "update merge set last_event_seq = ?2 where merge_id = ?1",
} as const;

/** Rows by table: those that are gone, and those of others that were stripped of the person. */
export type Erased = {
  rows: { readonly [table: string]: number };
  stripped: { signal: number; merge: number; campaign_lead: number; campaign_click: number };
  suppressed: number;
};

/** Goes through rows that have no column to be found by: lists, and refused events with reviews. */
export type Readthrough = {
  lists: ReturnType<typeof createListEraser>;
  rows: ReturnType<typeof createRowEraser>;
};

/**
 * Takes everything that is known of a person out of the tables, and leaves a keyed hash of each identifier, so that what
 * is sent again does not bring them back. Runs in the caller's transaction, which what was foreseen makes short; null
 * when there is nothing to erase.
 */
export function createErasure(
  database: Database,
  { lists, rows }: Readthrough = { lists: createListEraser(database), rows: createRowEraser(database) },
): (subject: Subject, nowMs: number, foreseen?: ForeseenLists) => Erased | null {
  const scopes = createScopeReader(database);
  const suppressions = createSuppressions(database);
  const eraseTraces = createTraceEraser(database, scopes, rows);
  const erasePeople = peopleEraser(database);
  const eraseSignals = signalEraser(database);
  const eraseLeads = leadEraser(database);
  const dropClicker = database.query(ERASE_SQL.clicksElsewhere);
  const isLiveElsewhere = livesElsewhere(database);
  const lowerMerges = mergeLowerer(database);
  return (subject, nowMs, foreseen) => {
    const scope = scopes.scopeOf(subject);
    const personIds = scope.people.map(({ personId }) => personId);
    const suppressed = identifiersOf(scope).filter((identifier) => !isLiveElsewhere(identifier, personIds));
    const traces = eraseTraces(scope);
    const people = erasePeople(personIds, scope.identities);
    const signals = eraseSignals(personIds, scope.accountIds, traces.signalIds, nowMs);
    const leads = eraseLeads(scope.leads);
    const listRows = lists(scope, foreseen);
    const isKnown = scope.people.length > 0 || scope.leads.length > 0;
    // Somebody whom only rows of others name; or nobody, and nothing was written.
    if (!isKnown && listRows + traces.reviews + traces.rejected === 0) return null;
    // What is left of them are clicks on other people's links.
    const clickRows = scope.identities.reduce((sum, { identityId }) => sum + dropClicker.run(identityId).changes, 0);
    lowerMerges();
    suppressions.add(suppressed, nowMs);
    return {
      rows: { ...people, ...signals, ...leads, merge_review: traces.reviews, rejected_event: traces.rejected },
      stripped: {
        signal: traces.signalIds.length,
        merge: traces.merges,
        campaign_lead: listRows,
        campaign_click: clickRows,
      },
      suppressed: suppressed.length,
    };
  };
}

function identifiersOf(scope: PersonScope): Identifier[] {
  const links = scope.leads.map(({ linkId }) => ({ kind: "campaign_link" as const, value: linkId }));
  const all: Identifier[] = [...namesOf(scope), ...links];
  return [...new Map(all.map(({ kind, value }) => [identifierKey({ kind, value }), { kind, value }])).values()];
}

/** A browser that two people share is the other one's as well. */
function livesElsewhere(database: Database): (identifier: Identifier, own: readonly number[]) => boolean {
  const selectOwner = database.query<{ personId: number }, [string, string]>(PEOPLE_SQL.owner);
  return ({ kind, value }, own) => {
    const owner = selectOwner.get(value, kind);
    return owner !== null && !own.includes(owner.personId);
  };
}

function peopleEraser(database: Database) {
  const dropEvents = database.query(ERASE_SQL.events);
  const dropSessions = database.query(ERASE_SQL.sessions);
  const dropIdentities = database.query(ERASE_SQL.identities);
  const dropScore = database.query(ERASE_SQL.score);
  const dropPerson = database.query(ERASE_SQL.person);
  const dropAsSurvivor = database.query(ERASE_SQL.mergesAsSurvivor);
  const dropAsAbsorbed = database.query(ERASE_SQL.mergesAsAbsorbed);
  const selectOthers = database.query<{ otherId: number }, [number]>(ERASE_SQL.others);
  const dropApart = database.query(ERASE_SQL.apart);
  const dropApartFrom = database.query(ERASE_SQL.apartFrom);
  return (personIds: readonly number[], identities: readonly Identity[]) => {
    const rows = { event: 0, session: 0, identity: 0, intent_score: 0, person: 0, merge: 0, apart: 0 };
    for (const { identityId } of identities) {
      rows.event += dropEvents.run(identityId).changes;
      rows.session += dropSessions.run(identityId).changes;
    }
    for (const personId of personIds) {
      rows.identity += dropIdentities.run(personId).changes;
      rows.intent_score += dropScore.run(personId).changes;
      rows.merge += dropAsSurvivor.run(personId).changes + dropAsAbsorbed.run(personId).changes;
      for (const { otherId } of selectOthers.all(personId)) rows.apart += dropApartFrom.run(otherId, personId).changes;
      rows.apart += dropApart.run(personId).changes;
      rows.person += dropPerson.run(personId).changes;
    }
    return rows;
  };
}

/** Signals with all that was, or waits to be, sent of them; and companies that nobody is left of. */
function signalEraser(database: Database) {
  const dropSignals = database.query<{ signalId: number }, [number]>(ERASE_SQL.signals);
  const dropAccountSignals = database.query<{ signalId: number }, [number]>(ERASE_SQL.accountSignals);
  const dropDeliveries = database.query<{ personId: number; destination: string; state: string }, [number]>(
    ERASE_SQL.deliveries,
  );
  const release = database.query<unknown, [number, string, number]>(DELIVERY_SQL.release);
  const selectPeopled = database.query<[number], [number]>(ERASE_SQL.isPeopled);
  const dropAccount = database.query(ERASE_SQL.account);
  return (
    personIds: readonly number[],
    accountIds: readonly number[],
    strippedIds: readonly number[],
    nowMs: number,
  ) => {
    const own = personIds.flatMap((personId) => dropSignals.all(personId));
    const empty = accountIds.filter((accountId) => selectPeopled.values(accountId).length === 0);
    const ofAccounts = empty.flatMap((accountId) => dropAccountSignals.all(accountId));
    const accounts = empty.reduce((sum, accountId) => sum + dropAccount.run(accountId).changes, 0);
    const signalIds = new Set([...[...own, ...ofAccounts].map(({ signalId }) => signalId), ...strippedIds]);
    const deliveries = [...signalIds].flatMap((signalId) => dropDeliveries.all(signalId));
    // Whoever stands behind one that is gone must not wait for it.
    for (const { personId, destination, state } of deliveries) {
      if (state === "pending") release.run(personId, destination, nowMs);
    }
    return { signal: own.length + ofAccounts.length, delivery: deliveries.length, account: accounts };
  };
}

function leadEraser(database: Database) {
  const dropClicks = database.query(ERASE_SQL.clicks);
  const dropCampaignLeads = database.query(ERASE_SQL.campaignLeads);
  const dropLead = database.query(ERASE_SQL.lead);
  return (leads: readonly Lead[]) => {
    const rows = { campaign_click: 0, campaign_lead: 0, lead: 0 };
    for (const { linkId } of leads) {
      rows.campaign_click += dropClicks.run(linkId).changes;
      rows.campaign_lead += dropCampaignLeads.run(linkId).changes;
      rows.lead += dropLead.run(linkId).changes;
    }
    return rows;
  };
}

/**
 * The numbers of the newest events are given out again once those are gone, and a merge knows what came before it by
 * them.
 */
export function mergeLowerer(database: Database): () => void {
  const selectNewest = database.query<{ seq: number | null }, []>(ERASE_SQL.newestEvent);
  const selectMerge = database.query<{ mergeId: number; seq: number }, [number]>(ERASE_SQL.mergeBelow);
  const lower = database.query(ERASE_SQL.lowerMerge);
  return () => {
    const newest = selectNewest.get()?.seq ?? 0;
    let merge = selectMerge.get(Number.MAX_SAFE_INTEGER);
    while (merge !== null && merge.seq > newest) {
      lower.run(merge.mergeId, newest);
      merge = selectMerge.get(merge.mergeId);
    }
  };
}
