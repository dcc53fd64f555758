import { z } from "zod";
import type { Rules } from "../../core/compile.ts";
import { AppError } from "../../core/error.ts";
import { formatId } from "../../core/id.ts";
import { evaluate, scoreOf } from "../../core/score.ts";
import { reasonsOf } from "../../core/signal.ts";
import { type Identity, shownLastSeenMs } from "../../core/state.ts";
import { levelOf } from "../../core/threshold.ts";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import { SHOWN_IDENTITIES_MAX } from "../../store/sqlite/people.ts";
import { ABOVE_ALL, positionBelow } from "../../store/sqlite/ranks.ts";
import { isKnown, KNOWN_COLUMNS, knownOf } from "./known.ts";
import { emailColumn, type View, type ViewSources } from "./view.ts";

const SLICE_ROWS = 1_000;
const REASONS_SHOWN = 3;

type Place = { personId: number; score: number };

/** As of when, and the last place given out. */
const cursorSchema = z.tuple([z.int().min(0).max(8_640_000_000_000_000), z.number(), z.int().min(0)]);

export const highIntentLeads: View = {
  help: "who is known by e-mail, phone or user id and hot or above, the highest score first",
  columns: (_, { isHashed }) => [
    "person_id",
    emailColumn(isHashed),
    ...KNOWN_COLUMNS,
    "score",
    "level",
    "reasons",
    "channel",
    "source",
    "campaign",
    "lists",
    "first_seen_at",
    "last_seen_at",
  ],
  read: ({ limit, cursor, level, isHashed }, sources, { rules, nowMs }) => {
    const position = decodeCursor(cursorSchema, cursor);
    const asOfMs = position?.[0] ?? nowMs;
    const places = placesFrom(lowestOf(level, rules), sources, rules, asOfMs).filter(
      ({ score, personId }) =>
        position === null || score < position[1] || (score === position[1] && personId < position[2]),
    );
    const page: { place: Place; identities: Identity[] }[] = [];
    for (const place of places) {
      const identities = sources.people.liveIdentitiesOf(place.personId, SHOWN_IDENTITIES_MAX);
      if (isKnown(identities)) page.push({ place, identities });
      if (page.length > limit) break;
    }
    const shown = page.slice(0, limit);
    const last = shown.at(-1)?.place;
    return {
      rows: shown.map(({ place, identities }) => rowOf(place, identities, isHashed, sources, rules, asOfMs)),
      nextCursor: page.length > limit && last !== undefined ? encodeCursor([asOfMs, last.score, last.personId]) : null,
    };
  },
};

/** From which score on: the second level, unless a level is asked for. */
function lowestOf(level: string | undefined, { thresholds }: Rules): number {
  const asked = thresholds.find(({ name }) => name === level);
  if (level !== undefined && asked === undefined)
    throw new AppError("invalid", `must be one of ${thresholds.map(({ name }) => name).join(", ")}`, "level");
  return (asked ?? thresholds[1] ?? thresholds[0])?.score ?? 0;
}

/** Everybody who is that high, in order; the stored order says where to stop looking. */
function placesFrom(lowest: number, { ranks }: ViewSources, rules: Rules, asOfMs: number): Place[] {
  const places: Place[] = [];
  const until = positionBelow(lowest);
  let from = ABOVE_ALL;
  for (;;) {
    const rows = ranks.walk(from, until, SLICE_ROWS);
    for (const { personId, sums } of rows) {
      const score = scoreOf(sums, rules, asOfMs);
      if (score >= lowest) places.push({ personId, score });
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < SLICE_ROWS) break;
    from = { rank: last.rank, personId: last.personId };
  }
  return places.sort((a, b) => b.score - a.score || b.personId - a.personId);
}

function rowOf(
  { personId, score }: Place,
  identities: readonly Identity[],
  isHashed: boolean,
  { people, campaigns }: ViewSources,
  rules: Rules,
  asOfMs: number,
) {
  const person = people.personOf(personId);
  const { attribution, sums, firstSeenMs } = person.score;
  const first = attribution?.first ?? null;
  const links = identities.filter(({ kind }) => kind === "campaign_link");
  return {
    person_id: formatId("person", personId),
    ...knownOf(person, identities, isHashed),
    score,
    level: levelOf(score, rules.thresholds),
    reasons: reasonsOf(evaluate(sums, rules, asOfMs))
      .slice(0, REASONS_SHOWN)
      .map(({ rule }) => rule),
    channel: first === null ? null : rules.channelOf(first),
    source: first?.source ?? null,
    campaign: first?.campaign ?? null,
    lists: [...new Set(links.flatMap(({ value }) => campaigns.campaignsOf(value).map(({ slug }) => slug)))],
    first_seen_at: new Date(firstSeenMs).toISOString(),
    last_seen_at: new Date(shownLastSeenMs(person.score)).toISOString(),
  };
}
