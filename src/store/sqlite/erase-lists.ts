import type { Database } from "bun:sqlite";
import { createMentions, spellingsOf } from "./mentions.ts";
import type { PersonScope } from "./person-scope.ts";

const STEP_ROWS = 500;
/** As far as SQLite folds letters. */
const FOLDED_PATTERN = /^[ -~]*/;

export const ERASE_LISTS_SQL = {
  /** The lists have no column to be found by: they are read through, and only what may name the address comes out. */
  naming: `select campaign_id as campaignId, link_id as linkId, columns from campaign_lead
    where (campaign_id, link_id) > (?1, ?2) and instr(lower(columns), ?3) > 0
    order by campaign_id, link_id limit ?4`,
  updateColumns: "update campaign_lead set columns = ?3 where campaign_id = ?1 and link_id = ?2",
  traits: "select traits from lead where link_id = ?",
  updateTraits: "update lead set traits = ?2 where link_id = ?1",
} as const;

type ListRow = { campaignId: number; linkId: string; columns: string };

/**
 * Takes a person's addresses out of the rows of other leads, such as a second e-mail column: whether that lead is the
 * same human cannot be known, so the row stays, and the cells that name the address are emptied. Returns how many rows.
 */
export function createListEraser(database: Database): (scope: Pick<PersonScope, "identities" | "leads">) => number {
  const selectNaming = database.query<ListRow, [number, string, string, number]>(ERASE_LISTS_SQL.naming);
  const updateColumns = database.query(ERASE_LISTS_SQL.updateColumns);
  const selectTraits = database.query<{ traits: string }, [string]>(ERASE_LISTS_SQL.traits);
  const updateTraits = database.query(ERASE_LISTS_SQL.updateTraits);

  function* rowsNaming(email: string): Generator<ListRow> {
    const [part] = FOLDED_PATTERN.exec(email) ?? [""];
    let after: [number, string] = [0, ""];
    while (true) {
      const rows = selectNaming.all(...after, part, STEP_ROWS);
      yield* rows;
      const last = rows[STEP_ROWS - 1];
      if (last === undefined) return;
      after = [last.campaignId, last.linkId];
    }
  }

  function* rowsNamingAny(emails: readonly string[]): Generator<ListRow> {
    for (const email of emails) yield* rowsNaming(email);
  }

  const stripTraits = (linkId: string, isNamed: (text: string) => boolean): void => {
    const traits: object = JSON.parse(selectTraits.get(linkId)?.traits ?? "{}");
    const kept = Object.entries(traits).filter(([, value]) => !isNamed(String(value)));
    if (kept.length < Object.keys(traits).length) updateTraits.run(linkId, JSON.stringify(Object.fromEntries(kept)));
  };

  return ({ identities, leads }) => {
    const own = identities.filter(({ kind }) => kind === "email").map(({ value }) => value);
    const emails = new Set([...own, ...leads.map(({ email }) => email)]);
    let stripped = 0;
    for (const email of emails) {
      const isNamed = createMentions([{ kind: "email", value: email }]);
      for (const { campaignId, linkId, columns } of rowsNamingAny(spellingsOf(email))) {
        const cells: string[] = JSON.parse(columns);
        if (!cells.some(isNamed)) continue;
        updateColumns.run(campaignId, linkId, JSON.stringify(cells.map((cell) => (isNamed(cell) ? "" : cell))));
        stripTraits(linkId, isNamed);
        stripped += 1;
      }
    }
    return stripped;
  };
}
