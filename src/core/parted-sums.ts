import { touchOf } from "./attribution.ts";
import type { CompiledRule, Rules } from "./compile.ts";
import { earliest } from "./count.ts";
import { combineSums, type DecayedSum, type Sums, sumOfOne, withoutEvent, withoutSum } from "./score.ts";
import type { LoggedSide, SequencedEvent, Session } from "./state.ts";

type MutableSums = { [rule: string]: DecayedSum };

/** What one side of a merge has: what it brought into merges, what its visitors' sessions counted, what it did since. */
export type SideHistory = {
  /** Sides of logged merges that this side consists of, no identity in two of them. */
  logged: readonly LoggedSide[];
  sessions: readonly Session[];
  /** What its identities did after they were logged. */
  events: readonly SequencedEvent[];
};

/**
 * The sums of a visitor who did only what this side did. Rules without `per_session` are sums of single events, so what
 * was logged and what came since add up. Rules with it are told anew from the sessions, which keep for each visitor by
 * itself what it counted, since a session that both sides took part in is held to `per_session` for each of them now.
 */
export function sumsOfSide({ logged, sessions, events }: SideHistory, rules: Rules): Sums {
  const sums: MutableSums = {};
  const add = (name: string, sum: DecayedSum): void => {
    const known = sums[name];
    sums[name] = known === undefined ? sum : combineSums(rules.byName.get(name), known, sum);
  };
  const seen = (name: string, lastEventMs: number): void => {
    const known = sums[name];
    if (known !== undefined && known.lastEventMs < lastEventMs) sums[name] = { ...known, lastEventMs };
  };
  addCounted(sessions, rules, add);
  for (const side of logged) {
    for (const [name, sum] of Object.entries(side.score.sums)) {
      const rule = rules.byName.get(name);
      const isPerSession = rule?.per_session !== undefined;
      const added = isPerSession ? beyondSessions(rule, sum, side, sessions, rules) : sum;
      if (added !== null) add(name, added);
      seen(name, sum.lastEventMs);
    }
  }
  for (const { rule, occurredMs } of matchesOf(events, rules)) {
    if (rule.per_session === undefined) add(rule.name, sumOfOne(occurredMs));
    else seen(rule.name, occurredMs);
  }
  return sums;
}

/**
 * The survivor keeps what can be told to nobody: what came after the merge and whose events are past their retention, or
 * too many to go through. Nothing is left over while all events are there.
 */
export function withRemainder(rules: Rules, whole: Sums, own: Sums, parted: Sums): Sums {
  const sums: MutableSums = { ...own };
  for (const [name, all] of Object.entries(whole)) {
    const rule = rules.byName.get(name);
    const [mine, theirs] = [own[name], parted[name]];
    if (rule?.once === true || rule?.keep === "latest") {
      // The one event that was kept is the survivor's unless it is the other's.
      if (mine?.atMs !== all.atMs && theirs?.atMs !== all.atMs) sums[name] = all;
      continue;
    }
    if ((mine?.count ?? 0) + (theirs?.count ?? 0) >= all.count) continue;
    sums[name] = theirs === undefined ? all : withoutSum(rule, all, theirs);
  }
  return sums;
}

function addCounted(sessions: readonly Session[], rules: Rules, add: (name: string, sum: DecayedSum) => void): void {
  for (const rows of bySession(sessions).values()) {
    for (const name of new Set(rows.flatMap(({ counted }) => Object.keys(counted)))) {
      const perSession = rules.byName.get(name)?.per_session;
      if (perSession === undefined) continue;
      const times = rows.map(({ counted }) => counted[name] ?? []);
      for (const timeMs of earliest(times, perSession)) add(name, sumOfOne(timeMs));
    }
  }
}

/** What was logged of sessions that are no longer stored, or null when they all are. */
function beyondSessions(
  rule: CompiledRule,
  sum: DecayedSum,
  { identityIds, mergedMs }: LoggedSide,
  sessions: readonly Session[],
  rules: Rules,
): DecayedSum | null {
  const ids = new Set(identityIds);
  const own = sessions.filter(({ identityId }) => ids.has(identityId));
  // A clock that was set back leaves events ahead of the merge that knew them.
  const untilMs = Math.max(mergedMs, sum.atMs);
  let rest = sum;
  addCounted(own, rules, (name, { atMs }) => {
    if (name === rule.name && atMs <= untilMs) rest = withoutEvent(rule, rest, atMs);
  });
  return rest.count > 0 ? rest : null;
}

function* matchesOf(
  events: readonly SequencedEvent[],
  rules: Rules,
): Generator<{ rule: CompiledRule; occurredMs: number }> {
  for (const event of events) {
    if (event.bot !== null) continue;
    for (const rule of rules.matching(event, touchOf(event))) yield { rule, occurredMs: event.occurredMs };
  }
}

function bySession(sessions: readonly Session[]): Map<string, Session[]> {
  const found = new Map<string, Session[]>();
  for (const session of sessions) {
    const rows = found.get(session.sessionKey);
    if (rows === undefined) found.set(session.sessionKey, [session]);
    else rows.push(session);
  }
  return found;
}
