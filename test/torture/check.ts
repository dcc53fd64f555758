import { Database } from "bun:sqlite";
import { join } from "node:path";
import { formatId } from "../../src/core/id.ts";
import type { Chamber } from "./chamber.ts";
import { lostRulings } from "./rulings.ts";

/** What must hold whatever was stored: each of them finds rows that lack their other half. */
const HALVES: readonly (readonly [what: string, sql: string])[] = [
  ["events of nobody", "select 1 from event e left join identity i using (identity_id) where i.identity_id is null"],
  ["identities of nobody", "select 1 from identity i left join person p using (person_id) where p.person_id is null"],
  [
    "people without a score",
    "select 1 from person p left join intent_score s using (person_id) where s.person_id is null and p.merged_into is null",
  ],
  [
    "scores of the absorbed",
    "select 1 from intent_score s join person p using (person_id) where p.merged_into is not null",
  ],
  [
    "sessions that count other events than there are",
    `select 1 from (select identity_id, sum(event_count) as said from session group by 1) s
     left join (select identity_id, count(*) as found from event group by 1) e using (identity_id)
     where said is not found`,
  ],
  [
    "crossings that fired twice",
    "select 1 from signal where account_id is null group by person_id, threshold, epoch having count(*) > 1",
  ],
  [
    "signals with another number of deliveries than one",
    "select 1 from signal s left join delivery d using (signal_id) group by s.signal_id having count(d.delivery_id) <> 1",
  ],
  [
    "campaigns with another number of leads than they say",
    `select 1 from campaign c left join campaign_lead l using (campaign_id)
     group by c.campaign_id having count(l.link_id) <> c.lead_count`,
  ],
  [
    "lists of campaigns that are not there and not being made",
    `select 1 from campaign_lead where campaign_id not in (select campaign_id from campaign)
     and campaign_id not in (select campaign_id from campaign_load)`,
  ],
  ["leads of no list", "select 1 from lead where link_id not in (select link_id from campaign_lead)"],
  [
    "clicks of nobody",
    `select 1 from campaign_click where identity_id is not null
     and identity_id not in (select identity_id from identity)`,
  ],
];

export function openData(folder: string): Database {
  const database = new Database(join(folder, "data", "do-intent.db"), { readonly: true, strict: true });
  database.run("pragma busy_timeout = 5000");
  return database;
}

/** Everything that is wrong with what is stored, by what the clients know and by itself. */
export function wrongsOf(
  database: Database,
  { model, replay, rulings }: Pick<Chamber, "model" | "replay" | "rulings">,
  atMs: number,
): string[] {
  // One look at one moment, whatever the server does meanwhile.
  return database.transaction(() => {
    const rows = database.query<{ id: string }, []>("select event_id as id from event").all();
    const stored = new Set(rows.map(({ id }) => id));
    const lost = [...model.acknowledged].filter((id) => !stored.has(id));
    const halves = model.halves((id) => stored.has(id));
    const marks = new Set(
      database
        .query<{ mark: string }, []>(
          "select json_extract(properties, '$.traits.mark') as mark from event where name = 'identify'",
        )
        .all()
        .map(({ mark }) => mark),
    );
    const signals = new Set(
      database
        .query<{ id: number }, []>("select signal_id as id from signal")
        .all()
        .map(({ id }) => formatId("signal", id)),
    );
    const lists = new Set(
      database
        .query<{ slug: string }, []>("select slug from campaign")
        .all()
        .map(({ slug }) => slug),
    );
    return [
      ...model.wrongs,
      ...[...model.acknowledgedLists].filter((slug) => !lists.has(slug)).map((slug) => `${slug} is lost`),
      ...model.victims.wrongs(database),
      ...lostRulings(rulings, database),
      ...lost.map((id) => `${id} was acknowledged and is lost`),
      ...halves.map((ids) => `of a request of ${ids.length} events only some are stored`),
      ...[...model.acknowledgedMarks].filter((mark) => !marks.has(mark)).map((mark) => `identify ${mark} is lost`),
      ...[...model.announced].filter((id) => !signals.has(id)).map((id) => `the signal ${id} was told of and is lost`),
      ...HALVES.filter(([, sql]) => database.query(sql).get() !== null).map(([what]) => `there are ${what}`),
      ...(Bun.deepEquals(database.query("pragma quick_check").values(), [["ok"]]) ? [] : ["the file is damaged"]),
      ...replay.catchUp(database),
      ...replay.compare(database, atMs),
    ];
  })();
}
