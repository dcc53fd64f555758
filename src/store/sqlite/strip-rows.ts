import type { Database } from "bun:sqlite";
import type { Identifier } from "../../core/identifier.ts";
import { ERASE_LISTS_SQL } from "./erase-lists.ts";
import { inSteps, TRACES_SQL } from "./erase-traces.ts";
import { createHeederOf, createNamedIn } from "./named-in.ts";

const STEP_ROWS = 500;

export const STRIP_ROWS_SQL = {
  lists: `select r.campaign_id as campaignId, r.link_id as linkId, l.email, l.traits, r.columns as cells
    from campaign_lead r cross join lead l on l.link_id = r.link_id
    where (r.campaign_id, r.link_id) > (?1, ?2) order by r.campaign_id, r.link_id limit ?3`,
} as const;

type ListRow = { campaignId: number; linkId: string; email: string; traits: string; cells: string };

/** Who is looked for: by what they are called, which may be known as hashes only, and by who they were here. */
export type Gone = { isErased: (identifier: Identifier) => boolean; personIds: ReadonlySet<number> };

/** As an erasure does, for any number of people at once: each row is read once. Returns how many rows named somebody. */
export function stripRows(database: Database, gone: Gone): number {
  return stripLists(database, gone) + dropReviews(database, gone) + dropRejected(database, gone);
}

function stripLists(database: Database, { isErased }: Gone): number {
  const heeded = createHeederOf(isErased);
  const select = database.query<ListRow, [number, string, number]>(STRIP_ROWS_SQL.lists);
  const updateColumns = database.query(ERASE_LISTS_SQL.updateColumns);
  const updateTraits = database.query(ERASE_LISTS_SQL.updateTraits);
  let stripped = 0;
  let after: [number, string] = [0, ""];
  while (true) {
    const rows = select.all(...after, STEP_ROWS);
    for (const row of rows) {
      const { campaignId, linkId, cells, traits } = heeded(row)();
      if (traits !== row.traits) updateTraits.run(linkId, traits);
      if (cells !== row.cells) stripped += updateColumns.run(campaignId, linkId, cells).changes;
    }
    const last = rows[STEP_ROWS - 1];
    if (last === undefined) return stripped;
    after = [last.campaignId, last.linkId];
  }
}

function dropReviews(database: Database, { isErased, personIds }: Gone): number {
  const select = database.query<{ id: number; personIds: string; claims: string | null }, [number, number]>(
    TRACES_SQL.reviews,
  );
  const drop = database.query(TRACES_SQL.dropReview);
  let dropped = 0;
  for (const { id, personIds: named, claims } of inSteps(select.all.bind(select))) {
    const isNamed =
      (JSON.parse(named) as number[]).some((personId) => personIds.has(personId)) ||
      (JSON.parse(claims ?? "[]") as Identifier[]).some(isErased);
    if (isNamed) dropped += drop.run(id).changes;
  }
  return dropped;
}

function dropRejected(database: Database, { isErased }: Gone): number {
  const isNamedIn = createNamedIn(isErased);
  const select = database.query<{ id: number; body: string }, [number, number]>(TRACES_SQL.rejected);
  const drop = database.query(TRACES_SQL.dropRejected);
  let dropped = 0;
  for (const { id, body } of inSteps(select.all.bind(select))) {
    if (isNamedIn(body)) dropped += drop.run(id).changes;
  }
  return dropped;
}
