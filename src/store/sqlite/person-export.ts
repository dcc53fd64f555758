import type { Database } from "bun:sqlite";
import type { DeliveryState } from "../../core/delivery.ts";
import type { SignalData } from "../../core/signal.ts";
import type { MergeReview } from "../../core/state.ts";
import { TRACES_SQL } from "./erase-traces.ts";
import { createListSearch } from "./list-search.ts";
import { createReviewReader } from "./reviews.ts";
import { SESSION_COLUMNS, type SessionRow } from "./row.ts";

const CHUNK = 200;

export const EXPORT_SQL = {
  sessions: `select ${SESSION_COLUMNS} from session where identity_id = ? and session_id > ? order by session_id limit ?`,
  signals: `select signal_id as signalId, data from signal where person_id = ? and account_id is null`,
  deliveries: `select delivery_id as deliveryId, destination, state, attempts, created_at as createdMs,
    last_attempt_at as lastAttemptMs, last_status as lastStatus, last_answer as lastAnswer, body
    from delivery where signal_id = ?`,
  campaigns: `select c.slug as campaign, l.columns, l.created_at as createdMs
    from campaign_lead l cross join campaign c on c.campaign_id = l.campaign_id where l.link_id = ?`,
  clicks: `select k.clicked_at as clickedMs, c.slug as campaign, k.via, k.verdict, k.reason, k.times
    from campaign_click k cross join campaign c on c.campaign_id = k.campaign_id where k.link_id = ?`,
  clicksBy: `select k.clicked_at as clickedMs, c.slug as campaign, k.via, k.verdict, k.reason, k.times, k.link_id as linkId
    from campaign_click k cross join campaign c on c.campaign_id = k.campaign_id where k.identity_id = ?`,
  list: "select slug as campaign, columns from campaign where campaign_id = ?",
  rejected: `select rejected_seq as id, rejected_at as rejectedMs, code, field, message, body from rejected_event
    where rejected_seq > ? order by rejected_seq limit ?`,
} as const;

export type ExportedDelivery = {
  deliveryId: number;
  destination: string;
  state: DeliveryState;
  attempts: number;
  createdMs: number;
  lastAttemptMs: number | null;
  lastStatus: number | null;
  lastAnswer: string | null;
  /** As it was rendered. */
  body: string;
};

export type ExportedClick = {
  clickedMs: number;
  campaign: string;
  via: string;
  verdict: string;
  reason: string | null;
  times: number;
};

export type ExportedRejection = {
  id: number;
  rejectedMs: number;
  code: string;
  field: string | null;
  message: string;
  body: string;
};

/** What is stored about one person and is asked for nowhere else; a read-only connection will do. */
export function createExportReader(database: Database) {
  const selectSessions = database.query<SessionRow, [number, string, number]>(EXPORT_SQL.sessions);
  const selectSignals = database.query<{ signalId: number; data: string }, [number]>(EXPORT_SQL.signals);
  const selectOfAccount = database.query<{ signalId: number; data: string }, [number]>(TRACES_SQL.signalsOfAccount);
  const selectDeliveries = database.query<ExportedDelivery, [number]>(EXPORT_SQL.deliveries);
  const selectCampaigns = database.query<{ campaign: string; columns: string; createdMs: number }, [string]>(
    EXPORT_SQL.campaigns,
  );
  const selectClicks = database.query<ExportedClick, [string]>(EXPORT_SQL.clicks);
  const selectClicksBy = database.query<ExportedClick & { linkId: string }, [number]>(EXPORT_SQL.clicksBy);
  const selectList = database.query<{ campaign: string; columns: string }, [number]>(EXPORT_SQL.list);
  const reviews = createReviewReader(database);
  const selectRejected = database.query<ExportedRejection, [number, number]>(EXPORT_SQL.rejected);
  return {
    *sessionsOf(identityId: number): Generator<SessionRow> {
      let after = "";
      while (true) {
        const rows = selectSessions.values(identityId, after, CHUNK) as SessionRow[];
        yield* rows;
        after = rows.at(-1)?.[1] ?? after;
        if (rows.length < CHUNK) return;
      }
    },
    /** Those of a company as well; whose event it was stands in them. */
    signalsOfAccount: (accountId: number): { signalId: number; data: SignalData }[] =>
      selectOfAccount.all(accountId).map(({ signalId, data }) => ({ signalId, data: JSON.parse(data) })),
    signalsOf: (personId: number): { signalId: number; data: SignalData }[] =>
      selectSignals.all(personId).map(({ signalId, data }) => ({ signalId, data: JSON.parse(data) })),
    deliveriesOf: (signalId: number): ExportedDelivery[] => selectDeliveries.all(signalId),
    campaignsOf: (linkId: string) => selectCampaigns.all(linkId),
    clicksOf: (linkId: string) => selectClicks.all(linkId),
    /** What a browser followed, whoever the links are of. */
    clicksBy: (identityId: number) => selectClicksBy.all(identityId),
    rowsNaming: createListSearch(database).rowsNaming,
    /** Null while it is being stored. */
    listOf: (campaignId: number) => selectList.get(campaignId),
    *reviews(): Generator<MergeReview> {
      let before = Number.MAX_SAFE_INTEGER;
      while (true) {
        const found = reviews.newest(null, before, CHUNK);
        yield* found;
        before = found.at(-1)?.reviewId ?? before;
        if (found.length < CHUNK) return;
      }
    },
    *rejected(): Generator<ExportedRejection> {
      let after = 0;
      while (true) {
        const rows = selectRejected.all(after, CHUNK);
        yield* rows;
        after = rows.at(-1)?.id ?? after;
        if (rows.length < CHUNK) return;
      }
    },
  };
}

export type ExportReader = ReturnType<typeof createExportReader>;
