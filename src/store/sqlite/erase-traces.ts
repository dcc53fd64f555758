import type { Database } from "bun:sqlite";
import { formatId } from "../../core/id.ts";
import type { SignalData } from "../../core/signal.ts";
import { createOthers } from "./erase-others.ts";
import {
  type Erased,
  erasedOf,
  type Other,
  stripAccountSignal,
  stripSharedSignal,
  stripSnapshot,
  withoutTraits,
} from "./erase-strip.ts";
import { createMentions } from "./mentions.ts";
import { accountIdsOf, namesOf, type PersonScope, type ScopeReader, type StoredMerge } from "./person-scope.ts";

const STEP_ROWS = 500;

export const TRACES_SQL = {
  signalsOfAccount: "select signal_id as signalId, data from signal where account_id = ?",
  signalsBetween: `select signal_id as signalId, data from signal
    where person_id = ? and account_id is null and created_at >= ? and created_at <= ?`,
  updateSignal: "update signal set data = ?2 where signal_id = ?1",
  absorbed: `select traits, verified_traits as verifiedTraits, account_id as accountId from person
    where person_id = ? and merged_into is not null`,
  updateAbsorbed: "update person set traits = ?2, verified_traits = ?3, account_id = ?4 where person_id = ?1",
  updateSnapshot: "update merge set snapshot = ?2 where merge_id = ?1",
  reviews: `select review_id as id, person_ids as personIds, claims from merge_review
    where review_id > ? order by review_id limit ?`,
  dropReview: "delete from merge_review where review_id = ?",
  rejected: `select rejected_seq as id, body from rejected_event
    where rejected_seq > ? order by rejected_seq limit ?`,
  dropRejected: "delete from rejected_event where rejected_seq = ?",
} as const;

export type Stripped = {
  /** Signals of others that named the person, and what was sent of them must go. */
  signalIds: number[];
  merges: number;
  reviews: number;
  rejected: number;
};

type SignalRow = { signalId: number; data: string };
type AbsorbedRow = { traits: string; verifiedTraits: string; accountId: number | null };

/** What tells of a person in rows that belong to others: it is taken out of them, or they go where nothing else is in them. */
export function createTraceEraser(
  database: Database,
  scopes: ScopeReader,
  eraseRows: (scope: PersonScope) => Pick<Stripped, "reviews" | "rejected">,
): (scope: PersonScope) => Stripped {
  const selectOfAccount = database.query<SignalRow, [number]>(TRACES_SQL.signalsOfAccount);
  const selectBetween = database.query<SignalRow, [number, number, number]>(TRACES_SQL.signalsBetween);
  const updateSignal = database.query(TRACES_SQL.updateSignal);
  const updateSnapshot = database.query(TRACES_SQL.updateSnapshot);
  const selectAbsorbed = database.query<AbsorbedRow, [number]>(TRACES_SQL.absorbed);
  const updateAbsorbed = database.query(TRACES_SQL.updateAbsorbed);
  const othersOf = createOthers(database, scopes);

  /** Whoever was absorbed keeps a row that says what they were then, which an undo of another merge leaves alone. */
  const stripAbsorbed = (personId: number, erased: Erased, { accountIds }: Other): void => {
    const row = selectAbsorbed.get(personId);
    if (row === null) return;
    const [traits, verified] = [row.traits, row.verifiedTraits].map((text) =>
      JSON.stringify(withoutTraits(JSON.parse(text), erased)),
    );
    const accountId = row.accountId !== null && accountIds.has(row.accountId) ? row.accountId : null;
    updateAbsorbed.run(personId, traits ?? "{}", verified ?? "{}", accountId);
  };

  const stripSignals = (rows: readonly SignalRow[], strip: (data: SignalData) => SignalData | null): number[] =>
    rows.flatMap(({ signalId, data }) => {
      const stripped = strip(JSON.parse(data));
      if (stripped === null) return [];
      updateSignal.run(signalId, JSON.stringify(stripped));
      return [signalId];
    });

  return (scope) => {
    const erased = erasedOf(scope);
    const others = othersOf(scope);
    const signalIds = scope.accountIds.flatMap((accountId) => {
      const isOfOthers = others.touchesOfAccount(accountId);
      return stripSignals(selectOfAccount.all(accountId), (data) => stripAccountSignal(data, erased, isOfOthers));
    });
    let merges = 0;
    for (const { otherId, fromMs, untilMs } of sharedTimes(scope, scopes)) {
      const other = others.living(otherId);
      stripAbsorbed(otherId, erased, other);
      signalIds.push(
        ...stripSignals(selectBetween.all(otherId, fromMs, untilMs), (data) => stripSharedSignal(data, erased, other)),
      );
      const isShared = ({ person, created_at }: SignalData): boolean =>
        person.person_id === formatId("person", otherId) && isWithin(Date.parse(created_at), fromMs, untilMs);
      const within = [...scopes.mergesAsSurvivor(otherId), ...scopes.mergesAsAbsorbed(otherId)].filter(({ mergedMs }) =>
        isWithin(mergedMs, fromMs, untilMs),
      );
      for (const accountId of new Set([...scope.accountIds, ...within.flatMap(accountIdsOf)])) {
        const stripped = stripSignals(selectOfAccount.all(accountId), (data) =>
          isShared(data) ? stripSharedSignal(data, erased, other) : null,
        );
        signalIds.push(...stripped);
      }
      for (const { mergeId, snapshot } of within) {
        updateSnapshot.run(mergeId, stripSnapshot(snapshot, erased, other));
        merges += 1;
      }
    }
    return { signalIds: [...new Set(signalIds)], merges, ...eraseRows(scope) };
  };
}

function isWithin(timeMs: number, fromMs: number, untilMs: number): boolean {
  return timeMs >= fromMs && timeMs <= untilMs;
}

/** Reviews and refused events have no column to be found by: they are few, and read through. */
export function createRowEraser(database: Database): (scope: PersonScope) => Pick<Stripped, "reviews" | "rejected"> {
  const selectReviews = database.query<{ id: number; personIds: string; claims: string | null }, [number, number]>(
    TRACES_SQL.reviews,
  );
  const selectRejected = database.query<{ id: number; body: string }, [number, number]>(TRACES_SQL.rejected);
  const dropReview = database.query(TRACES_SQL.dropReview);
  const dropRejected = database.query(TRACES_SQL.dropRejected);
  return (scope) => {
    const personIds = new Set(scope.people.map(({ personId }) => personId));
    const mentions = createMentions(namesOf(scope));
    let reviews = 0;
    for (const { id, personIds: named, claims } of inSteps(selectReviews.all.bind(selectReviews))) {
      const isNamed = (JSON.parse(named) as number[]).some((personId) => personIds.has(personId));
      if (isNamed || (claims !== null && mentions(claims))) reviews += dropReview.run(id).changes;
    }
    let rejected = 0;
    for (const { id, body } of inSteps(selectRejected.all.bind(selectRejected))) {
      if (mentions(body)) rejected += dropRejected.run(id).changes;
    }
    return { reviews, rejected };
  };
}

export function* inSteps<Row extends { id: number }>(
  select: (afterId: number, limit: number) => Row[],
): Generator<Row> {
  let afterId = 0;
  while (true) {
    const rows = select(afterId, STEP_ROWS);
    yield* rows;
    afterId = rows.at(-1)?.id ?? afterId;
    if (rows.length < STEP_ROWS) return;
  }
}

/**
 * When a person was part of another and parted again, what was told and merged of the other meanwhile was of both. The
 * other may have been absorbed by a third one in that time.
 */
function sharedTimes(
  { people, merges }: PersonScope,
  scopes: ScopeReader,
): { otherId: number; fromMs: number; untilMs: number }[] {
  const own = new Set(people.map(({ personId }) => personId));
  const isParting = ({ absorbedId, undoneMs }: StoredMerge): boolean => undoneMs !== null && own.has(absorbedId);
  return merges.filter(isParting).flatMap(({ survivorId, mergedMs, undoneMs }) => {
    const untilMs = undoneMs ?? mergedMs;
    const others = new Set([survivorId]);
    for (const otherId of others) {
      for (const above of scopes.mergesAsAbsorbed(otherId)) {
        if (above.mergedMs <= untilMs) others.add(above.survivorId);
      }
    }
    return [...others]
      .filter((otherId) => !own.has(otherId))
      .map((otherId) => ({ otherId, fromMs: mergedMs, untilMs }));
  });
}
