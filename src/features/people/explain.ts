import type { Rules } from "../../core/compile.ts";
import { DAY_MS } from "../../core/duration.ts";
import { AppError } from "../../core/error.ts";
import { formatId } from "../../core/id.ts";
import { evaluate } from "../../core/score.ts";
import type { GroupPoints } from "../../core/signal.ts";
import { levelOf } from "../../core/threshold.ts";
import type { EventReader } from "../../store/sqlite/events.ts";
import { createPastReader, sweptBefore } from "../../store/sqlite/past.ts";
import type { PeopleReader } from "../../store/sqlite/people.ts";

/** Further on, ISO 8601 has no four digits for the year. */
const TIME_MAX_MS = Date.UTC(9999, 11, 31);

export type ExplainAnswer = {
  person_id: string;
  at: string;
  score: number;
  level: string;
  config_hash: string;
  /** In a look into the past: what happened before is swept, and not in it. */
  events_since?: string;
  groups: GroupPoints[];
  contributions: {
    rule: string;
    group: string;
    count: number;
    raw: number;
    points: number;
    half_life_days: number | null;
    last_event_at: string;
  }[];
};

export type ExplainDeps = { people: PeopleReader; events: EventReader };

/** Every point of a score: from the stored sums, or, before the newest event they hold, from the events themselves. */
export function explainPerson(
  personId: number,
  askedMs: number | null,
  nowMs: number,
  { people, events }: ExplainDeps,
  rules: Rules,
): ExplainAnswer {
  const atMs = askedMs ?? nowMs;
  if (atMs > TIME_MAX_MS) throw new AppError("invalid", "must lie before the year 9999 ends", "at");
  const { sums, firstSeenMs } = people.personOf(personId).score;
  const newestMs = Math.max(0, ...Object.values(sums).flatMap((sum) => [sum.atMs, sum.lastEventMs]));
  // A clock set back makes stored events lie ahead; the present is what the sums say nevertheless.
  const isPast = atMs < nowMs && atMs < newestMs;
  const past = isPast ? createPastReader({ people, events })(personId, atMs, rules) : null;
  const eventsSince = past === null ? null : sweptBefore(firstSeenMs, events);
  const evaluation = evaluate(past?.sums ?? sums, rules, atMs);
  return {
    person_id: formatId("person", personId),
    at: new Date(atMs).toISOString(),
    score: evaluation.score,
    level: levelOf(evaluation.score, rules.thresholds),
    config_hash: rules.hash,
    ...(eventsSince === null ? {} : { events_since: eventsSince }),
    groups: evaluation.groups,
    contributions: evaluation.contributions.map(({ rule, sum, raw, points }) => ({
      rule: rule.name,
      group: rule.group,
      count: sum.count,
      raw,
      points,
      half_life_days: rule.halfLifeMs === null ? null : rule.halfLifeMs / DAY_MS,
      last_event_at: new Date(sum.lastEventMs).toISOString(),
    })),
  };
}
