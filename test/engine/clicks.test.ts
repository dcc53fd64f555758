import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { DAY_MS } from "../../src/core/duration.ts";
import { batchesOf, END_MS, type EventCommand, lives, START_MS, visitor } from "../core/histories.ts";
import { everyKindOfRule } from "../core/scoring.ts";
import { click } from "../core/world.ts";
import { comparePeople, differenceOf } from "../support/reference.ts";
import { type EngineHouse, openEngine } from "./house.ts";
import { contradictions, cuts, renumbered, submitAll } from "./long-lives.ts";

setDefaultTimeout(120_000);

const RUNS = 20;
const TOLERANCE = 1e-9;
const SEED = 20_240_229;
const scoring = {
  ...everyKindOfRule,
  rules: [
    ...everyKindOfRule.rules,
    { name: "click", group: "intent", event: "campaign_click", points: 4, per_session: 1 },
  ],
};
const LEADS = { ann: "a@acme.example", bob: "bob@other.example", cyd: "c@gmail.com" };

/** An engine whose leads are in one campaign, each with a redirect that waits for evidence. */
function openCampaign(): EngineHouse {
  const house = openEngine(scoring);
  const { database } = house;
  database.run(`insert into campaign (campaign_id, slug, name, base_url, landing, utm, created_at)
    values (1, 'spring', 'Spring', 'https://acme.example', '/demo', '{}', 0)`);
  for (const [linkId, email] of Object.entries(LEADS)) {
    database.run("insert into lead (link_id, email, traits, created_at) values (?, ?, '{}', 0)", [linkId, email]);
    database.run("insert into campaign_lead (campaign_id, link_id, columns, created_at) values (1, ?, '[]', 0)", [
      linkId,
    ]);
    database.run(
      `insert into campaign_click (campaign_id, link_id, clicked_at, via, verdict)
       values (1, ?, ?, 'redirect', 'pending')`,
      [linkId, START_MS],
    );
  }
  return house;
}

/** Lives on a site, some of whose visitors come by links. */
const clicking = fc
  .tuple(
    lives(30),
    lives(30),
    fc.array(
      fc.record({ at: fc.nat(60), link: fc.constantFrom("ann", "bob", "cyd", "zed"), who: fc.nat(3), day: fc.nat(20) }),
      { minLength: 1, maxLength: 12 },
    ),
  )
  .map(([first, second, clicks]) => {
    const mixed: EventCommand[] = [...first, ...second];
    for (const { at, link, who, day } of clicks) {
      const shown = { eventId: "", occurredMs: START_MS + day * DAY_MS, sessionId: "one" };
      mixed.splice(at, 0, click(link, visitor(who), shown));
    }
    return renumbered([mixed]);
  });

test("whatever links are followed, sums come of the events, and no table contradicts another", async () => {
  await fc.assert(
    fc.asyncProperty(clicking, cuts, async (commands, lengths) => {
      using house = openCampaign();
      await submitAll(house, batchesOf(commands, lengths));
      for (const compared of comparePeople(house.database, house.rules, END_MS)) {
        expect(differenceOf(compared)).toBeLessThan(TOLERANCE);
      }
      for (const [what, sql] of Object.entries(contradictions)) {
        expect({ what, rows: house.database.query(sql).all() }).toEqual({ what, rows: [] });
      }
      // A human's click has somebody who gave the evidence; what nobody gave any for still waits.
      const rows = house.database
        .query<{ verdict: string; given: number }, []>(
          "select verdict, identity_id is not null as given from campaign_click",
        )
        .all();
      for (const { verdict, given } of rows) expect([verdict, given === 1]).toEqual([verdict, verdict === "human"]);
    }),
    { seed: SEED, numRuns: RUNS, includeErrorInReport: true },
  );
});
