import { expect } from "bun:test";
import fc from "fast-check";
import type { Command } from "../../src/core/decide.ts";
import { AppError } from "../../src/core/error.ts";
import { type EventCommand, lives } from "../core/histories.ts";
import type { EngineHouse } from "./house.ts";

/** Several histories one after the other, as if they were one: long enough that sessions are shared before they merge. */
export function renumbered(histories: readonly (readonly EventCommand[])[]): EventCommand[] {
  return histories
    .flat()
    .map((command, index): EventCommand => ({ ...command, event: { ...command.event, eventId: `event ${index}` } }));
}

export const longLives = fc.tuple(lives(25), lives(25), lives(25), lives(25), lives(25)).map(renumbered);
export const cuts = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 10 });

export async function submitAll(house: EngineHouse, batches: readonly (readonly Command[])[]): Promise<void> {
  for (const batch of batches) {
    const outcomes = await house.submit(batch);
    expect(outcomes.filter((outcome) => outcome instanceof AppError)).toEqual([]);
  }
  expect(house.faults).toEqual([]);
}

/** Each returns the rows that contradict another table. */
export const contradictions: { readonly [what: string]: string } = {
  "a person's sessions are not as many as counted": `
    select c.person_id from intent_score c where c.session_count <>
      (select count(*) from session s join identity i on i.identity_id = s.identity_id where i.person_id = c.person_id)`,
  "a session's events are not as many as counted": `
    select s.identity_id from session s where s.event_count <> (select count(*) from event e
      where e.identity_id = s.identity_id
        and coalesce(e.session_id, '~' || (e.occurred_at / 86400000)) = s.session_id)`,
  "a session does not span its events": `
    select s.identity_id from session s join (select identity_id,
        coalesce(session_id, '~' || (occurred_at / 86400000)) as key, min(occurred_at) as first, max(occurred_at) as last
      from event group by 1, 2) e on e.identity_id = s.identity_id and e.key = s.session_id
    where e.first <> s.started_at or e.last <> s.ended_at`,
  "a person was not seen when its events happened": `
    select c.person_id from intent_score c join (select i.person_id, min(e.occurred_at) as first,
        coalesce(max(e.occurred_at) filter (where e.bot is null), 0) as last from event e join identity i on i.identity_id = e.identity_id group by 1) e
      on e.person_id = c.person_id where e.first <> c.first_seen_at or e.last <> c.last_seen_at`,
  "a living person has no score, or an absorbed one has": `
    select p.person_id from person p left join intent_score c on c.person_id = p.person_id
    where (p.merged_into is null) <> (c.person_id is not null)`,
  "an identity belongs to somebody who was absorbed, or to nobody": `
    select i.identity_id from identity i left join person p on p.person_id = i.person_id
    where p.person_id is null or p.merged_into is not null`,
  "an event belongs to no identity": `
    select event_seq from event where identity_id not in (select identity_id from identity)`,
  "an absorbed person leads to one that does not live": `
    select p.person_id from person p join person s on s.person_id = p.merged_into
    where not exists (select 1 from merge m where m.absorbed_id = p.person_id)`,
  "a crossing is signalled twice": `
    select person_id from signal group by person_id, threshold, epoch having count(*) > 1`,
};
