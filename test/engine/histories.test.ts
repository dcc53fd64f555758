import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { identifierKey } from "../../src/core/identifier.ts";
import { arrive, batchesOf, doings, END_MS, gathered, tracked } from "../core/histories.ts";
import { everyKindOfRule } from "../core/scoring.ts";
import { comparePeople, differenceOf } from "../support/reference.ts";
import { type EngineHouse, openEngine } from "./house.ts";
import { contradictions, cuts, longLives, renumbered, submitAll } from "./long-lives.ts";

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

/** Events of three visitors, who say the same e-mail in the middle of them. */
const gatherings = fc
  .tuple(doings(3, 25), doings(3, 25), doings(3, 25), fc.array(fc.nat(1_000), { minLength: 3, maxLength: 3 }))
  .map(([first, second, third, ranks]) =>
    renumbered([arrive(tracked(first)), arrive([...tracked(second), ...gathered(ranks)]), arrive(tracked(third))]),
  );

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
