import type { Database } from "bun:sqlite";
import { type Identifier, type IdentifierKind, strengthRank } from "../../core/identifier.ts";
import { MERGE_COLUMNS } from "./row.ts";
import { withWhole } from "./whole.ts";

/** Identifiers read of each side of a merge, the strongest of which are shown. */
const IDENTITIES_READ_MAX = 50;
const IDENTITIES_SHOWN_MAX = 5;

export type ReadMerge = {
  mergeId: number;
  survivorId: number;
  absorbedId: number;
  through: string;
  mergedMs: number;
  undoneMs: number | null;
  survivor: Identifier[];
  absorbed: Identifier[];
};

export type MergeFilter = { personId: number | null; isUndone: boolean | null };

export type MergeReader = {
  /** The newest below `before`, newest first. A person has also the merges of those who were merged into it. */
  newest(filter: MergeFilter, before: number, limit: number): ReadMerge[];
};

const COLUMNS = `${MERGE_COLUMNS},
  json_extract(snapshot, '$.survivor.identityIds') as survivor,
  json_extract(snapshot, '$.absorbed.identityIds') as absorbed`;

export const MERGES_SQL = {
  all: `select ${COLUMNS} from merge where merge_id < ?1 order by merge_id desc limit ?2`,
  undone: `select ${COLUMNS} from merge indexed by merge_undone
    where merge_id < ?1 and undone_at is not null order by merge_id desc limit ?2`,
  standing: `select ${COLUMNS} from merge where merge_id < ?1 and undone_at is null order by merge_id desc limit ?2`,
  ofPerson: `${withWhole("?3")} select ${COLUMNS} from merge
    where (survivor_id in (select person_id from whole) or absorbed_id in (select person_id from whole))
      and merge_id < ?1 and (?4 is null or (undone_at is not null) = ?4)
    order by merge_id desc limit ?2`,
  identity: "select kind, value from identity where identity_id = ?",
} as const;

type MergeRow = Omit<ReadMerge, "survivor" | "absorbed"> & { survivor: string | null; absorbed: string | null };

export function createMergeReader(database: Database): MergeReader {
  const selectAll = database.query<MergeRow, [number, number]>(MERGES_SQL.all);
  const selectUndone = database.query<MergeRow, [number, number]>(MERGES_SQL.undone);
  const selectStanding = database.query<MergeRow, [number, number]>(MERGES_SQL.standing);
  const selectOfPerson = database.query<MergeRow, [number, number, number, number | null]>(MERGES_SQL.ofPerson);
  const selectIdentity = database.query<{ kind: IdentifierKind; value: string }, [number]>(MERGES_SQL.identity);
  const rowsOf = ({ personId, isUndone }: MergeFilter, before: number, limit: number): MergeRow[] => {
    if (personId !== null) {
      return selectOfPerson.all(before, limit, personId, isUndone === null ? null : Number(isUndone));
    }
    if (isUndone === null) return selectAll.all(before, limit);
    return (isUndone ? selectUndone : selectStanding).all(before, limit);
  };
  /** What was erased since is left out. */
  const identifiersOf = (identityIds: string | null): Identifier[] =>
    (JSON.parse(identityIds ?? "[]") as number[])
      .slice(0, IDENTITIES_READ_MAX)
      .flatMap((identityId) => selectIdentity.get(identityId) ?? [])
      .sort((a, b) => strengthRank(a.kind) - strengthRank(b.kind))
      .slice(0, IDENTITIES_SHOWN_MAX);
  return {
    newest: (filter, before, limit) =>
      rowsOf(filter, before, limit).map((row) => ({
        ...row,
        survivor: identifiersOf(row.survivor),
        absorbed: identifiersOf(row.absorbed),
      })),
  };
}
