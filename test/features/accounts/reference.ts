import { formatId } from "../../../src/core/id.ts";
import type { TestInstance } from "../../support/instance.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
const WEEK_MS = 7 * DAY_MS;

/**
 * An account by its words, from nothing but the events and identifiers that are stored, and without a line of what it is
 * held against: two groups of at most a hundred points, ten points for each event, half of them gone after a week; people
 * warm at 20, accounts warm at 30 and hot at 70. Null where nobody has an address there.
 */
export function accountByHand(instance: TestInstance, domain: string) {
  const nowMs = instance.clock.nowMs;
  const members = instance.rows<{ person_id: number }>(
    "select distinct person_id from identity where kind = 'email' and value like ? and retired_at is null",
    `%@${domain}`,
  );
  const people = members.map(({ person_id: id }) => {
    const done = instance
      .rows<{ name: string; occurred_at: number; bot: string | null }>(
        "select name, occurred_at, bot from event join identity using (identity_id) where person_id = ?",
        id,
      )
      .filter(({ bot }) => bot === null);
    const pointsOf = (name: string) => {
      const points = done
        .filter((event) => event.name === name)
        .map((event) => 10 * 2 ** ((event.occurred_at - nowMs) / WEEK_MS));
      return Math.min(100, total(points));
    };
    const groups = [pointsOf("step"), pointsOf("look")];
    return {
      id,
      groups,
      score: Math.min(100, total(groups)),
      isActive: done.some(({ occurred_at }) => occurred_at >= nowMs - 14 * DAY_MS),
      doneMs: done.filter(({ name }) => name !== "identify").map(({ occurred_at }) => occurred_at),
    };
  });
  if (people.length === 0) return null;
  const top = people
    .filter(({ isActive }) => isActive)
    .sort((a, b) => (Math.abs(a.score - b.score) < 1e-9 ? a.id - b.id : b.score - a.score))
    .map((person, place) => ({ ...person, share: place === 0 ? 1 : person.score < 20 ? 0 : 0.5 ** (place + 1) }));
  const counting = top.filter(({ share }) => share > 0);
  const shared = [0, 1].filter((group) => counting.filter(({ groups }) => (groups[group] ?? 0) > 0).length >= 2);
  const score = Math.min(100, Math.min(100, total(top.map((one) => one.score * one.share))) + 2 * shared.length);
  const weeks = [0, 1, 2, 3].map((week) => {
    const untilMs = nowMs - week * WEEK_MS;
    return total(people.map(({ doneMs }) => doneMs.filter((at) => at > untilMs - WEEK_MS && at <= untilMs).length));
  });
  const weeklyBefore = total(weeks.slice(1)) / 3;
  return {
    score,
    level: score >= 70 ? "hot" : score >= 30 ? "warm" : "cold",
    active_people_14d: top.length,
    momentum: {
      events_7d: weeks[0] ?? 0,
      weekly_before: weeklyBefore,
      ratio: ((weeks[0] ?? 0) + 1) / (weeklyBefore + 1),
    },
    people: top.map(({ id, score: points, share }) => ({ person_id: formatId("person", id), score: points, share })),
  };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
