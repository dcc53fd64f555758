import { z } from "zod";
import type { Touch } from "../../core/attribution.ts";
import { DIRECT } from "../../core/channel.ts";
import { formatId } from "../../core/id.ts";
import { scoreOf } from "../../core/score.ts";
import { levelOf } from "../../core/threshold.ts";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import { SHOWN_IDENTITIES_MAX } from "../../store/sqlite/people.ts";
import { NEWEST_SESSION, type ReadSession } from "../../store/sqlite/sessions.ts";
import { KNOWN_COLUMNS, knownOf } from "./known.ts";
import { emailColumn, type View, type ViewContext, type ViewRow, type ViewSources } from "./view.ts";

/** The first touch of a visit stands under the plain names. */
const TOUCHES = ["", "last_", "last_non_direct_"] as const;
const TOUCH_PARTS = ["channel", "source", "medium", "campaign"] as const;

const cursorSchema = z.tuple([z.int(), z.int().min(0), z.string().max(100)]);

export const recentSessions: View = {
  help: "the latest visits, with who it was where that is known",
  columns: (_, { isHashed }) => [
    "started_at",
    "ended_at",
    "person_id",
    emailColumn(isHashed),
    ...KNOWN_COLUMNS,
    "score",
    "level",
    "entry_url",
    "exit_url",
    "events",
    ...TOUCHES.flatMap((which) => TOUCH_PARTS.map((part) => which + part)),
  ],
  read: ({ limit, cursor, isHashed }, sources, context) => {
    const position = decodeCursor(cursorSchema, cursor);
    const before =
      position === null ? NEWEST_SESSION : { startedMs: position[0], identityId: position[1], sessionKey: position[2] };
    const found = sources.sessions.newest(before, limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      rows: page.map((session) => rowOf(session, isHashed, sources, context)),
      nextCursor:
        found.length > limit && last !== undefined
          ? encodeCursor([last.startedMs, last.identityId, last.sessionKey])
          : null,
    };
  },
};

function rowOf(
  session: ReadSession,
  isHashed: boolean,
  { people }: ViewSources,
  { rules, nowMs }: ViewContext,
): ViewRow {
  const person = people.personOf(session.personId);
  const identities = people.liveIdentitiesOf(session.personId, SHOWN_IDENTITIES_MAX);
  const score = scoreOf(person.score.sums, rules, nowMs);
  const { first = null, last = null, last_non_direct: named = null } = session.attribution ?? {};
  return {
    started_at: new Date(session.startedMs).toISOString(),
    ended_at: new Date(session.endedMs).toISOString(),
    person_id: formatId("person", session.personId),
    ...knownOf(person, identities, isHashed),
    score,
    level: levelOf(score, rules.thresholds),
    entry_url: session.entryUrl,
    exit_url: session.exitUrl,
    events: session.eventCount,
    ...touchColumns(TOUCHES[0], first, first === null ? DIRECT : rules.channelOf(first)),
    ...touchColumns(TOUCHES[1], last, last === null ? DIRECT : rules.channelOf(last)),
    ...touchColumns(TOUCHES[2], named, named === null ? null : rules.channelOf(named)),
  };
}

function touchColumns(which: string, touch: Touch | null, channel: string | null): ViewRow {
  const { source = null, medium = null, campaign = null } = touch ?? {};
  const parts = { channel, source, medium, campaign };
  return Object.fromEntries(TOUCH_PARTS.map((part) => [which + part, parts[part]]));
}
