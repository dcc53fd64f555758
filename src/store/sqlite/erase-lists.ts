import type { Database } from "bun:sqlite";
import { createListSearch, type ForeseenLists } from "./list-search.ts";
import type { PersonScope } from "./person-scope.ts";

export const ERASE_LISTS_SQL = {
  updateColumns: "update campaign_lead set columns = ?3 where campaign_id = ?1 and link_id = ?2",
  traits: "select traits from lead where link_id = ?",
  updateTraits: "update lead set traits = ?2 where link_id = ?1",
} as const;

/**
 * Takes a person's addresses out of the rows of other leads, such as a second e-mail column: whether that lead is the
 * same human cannot be known, so the row stays, and the cells that name the address are emptied. Returns how many rows.
 */
export function createListEraser(
  database: Database,
): (scope: Pick<PersonScope, "emails">, foreseen?: ForeseenLists) => number {
  const { rowsNaming } = createListSearch(database);
  const updateColumns = database.query(ERASE_LISTS_SQL.updateColumns);
  const selectTraits = database.query<{ traits: string }, [string]>(ERASE_LISTS_SQL.traits);
  const updateTraits = database.query(ERASE_LISTS_SQL.updateTraits);

  const stripTraits = (linkId: string, isNamed: (text: string) => boolean): void => {
    const traits: object = JSON.parse(selectTraits.get(linkId)?.traits ?? "{}");
    const kept = Object.entries(traits).filter(([, value]) => !isNamed(String(value)));
    if (kept.length < Object.keys(traits).length) updateTraits.run(linkId, JSON.stringify(Object.fromEntries(kept)));
  };

  return ({ emails }, foreseen) => {
    let stripped = 0;
    for (const email of emails) {
      for (const { campaignId, linkId, cells, isNamed } of rowsNaming(email, foreseen)) {
        updateColumns.run(campaignId, linkId, JSON.stringify(cells.map((cell) => (isNamed(cell) ? "" : cell))));
        stripTraits(linkId, isNamed);
        stripped += 1;
      }
    }
    return stripped;
  };
}
