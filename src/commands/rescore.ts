import type { Database } from "bun:sqlite";
import type { Command } from "../config/commands.ts";
import { compileRules, type Rules } from "../core/compile.ts";
import { createRescoring } from "../core/rescore.ts";
import { scoreAndBoundOf } from "../core/score.ts";
import { COMMAND_LINE, createAuditStore } from "../store/sqlite/audit.ts";
import { openAsItIs, openDatabase } from "../store/sqlite/database.ts";
import { createEventReader, type EventReader, NEWEST } from "../store/sqlite/events.ts";
import { createPeopleReader, type PeopleReader } from "../store/sqlite/people.ts";
import { createRescoreStore, type RescoredPerson } from "../store/sqlite/rescore.ts";
import { loadConfig } from "./serve.ts";

type RescoreOptions = Extract<Command, { name: "rescore" }>["options"];

const STEP_PEOPLE = 100;
const SLICE_EVENTS = 1_000;

/**
 * Brings everybody's past along after half-lives or conditions have changed, from the stored events. Offline: it takes
 * the folder's lock, so that no engine decides on sums that change under it. It emits no signals; what is crossed by
 * the new rules fires with the person's next event.
 */
export function runRescore({ data, config }: RescoreOptions, nowMs: number, write: (line: string) => void): number {
  const loaded = loadConfig(config);
  // Where nothing is, nothing is made: the folder's name may be misspelt.
  openAsItIs(data).close();
  const { database, close } = openDatabase(data, "full");
  try {
    const { people, left } = rescoreAll(database, compileRules(loaded.config, loaded.hash), nowMs);
    const detail = { people, left, config: loaded.hash };
    createAuditStore(database).record({
      occurredMs: nowMs,
      keyId: COMMAND_LINE,
      action: "rescore",
      subject: null,
      detail,
    });
    write(`${people} people are scored by ${config ?? "the built-in config"} (${loaded.hash}), their past included`);
    if (left > 0) write(`${left} are left as they were: some of their events are not kept any more (retain.events)`);
    return 0;
  } finally {
    close();
  }
}

/** In steps of its own transactions: a run that is cut off is done again from the start, and comes to the same. */
export function rescoreAll(database: Database, rules: Rules, nowMs: number): { people: number; left: number } {
  const store = createRescoreStore(database);
  const readers = { people: createPeopleReader(database), events: createEventReader(database) };
  const keptSinceMs = readers.events.keptSinceMs();
  // From what is left of somebody's events, less would follow than they have done.
  const isWhole = (personId: number): boolean =>
    keptSinceMs === 0 || readers.people.personOf(personId).score.firstSeenMs >= keptSinceMs;
  const count = { people: 0, left: 0 };
  let after = 0;
  while (true) {
    const personIds = store.peopleAfter(after, STEP_PEOPLE);
    const last = personIds.at(-1);
    if (last === undefined) {
      store.forgetMergedSums();
      return count;
    }
    const whole = personIds.filter(isWhole);
    store.write(whole.map((personId) => rescoreOne(personId, readers, rules, nowMs)));
    count.people += whole.length;
    count.left += personIds.length - whole.length;
    after = last;
  }
}

function rescoreOne(
  personId: number,
  { people, events }: { people: PeopleReader; events: EventReader },
  rules: Rules,
  nowMs: number,
): RescoredPerson {
  const identityIds = people.allIdentitiesOf(personId).map(({ identityId }) => identityId);
  const rescoring = createRescoring(rules);
  let before = NEWEST;
  while (true) {
    const slice = events.newestOf(identityIds, before, SLICE_EVENTS);
    rescoring.add(slice);
    const last = slice.at(-1);
    if (last === undefined || slice.length < SLICE_EVENTS) break;
    before = { occurredMs: last.occurredMs, eventSeq: last.eventSeq };
  }
  const { sums, sessions } = rescoring.result();
  const { score, bound } = scoreAndBoundOf(sums, rules, nowMs);
  return { personId, sums, sessions, score, scoreBound: bound, scoredMs: nowMs };
}
