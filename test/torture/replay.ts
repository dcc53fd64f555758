import type { Database } from "bun:sqlite";
import { CLICK_EVENT } from "../../src/core/click.ts";
import type { Command } from "../../src/core/decide.ts";
import { type IdentifierKind, identifierKey } from "../../src/core/identifier.ts";
import { evaluate, type Sums } from "../../src/core/score.ts";
import { unpackSums, unpackThresholds } from "../../src/store/sqlite/row.ts";
import { createWorld, livePeople, type World } from "../core/world.ts";
import { type EventRow, eventOf } from "../support/reference.ts";
import type { Model } from "./model.ts";
import { IS_TOLD, idsOf, ruledSince, ruleOne, VICTIMS_OF } from "./replay-rulings.ts";
import type { SentEvent } from "./traffic.ts";

type ToldRow = EventRow & { event_seq: number; kind: string; value: string };

type PersonRow = {
  person_id: number;
  traits: string;
  verified_traits: string;
  sums: string | null;
  thresholds: string | null;
  first_seen_at: number | null;
  last_seen_at: number | null;
};

const TOLERANCE = 1e-9;
/**
 * The same story told to a reference that never crashed: what is stored, in the order it was stored in, decided once
 * more in memory. Whatever a crash lost, doubled or left half shows as a difference.
 */
export type Replay = { catchUp(database: Database): string[]; compare(database: Database, atMs: number): string[] };

/**
 * `isClockSteady`: when an event was decided is not stored, only when it was received. While the clock jumps the two may
 * lie a day apart, and with them what was crossed.
 */
export type ReplayOptions = { isClockSteady: boolean };

export function createReplay(
  scoring: Parameters<typeof createWorld>[0],
  model: Model,
  { isClockSteady }: ReplayOptions,
): Replay {
  const world = createWorld(scoring);
  let lastSeq = 0;
  let replayed = 0;
  let lastAuditId = 0;
  return {
    catchUp: (database) => {
      const wrongs: string[] = [];
      const kept = database
        .query<{ count: number }, [number]>(
          `select count(*) as count from event e left join identity i on i.identity_id = e.identity_id
           where e.event_seq <= ? and ${IS_TOLD}`,
        )
        .get(lastSeq)?.count;
      if (kept !== replayed) wrongs.push(`of ${replayed} events that were stored ${kept} are left`);
      const rows = database
        .query<ToldRow, [number]>(
          `select e.*, i.kind, i.value from event e left join identity i on i.identity_id = e.identity_id
           where e.event_seq > ? and ${IS_TOLD} order by e.event_seq`,
        )
        .all(lastSeq);
      learnLeads(world, database);
      for (const row of rows) {
        const wrong = replayOne(world, model, row);
        if (wrong !== null) wrongs.push(wrong);
        lastSeq = row.event_seq;
        replayed += 1;
      }
      // While somebody rules, nobody sends: what was ruled came after the events.
      for (const ruled of ruledSince(database, lastAuditId)) {
        const wrong = ruleOne(world, database, ruled);
        if (wrong !== null) wrongs.push(wrong);
        lastAuditId = ruled.audit_id;
      }
      const merges = idsOf(database, "merge").length;
      if (merges !== world.rows.merges.length)
        wrongs.push(`${merges} merges are stored, and there should be ${world.rows.merges.length}`);
      const people = idsOf(database, "person").length;
      if (people !== world.rows.people.size)
        wrongs.push(`${people} people were ever known, and there should be ${world.rows.people.size}`);
      return wrongs;
    },
    compare: (database, atMs) => [
      ...comparePeople(world, database, atMs, isClockSteady),
      ...(isClockSteady ? compareSignals(world, database) : []),
    ],
  };
}

/** Whom the campaign's links stand for: all of them in the world's one campaign. */
function learnLeads(world: World, database: Database): void {
  const rows = database
    .query<{ linkId: string; email: string; traits: string }, []>(
      `select l.link_id as linkId, l.email, l.traits from lead l join campaign_lead using (link_id)
       join campaign c using (campaign_id) where c.slug = 'spring'`,
    )
    .all();
  for (const { linkId, email, traits } of rows)
    world.rows.leads.set(linkId, { linkId, email, traits: JSON.parse(traits) });
}

/** What was sent comes from the model, times and what the server added from the row. */
function replayOne(world: World, model: Model, row: ToldRow): string | null {
  const event = eventOf(row);
  if (row.name === "identify") {
    const traits = (event.properties as { traits?: { mark?: string } }).traits;
    const sent = model.identifies.get(traits?.mark ?? "");
    if (sent === undefined) return "an identify is stored that nobody sent";
    const { claims, visitor, isTrusted } = sent;
    world.submit([{ type: "identify", claims, visitor, traits: traits ?? {}, isTrusted, event }], row.received_at);
    return null;
  }
  const sent = model.events.get(row.event_id);
  if (sent === undefined) return `${row.event_id} is stored, and nobody sent it`;
  const { wire, actor } = sent;
  world.submit([commandOf(sent, event)], row.received_at);
  const stored = [row.name, row.url, row.session_id, row.kind, row.value, row.properties ?? "{}"];
  const said = [
    wire.event,
    wire.url,
    wire.session_id ?? null,
    actor.kind,
    actor.value,
    JSON.stringify(wire.metadata ?? {}),
  ];
  return Bun.deepEquals(stored, said) ? null : `${row.event_id} is stored as something else than was sent`;
}

function commandOf({ wire, actor, isTrusted }: SentEvent, event: ReturnType<typeof eventOf>): Command {
  if (event.name !== CLICK_EVENT) return { type: "track", actor, isTrusted, event };
  const { link = "" } = (wire.metadata ?? {}) as { link?: string };
  return {
    type: "click",
    link: { kind: "campaign_link", value: link },
    visitor: actor,
    evidence: "moved",
    isTrusted,
    event,
  };
}

function comparePeople(world: World, database: Database, atMs: number, isClockSteady: boolean): string[] {
  const stored = ownersOf(database);
  const expected = ownersIn(world);
  const strangers = [...stored.keys()].filter((key) => !expected.has(key));
  const missing = [...expected.keys()].filter((key) => !stored.has(key));
  if (strangers.length + missing.length > 0)
    return [`too many identities: ${strangers.join(", ") || "none"}; missing: ${missing.join(", ") || "none"}`];
  const theirs = new Map<number, number>();
  const ours = new Map<number, number>();
  for (const [key, personId] of stored) {
    const worldId = expected.get(key) ?? 0;
    if ((theirs.get(personId) ?? worldId) !== worldId || (ours.get(worldId) ?? personId) !== personId) {
      return [`${key} belongs to somebody else than it should`];
    }
    theirs.set(personId, worldId);
    ours.set(worldId, personId);
  }
  const live = livePeople(world).filter((personId) => ours.has(personId)).length;
  const rows = database
    .query<PersonRow, []>(
      `select p.person_id, p.traits, p.verified_traits, s.sums, s.thresholds, s.first_seen_at, s.last_seen_at
       from person p left join intent_score s on s.person_id = p.person_id where p.merged_into is null
       and not exists (${VICTIMS_OF})`,
    )
    .all();
  const wrongs = rows.length === live ? [] : [`${rows.length} people, and there should be ${live}`];
  return [
    ...wrongs,
    ...rows.flatMap((row) => differencesOf(world, theirs.get(row.person_id), row, atMs, isClockSteady)),
  ];
}

type Owned = { kind: IdentifierKind; value: string; personId: number; retiredMs: number | null };

/** By identifier; those that a browser left behind count too, in their order: an undo may leave somebody nothing else. */
function ownersBy(owned: readonly Owned[]): Map<string, number> {
  const left = new Map<string, number>();
  return new Map(
    owned.map((identity) => {
      const key = identifierKey(identity);
      if (identity.retiredMs === null) return [key, identity.personId];
      left.set(key, (left.get(key) ?? 0) + 1);
      return [`${key} once ${left.get(key)}`, identity.personId];
    }),
  );
}

function ownersIn(world: World): Map<string, number> {
  return ownersBy([...world.rows.identities.values()].toSorted((a, b) => a.identityId - b.identityId));
}

function ownersOf(database: Database): Map<string, number> {
  return ownersBy(
    database
      .query<Owned, []>(
        `select kind, value, person_id as personId, retired_at as retiredMs from identity i where ${IS_TOLD}
         order by identity_id`,
      )
      .all(),
  );
}

function differencesOf(
  world: World,
  worldId: number | undefined,
  row: PersonRow,
  atMs: number,
  isClockSteady: boolean,
): string[] {
  const person = world.rows.people.get(worldId ?? 0);
  const score = world.rows.scores.get(worldId ?? 0);
  if (person === undefined || score === undefined) return ["somebody is stored whom no identifier names"];
  if (row.sums === null) return ["somebody is stored without a score"];
  const wrongs: string[] = [];
  const difference = scoreDifference(unpackSums(row.sums), score.sums, world, atMs);
  if (!(difference < TOLERANCE)) wrongs.push(`a score is off by ${difference}`);
  const said = [JSON.parse(row.traits), JSON.parse(row.verified_traits), row.first_seen_at, row.last_seen_at];
  const expected = [person.traits, person.verifiedTraits, score.firstSeenMs, score.lastSeenMs];
  if (!Bun.deepEquals(said, expected))
    wrongs.push(`of person ${row.person_id} ${JSON.stringify(said)} is stored, not ${JSON.stringify(expected)}`);
  const isSameLevel = Bun.deepEquals(unpackThresholds(row.thresholds ?? "{}"), score.thresholds);
  if (isClockSteady && !isSameLevel) wrongs.push("thresholds differ");
  return wrongs;
}

function scoreDifference(stored: Sums, expected: Sums, { rules }: World, atMs: number): number {
  const [a, b] = [evaluate(stored, rules, atMs), evaluate(expected, rules, atMs)];
  const counts = (sums: Sums) => Object.fromEntries(Object.entries(sums).map(([rule, sum]) => [rule, sum?.count]));
  if (!Bun.deepEquals(counts(stored), counts(expected))) return Number.POSITIVE_INFINITY;
  const raws = a.contributions.map(({ raw }, index) => Math.abs(raw - (b.contributions[index]?.raw ?? Number.NaN)));
  return Math.max(Math.abs(a.score - b.score), ...raws);
}

/** Each crossing once, by whom it belongs to now. */
function compareSignals(world: World, database: Database): string[] {
  const liveOf = (personId: number): number => {
    const into = world.rows.people.get(personId)?.mergedInto ?? null;
    return into === null ? personId : liveOf(into);
  };
  const nameOf = (threshold: string, epoch: number, account: string | null, keys: string[]): string =>
    `${threshold} ${epoch} ${account ?? keys.sort().join(" ")}`;
  const keysOf = new Map<number, string[]>();
  for (const [key, personId] of ownersIn(world)) keysOf.set(personId, [...(keysOf.get(personId) ?? []), key]);
  const domains = new Map([...world.rows.accounts.values()].map(({ accountId, domain }) => [accountId, domain]));
  const expected = world.rows.signals.map(({ personId, threshold, epoch, account }) =>
    nameOf(
      threshold.name,
      epoch,
      account === null ? null : (domains.get(account.accountId) ?? "?"),
      keysOf.get(liveOf(personId)) ?? [],
    ),
  );
  const storedKeys = new Map<number, string[]>();
  for (const [key, personId] of ownersOf(database))
    storedKeys.set(personId, [...(storedKeys.get(personId) ?? []), key]);
  const intoOf = new Map(
    database
      .query<[number, number | null], []>("select person_id, merged_into from person")
      .values()
      .map(([personId, into]) => [personId as number, into as number | null]),
  );
  const storedLive = (personId: number): number => {
    const into = intoOf.get(personId) ?? null;
    return into === null ? personId : storedLive(into);
  };
  const stored = database
    .query<{ person_id: number; threshold: string; epoch: number; domain: string | null }, []>(
      "select s.person_id, s.threshold, s.epoch, a.domain from signal s left join account a on a.account_id = s.account_id",
    )
    .all()
    .map(({ person_id, threshold, epoch, domain }) =>
      nameOf(threshold, epoch, domain, storedKeys.get(storedLive(person_id)) ?? []),
    );
  return Bun.deepEquals(stored.sort(), expected.sort())
    ? []
    : [`${stored.length} signals are not the ${expected.length} there should be`];
}
