import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { Command } from "../../src/core/decide.ts";
import { AppError } from "../../src/core/error.ts";
import { identifierKey } from "../../src/core/identifier.ts";
import { arrive, batchesOf, doings, END_MS, type EventCommand, gathered, lives, tracked } from "../core/histories.ts";
import { everyKindOfRule } from "../core/scoring.ts";
import { comparePeople, differenceOf } from "../support/reference.ts";
import { type EngineHouse, openEngine } from "./house.ts";

/** What fails is made smaller before it is told, and that takes a while. */
setDefaultTimeout(120_000);

/** Every run writes files; the core's own properties do thousands in memory. */
const RUNS = 25;
const TOLERANCE = 1e-9;
/** A failure on one machine is the same failure on every other. */
const SEED = 20_240_229;

async function holds<Values>(property: fc.IAsyncProperty<Values>, numRuns: number): Promise<void> {
  await fc.assert(property, { seed: SEED, numRuns, includeErrorInReport: true });
}

/** Several histories one after the other, as if they were one: long enough that sessions are shared before they merge. */
function renumbered(histories: readonly (readonly EventCommand[])[]): EventCommand[] {
  return histories
    .flat()
    .map((command, index): EventCommand => ({ ...command, event: { ...command.event, eventId: `event ${index}` } }));
}

/** Events of three visitors, who say the same e-mail in the middle of them. */
const gatherings = fc
  .tuple(doings(3, 25), doings(3, 25), doings(3, 25), fc.array(fc.nat(1_000), { minLength: 3, maxLength: 3 }))
  .map(([first, second, third, ranks]) =>
    renumbered([arrive(tracked(first)), arrive([...tracked(second), ...gathered(ranks)]), arrive(tracked(third))]),
  );
const longLives = fc.tuple(lives(25), lives(25), lives(25), lives(25), lives(25)).map(renumbered);
const cuts = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 10 });

async function submitAll(house: EngineHouse, batches: readonly (readonly Command[])[]): Promise<void> {
  for (const batch of batches) {
    const outcomes = await house.submit(batch);
    expect(outcomes.filter((outcome) => outcome instanceof AppError)).toEqual([]);
  }
  expect(house.faults).toEqual([]);
}

type Standing = { identities: string[]; difference: number; score: number; signals: string[] };

/** Each living person by its identifiers, since ids differ from file to file. */
function standings(house: EngineHouse): Standing[] {
  const identities = house.database.query<{ kind: "email"; value: string }, [number]>(
    "select kind, value from identity where person_id = ? and retired_at is null",
  );
  const signals = house.database.query<{ told: string }, [number]>(
    `select threshold || ' ' || epoch as told from signal s join person p on p.person_id = s.person_id
     where ?1 in (p.person_id, p.merged_into) order by told`,
  );
  return comparePeople(house.database, house.rules, END_MS)
    .map((compared) => ({
      identities: identities.all(compared.personId).map(identifierKey).sort(),
      difference: differenceOf(compared),
      score: compared.stored.score,
      signals: signals.all(compared.personId).map(({ told }) => told),
    }))
    .sort((a, b) => (String(a.identities) < String(b.identities) ? -1 : 1));
}

function expectSame(a: readonly Standing[], b: readonly Standing[]): void {
  expect(a.map(({ identities, signals }) => ({ identities, signals }))).toEqual(
    b.map(({ identities, signals }) => ({ identities, signals })),
  );
  a.forEach(({ score }, index) => {
    expect(Math.abs(score - (b[index]?.score ?? Number.NaN))).toBeLessThan(TOLERANCE);
  });
}

test("a batch equals its commands one by one", async () => {
  await holds(
    fc.asyncProperty(gatherings, cuts, async (commands, lengths) => {
      using together = openEngine(everyKindOfRule);
      using apart = openEngine(everyKindOfRule);
      await submitAll(together, batchesOf(commands, lengths));
      await submitAll(
        apart,
        commands.map((command) => [command]),
      );
      expectSame(standings(together), standings(apart));
    }),
    RUNS,
  );
});

test("a restart in the middle changes nothing", async () => {
  await holds(
    fc.asyncProperty(gatherings, cuts, async (commands, lengths) => {
      using through = openEngine(everyKindOfRule);
      using restarted = openEngine(everyKindOfRule);
      const batches = batchesOf(commands, lengths);
      await submitAll(through, batches);
      for (const batch of batches) {
        await submitAll(restarted, [batch]);
        restarted.restart();
      }
      expectSame(standings(restarted), standings(through));
    }),
    RUNS,
  );
});

test("whatever happened, the stored sums are what the stored events come to", async () => {
  await holds(
    fc.asyncProperty(longLives, cuts, async (commands, lengths) => {
      using house = openEngine(everyKindOfRule);
      await submitAll(house, batchesOf(commands, lengths));
      for (const { difference } of standings(house)) expect(difference).toBeLessThan(TOLERANCE);
    }),
    RUNS,
  );
});

/** Each returns the rows that contradict another table. */
const contradictions: { readonly [what: string]: string } = {
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
        max(e.occurred_at) as last from event e join identity i on i.identity_id = e.identity_id group by 1) e
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

test("whatever happened, no table contradicts another", async () => {
  await holds(
    fc.asyncProperty(longLives, cuts, async (commands, lengths) => {
      using house = openEngine(everyKindOfRule);
      await submitAll(house, batchesOf(commands, lengths));
      for (const [what, sql] of Object.entries(contradictions)) {
        expect({ what, rows: house.database.query(sql).all() }).toEqual({ what, rows: [] });
      }
    }),
    RUNS,
  );
});
