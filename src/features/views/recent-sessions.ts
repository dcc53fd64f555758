import { z } from "zod";
import { DIRECT } from "../../core/channel.ts";
import { formatId } from "../../core/id.ts";
import { scoreOf } from "../../core/score.ts";
import { levelOf } from "../../core/threshold.ts";
import { decodeCursor, encodeCursor } from "../../http/query.ts";
import { SHOWN_IDENTITIES_MAX } from "../../store/sqlite/people.ts";
import { NEWEST_SESSION, type ReadSession } from "../../store/sqlite/sessions.ts";
import { KNOWN_COLUMNS, knownOf } from "./known.ts";
import { emailColumn, type View, type ViewContext, type ViewRow, type ViewSources } from "./view.ts";

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
    "channel",
    "source",
    "medium",
    "campaign",
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
  const touch = session.attribution?.first ?? null;
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
    channel: touch === null ? DIRECT : rules.channelOf(touch),
    source: touch?.source ?? null,
    medium: touch?.medium ?? null,
    campaign: touch?.campaign ?? null,
  };
}
