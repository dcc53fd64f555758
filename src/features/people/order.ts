import { z } from "zod";
import type { Rules, Threshold } from "../../core/compile.ts";
import { AppError } from "../../core/error.ts";
import { scoreOf } from "../../core/score.ts";
import { COLD } from "../../core/threshold.ts";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import {
  ABOVE_ALL,
  BELOW_ALL,
  positionBelow,
  RANK_VALID_MS,
  type RankPosition,
  type RankStore,
  reachOf,
} from "../../store/sqlite/ranks.ts";

/**
 * Rows that one request looks at. Where it needs more to be sure of the order, the walk goes on in stretches of so many
 * rows: exact within each, and still everybody once.
 */
const SCAN_MAX = 20_000;
/** Rows looked at before events get their turn again. */
const SLICE_ROWS = 250;

export type Band = { low: number; high: number };
type Place = { personId: number; score: number };

const number = z.number().min(-1).max(Number.MAX_SAFE_INTEGER);
const positionSchema = z.tuple([number, number]);
/** As of when, the last place given out (none at the start of a stretch), and the stretch: from below here, to there. */
const cursorSchema = z.tuple([z.int().min(0), z.tuple([number, number]).nullable(), positionSchema, positionSchema]);

type Cursor = { asOfMs: number; after: Place | null; from: RankPosition; until: RankPosition };

/** The scores of a level: from its threshold up to below the next one. */
export function bandOf(level: string | undefined, thresholds: readonly Threshold[]): Band {
  if (level === undefined) return { low: 0, high: Number.POSITIVE_INFINITY };
  const levels = [{ name: COLD, score: 0 }, ...thresholds];
  const index = levels.findIndex(({ name }) => name === level);
  const found = levels[index];
  if (found === undefined) {
    throw new AppError("invalid", `must be one of ${levels.map(({ name }) => name).join(", ")}`, "level");
  }
  return { low: found.score, high: levels[index + 1]?.score ?? Number.POSITIVE_INFINITY };
}

export function readCursor(text: string | undefined, nowMs: number): Cursor | null {
  const decoded = decodeCursor(cursorSchema, text);
  if (decoded === null) return null;
  const [asOfMs, after, from, until] = decoded;
  // The stored order is good for that long only.
  if (Math.abs(nowMs - asOfMs) > RANK_VALID_MS) {
    throw new AppError("invalid", "is older than an hour; leave it out to begin with the first page", "cursor");
  }
  return {
    asOfMs,
    after: after === null ? null : { score: after[0], personId: after[1] },
    from: { rank: from[0], personId: from[1] },
    until: { rank: until[0], personId: until[1] },
  };
}

function writeCursor({ asOfMs, after, from, until }: Cursor): string {
  const place = after === null ? null : [after.score, after.personId];
  return encodeCursor([asOfMs, place, [from.rank, from.personId], [until.rank, until.personId]]);
}

export type Walk = {
  ranks: RankStore;
  rules: Rules;
  band: Band;
  limit: number;
  cursor: Cursor | null;
  asOfMs: number;
};

/** Goes down the stored order only until nobody further down can reach the scores already found. */
export async function walkPage(walk: Walk): Promise<{ personIds: number[]; nextCursor: string | null }> {
  const { asOfMs, limit, cursor } = walk;
  const { from, until } = cursor ?? { from: ABOVE_ALL, until: BELOW_ALL };
  const bandEnd = positionBelow(walk.band.low);
  const { best, end } = await search(walk, from, isBelow(bandEnd, until) ? until : bandEnd);
  const page = best.slice(0, limit);
  const last = page.at(-1);
  if (best.length > limit && last !== undefined) {
    const nextCursor = writeCursor({ asOfMs, after: last, from, until: end ?? until });
    return { personIds: page.map(({ personId }) => personId), nextCursor };
  }
  const next = end ?? (isBelow(bandEnd, until) ? until : null);
  return {
    personIds: page.map(({ personId }) => personId),
    nextCursor: next === null ? null : writeCursor({ asOfMs, after: null, from: next, until: BELOW_ALL }),
  };
}

/** The best of a stretch, one more than the page holds; `end` is where the stretch had to be cut. */
async function search(
  { ranks, rules, band, limit, cursor, asOfMs }: Walk,
  from: RankPosition,
  until: RankPosition,
): Promise<{ best: Place[]; end: RankPosition | null }> {
  const after = cursor?.after ?? null;
  let best: Place[] = [];
  let position = from;
  for (let scanned = 0; scanned < SCAN_MAX; scanned += SLICE_ROWS) {
    const rows = ranks.walk(position, until, SLICE_ROWS);
    for (const { personId, sums } of rows) {
      const place = { personId, score: scoreOf(sums, rules, asOfMs) };
      const isWanted = place.score >= band.low && place.score < band.high && (after === null || isWorse(place, after));
      if (isWanted) best.push(place);
    }
    best = best.sort((a, b) => (isWorse(a, b) ? 1 : -1)).slice(0, limit + 1);
    const lastRow = rows.at(-1);
    if (rows.length < SLICE_ROWS || lastRow === undefined) return { best, end: null };
    position = { rank: lastRow.rank, personId: lastRow.personId };
    const surplus = best[limit];
    const bestOfRest = { score: reachOf(position), personId: position.personId };
    if (surplus !== undefined && !isWorse(surplus, bestOfRest)) return { best, end: null };
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { best, end: position };
}

/** Equal scores: new people first, like the stored order. */
function isWorse(a: Place, b: Place): boolean {
  return a.score < b.score || (a.score === b.score && a.personId < b.personId);
}

function isBelow(a: RankPosition, b: RankPosition): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.personId < b.personId);
}
