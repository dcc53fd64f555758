import type { Database } from "bun:sqlite";
import type { SignalData } from "../../core/signal.ts";
import { withWhole } from "./whole.ts";

/** Where a walk through signals stands, from new to old. */
export type SignalPosition = { createdMs: number; signalId: number };

export const NEWEST_SIGNAL: SignalPosition = { createdMs: Number.MAX_SAFE_INTEGER, signalId: 0 };

export type ReadSignal = SignalPosition & { data: SignalData };

export type SignalFilter = { personId: number | null; threshold: string | null; sinceMs: number };

export type SignalReader = {
  /** The newest below `before`, newest first. A person has also the signals of those who were merged into it. */
  newest(filter: SignalFilter, before: SignalPosition, limit: number): ReadSignal[];
  /** What an account's own thresholds told, newest first. */
  newestOfAccount(accountId: number, limit: number): ReadSignal[];
};

const COLUMNS = "signal_id as signalId, created_at as createdMs, data";
const PLACE = `(created_at, signal_id) < (?1, ?2) and created_at >= ?3
  order by created_at desc, signal_id desc limit ?4`;

export const SIGNALS_SQL = {
  all: `select ${COLUMNS} from signal where ${PLACE}`,
  ofThreshold: `select ${COLUMNS} from signal where threshold = ?5 and ${PLACE}`,
  ofPerson: `${withWhole("?6")} select ${COLUMNS} from signal
    where account_id is null and person_id in (select person_id from whole) and (?5 is null or threshold = ?5) and ${PLACE}`,
  ofAccount: `select ${COLUMNS} from signal where account_id = ? order by signal_id desc limit ?`,
} as const;

type SignalRow = SignalPosition & { data: string };
type PlaceValues = [number, number, number, number];

export function createSignalReader(database: Database): SignalReader {
  const selectAll = database.query<SignalRow, PlaceValues>(SIGNALS_SQL.all);
  const selectOfThreshold = database.query<SignalRow, [...PlaceValues, string]>(SIGNALS_SQL.ofThreshold);
  const selectOfPerson = database.query<SignalRow, [...PlaceValues, string | null, number]>(SIGNALS_SQL.ofPerson);
  const selectOfAccount = database.query<SignalRow, [number, number]>(SIGNALS_SQL.ofAccount);
  const readOf = ({ data, ...place }: SignalRow): ReadSignal => ({ ...place, data: JSON.parse(data) });
  const rowsOf = (filter: SignalFilter, before: SignalPosition, limit: number): SignalRow[] => {
    const place: PlaceValues = [before.createdMs, before.signalId, filter.sinceMs, limit];
    if (filter.personId !== null) return selectOfPerson.all(...place, filter.threshold, filter.personId);
    if (filter.threshold !== null) return selectOfThreshold.all(...place, filter.threshold);
    return selectAll.all(...place);
  };
  return {
    newest: (filter, before, limit) => rowsOf(filter, before, limit).map(readOf),
    newestOfAccount: (accountId, limit) => selectOfAccount.all(accountId, limit).map(readOf),
  };
}
