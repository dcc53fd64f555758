import { touchOf } from "./attribution.ts";
import type { Rules } from "./compile.ts";
import { type CountedTimes, countEvent } from "./count.ts";
import { sessionKeyOf } from "./event.ts";
import type { Sums } from "./score.ts";
import type { StoredEvent } from "./state.ts";

/** What one visitor's session counts under the rules of today. */
export type RescoredSession = { identityId: number; sessionKey: string; counted: CountedTimes };

/**
 * A person's sums and sessions as the loop would have left them, had these rules always been in force: the events of all
 * the person's identities, in any order, go through the same counting once more.
 */
export function createRescoring(rules: Rules): {
  add(events: readonly StoredEvent[]): void;
  result(): { sums: Sums; sessions: RescoredSession[] };
} {
  let sums: Sums = {};
  const sessions = new Map<string, RescoredSession[]>();
  const addOne = (event: StoredEvent): void => {
    const sessionKey = sessionKeyOf(event);
    const rows = sessions.get(sessionKey) ?? [];
    const own = rows.find(({ identityId }) => identityId === event.identityId);
    const others = rows.filter((row) => row !== own).map(({ counted }) => counted);
    let counted: CountedTimes = own?.counted ?? {};
    const matching = event.bot === null ? rules.matching(event, touchOf(event)) : [];
    for (const rule of matching) ({ sums, counted } = countEvent(rule, sums, counted, others, event.occurredMs));
    const next = { identityId: event.identityId, sessionKey, counted };
    sessions.set(sessionKey, [...rows.filter((row) => row !== own), next]);
  };
  return {
    add: (events) => events.forEach(addOne),
    result: () => ({ sums, sessions: [...sessions.values()].flat() }),
  };
}
