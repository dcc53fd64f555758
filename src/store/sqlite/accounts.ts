import type { Database } from "bun:sqlite";
import { IDENTIFY_EVENT } from "../../core/event.ts";
import type { IntentScore } from "../../core/state.ts";
import { SCORE_COLUMNS, type ScoreRow, scoreOfRow } from "./row.ts";

export type StoredAccount = { accountId: number; domain: string; createdMs: number };

export type AccountReader = {
  byDomain(domain: string): StoredAccount | null;
  /** In the order of their ids. */
  after(accountId: number, limit: number): StoredAccount[];
  /** In the order in which they count: those seen on the last day first. */
  peopleOf(accountId: number, limit: number): IntentScore[];
  countSeenSince(accountId: number, sinceMs: number): number;
  /** What a person did by all of their identifiers from `fromMs` to before `untilMs`; machines and introductions are none. */
  countEvents(personId: number, fromMs: number, untilMs: number): number;
};

const COLUMNS = "account_id as accountId, domain, created_at as createdMs";

export const ACCOUNTS_SQL = {
  byDomain: `select ${COLUMNS} from account where domain = ?`,
  after: `select ${COLUMNS} from account where account_id > ? order by account_id limit ?`,
  people: `select ${SCORE_COLUMNS} from intent_score where account_id = ?
    order by seen_day desc, person_id desc limit ?`,
  countSeen:
    "select count(*) as count from intent_score where account_id = ?1 and seen_day >= ?2 / 86400000 and last_seen_at >= ?2",
  /** All that is in the one index without what is in the other: no event is read for it. */
  countEvents: `select coalesce(sum((select count(*) from event e
      where e.identity_id = i.identity_id and e.occurred_at >= ?2 and e.occurred_at < ?3)
    - (select count(*) from event e indexed by event_uncounted
      where e.identity_id = i.identity_id and e.occurred_at >= ?2 and e.occurred_at < ?3
        and (e.bot is not null or e.name = '${IDENTIFY_EVENT}'))), 0) as count
    from identity i where i.person_id = ?1`,
} as const;

export function createAccountReader(database: Database): AccountReader {
  const selectByDomain = database.query<StoredAccount, [string]>(ACCOUNTS_SQL.byDomain);
  const selectAfter = database.query<StoredAccount, [number, number]>(ACCOUNTS_SQL.after);
  const selectPeople = database.query<ScoreRow, [number, number]>(ACCOUNTS_SQL.people);
  const countSeen = database.query<{ count: number }, [number, number]>(ACCOUNTS_SQL.countSeen);
  const countEvents = database.query<{ count: number }, [number, number, number]>(ACCOUNTS_SQL.countEvents);
  return {
    byDomain: (domain) => selectByDomain.get(domain),
    after: (accountId, limit) => selectAfter.all(accountId, limit),
    peopleOf: (accountId, limit) => (selectPeople.values(accountId, limit) as ScoreRow[]).map(scoreOfRow),
    countSeenSince: (accountId, sinceMs) => countSeen.get(accountId, sinceMs)?.count ?? 0,
    countEvents: (personId, fromMs, untilMs) => countEvents.get(personId, fromMs, untilMs)?.count ?? 0,
  };
}
