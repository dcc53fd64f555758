import type { Database } from "bun:sqlite";
import { attributionData } from "../core/channel.ts";
import type { Rules } from "../core/compile.ts";
import { eventData } from "../core/event-data.ts";
import { formatId } from "../core/id.ts";
import type { Json } from "../core/json.ts";
import { scoreOf } from "../core/score.ts";
import { shownLastSeenMs } from "../core/state.ts";
import { levelOf } from "../core/threshold.ts";
import { describeAccount, scoreOfAccount } from "../features/accounts/account.ts";
import { allAccounts } from "../features/accounts/list.ts";
import { hashEmail } from "../http/hash-email.ts";
import { createAccountReader } from "../store/sqlite/accounts.ts";
import { createExportRows, type ExportedTable } from "../store/sqlite/export-rows.ts";
import { createPeopleReader, SHOWN_IDENTITIES_MAX } from "../store/sqlite/people.ts";

export type ExportRow = { readonly [column: string]: Json };

export type ExportContext = {
  database: Database;
  rules: Rules;
  nowMs: number;
  /** 0 for everything. */
  sinceMs: number;
  /** Addresses leave as their SHA-256. */
  isHashed: boolean;
};

/** What can be exported: the columns, and the rows in the order they came. */
export type ExportTable = { columns: readonly string[]; rows(context: ExportContext): Generator<ExportRow> };

const EVENT_COLUMNS = ["event_id", "event", "timestamp", "received_at", "person_id", "kind", "value"] as const;
const SIGNAL_COLUMNS = ["signal_id", "created_at", "threshold", "score_before", "score", "person_id", "email"] as const;

export const EXPORT_TABLES: { readonly [Name in ExportedTable]: ExportTable } = {
  events: { columns: [...EVENT_COLUMNS, "session_id", "url", "referrer", "metadata", "bot"], rows: eventRows },
  people: {
    columns: [
      ...["person_id", "email", "user_id", "phone", "account", "score", "level", "first_seen_at", "last_seen_at"],
      ...["sessions", "first_touch", "last_touch", "traits", "identities"],
    ],
    rows: personRows,
  },
  accounts: { columns: ["domain", "score", "level", "active_people_14d", "momentum", "created_at"], rows: accountRows },
  signals: {
    columns: [...SIGNAL_COLUMNS, "account", "reasons", "attribution", "config_hash"],
    rows: signalRows,
  },
};

function* eventRows({ database, sinceMs, isHashed }: ExportContext): Generator<ExportRow> {
  for (const event of createExportRows(database).events(sinceMs)) {
    const { kind, value, personId } = event;
    const { metadata, ...data } = eventData(event, undefined);
    yield { ...data, metadata, person_id: formatId("person", personId), kind, value: shown(kind, value, isHashed) };
  }
}

function* personRows({ database, rules, nowMs, sinceMs, isHashed }: ExportContext): Generator<ExportRow> {
  const people = createPeopleReader(database);
  for (const personId of createExportRows(database).personIds(sinceMs)) {
    const { traits, domain, score } = people.personOf(personId);
    const identities = people.liveIdentitiesOf(personId, SHOWN_IDENTITIES_MAX);
    const first = (wanted: string): string | null => {
      const found = identities.find(({ kind }) => kind === wanted);
      return found === undefined ? null : shown(found.kind, found.value, isHashed);
    };
    const scoreNow = scoreOf(score.sums, rules, nowMs);
    const attribution = attributionData(score.attribution, rules.channelOf);
    yield {
      person_id: formatId("person", personId),
      email: first("email"),
      user_id: first("user_id"),
      phone: first("phone"),
      account: domain,
      score: scoreNow,
      level: levelOf(scoreNow, rules.thresholds),
      first_seen_at: new Date(score.firstSeenMs).toISOString(),
      last_seen_at: new Date(shownLastSeenMs(score)).toISOString(),
      sessions: score.sessionCount,
      first_touch: attribution?.first ?? null,
      last_touch: attribution?.last ?? null,
      traits,
      identities: identities.map(({ kind, value, isVerified }) => ({
        kind,
        value: shown(kind, value, isHashed),
        verified: isVerified,
      })),
    };
  }
}

function* accountRows({ database, rules, nowMs, sinceMs }: ExportContext): Generator<ExportRow> {
  const accounts = createAccountReader(database);
  for (const account of allAccounts(accounts)) {
    if (sinceMs > 0 && accounts.countSeenSince(account.accountId, sinceMs) === 0) continue;
    const score = scoreOfAccount(account.accountId, accounts, rules, nowMs);
    const { momentum, ...described } = describeAccount(account, score, accounts, rules, nowMs);
    yield { ...described, momentum: momentum.ratio, created_at: new Date(account.createdMs).toISOString() };
  }
}

function* signalRows({ database, sinceMs, isHashed }: ExportContext): Generator<ExportRow> {
  for (const { person, account, threshold, reasons, attribution, ...signal } of createExportRows(database).signals(
    sinceMs,
  )) {
    yield {
      signal_id: signal.signal_id,
      created_at: signal.created_at,
      threshold: threshold.name,
      score_before: signal.score_before,
      score: signal.score,
      person_id: person.person_id,
      email: person.email === undefined ? null : shown("email", person.email, isHashed),
      account: account?.domain ?? null,
      reasons,
      attribution,
      config_hash: signal.config_hash,
    };
  }
}

function shown(kind: string, value: string, isHashed: boolean): string {
  return isHashed && kind === "email" ? hashEmail(value) : value;
}
