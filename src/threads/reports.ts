import { type IntentConfig, parseIntentConfig } from "../config/intent.ts";
import { compileRules } from "../core/compile.ts";
import { AppError } from "../core/error.ts";
import { type AccountsAnswer, listAccounts } from "../features/accounts/list.ts";
import type { AccountsQuery } from "../features/accounts/schema.ts";
import { type AttributionAnswer, reportAttribution } from "../features/attribution/report.ts";
import type { AttributionQuery } from "../features/attribution/schema.ts";
import type { FullCampaignAnswer } from "../features/campaigns/campaign.ts";
import type { CreatedAnswer } from "../features/campaigns/create.ts";
import type { LeadsAnswer } from "../features/campaigns/leads.ts";
import type { CreateRequest } from "../features/campaigns/routes.ts";
import type { LeadsQuery } from "../features/campaigns/schema.ts";
import type { ViewText } from "../features/views/routes.ts";
import type { ViewQuery } from "../features/views/view.ts";
import { type TryAnswer, tryConfig, type Version } from "../features/what-if/try.ts";
import { createAccountReader } from "../store/sqlite/accounts.ts";
import { writeBackup } from "../store/sqlite/backup.ts";
import { openReadOnly } from "../store/sqlite/database.ts";
import { countHouse, type HouseCounts } from "../store/sqlite/house-counts.ts";
import { createReaders } from "../store/sqlite/readers.ts";
import { allScores, scoresByAccount } from "../store/sqlite/scores.ts";
import { type ReadRequest, type Reads, readsBy, runRead } from "./reads.ts";
import { errorOf, type Refused } from "./refused.ts";
import { runCreation, runSales, type SalesRequest } from "./sales.ts";
import { createThreads } from "./threads.ts";
import { createTurns } from "./turns.ts";

/** Reports that may wait for the one that runs; they are for people, who ask again. */
const REPORTS_WAITING_MAX = 8;
/** These are shorter, and wait for no report. */
const READS_AT_ONCE = 2;
const READS_WAITING_MAX = 50;
const RUN_MAX_MS = 5 * 60_000;
/** A large file is copied and then read through. */
const BACKUP_MAX_MS = 60 * 60_000;
/** What could not be made. */
const WHAT = "the report";

type Request =
  | SalesRequest
  | { name: "campaign create"; create: CreateRequest }
  | { name: "accounts"; query: AccountsQuery }
  | { name: "attribution"; query: AttributionQuery }
  | { name: "config try"; tried: Version; limit: number }
  | { name: "counts" }
  | { name: "backup"; target: string }
  | { name: "read"; read: ReadRequest };

export type ReportJob = {
  dataFolder: string;
  config: IntentConfig;
  configHash: string;
  nowMs: number;
  request: Request;
};

export type Outcome = { answer: unknown } | Refused;

export type ReportsOptions = {
  /** What the thread runs: something that loads threads/worker.ts. */
  script: string;
  context: () => Omit<ReportJob, "request">;
  /** Told of what fails and no request hears of. */
  onFault: (fault: string) => void;
};

export type Reports = Reads & {
  listAccounts(query: AccountsQuery): Promise<AccountsAnswer>;
  reportAttribution(query: AttributionQuery): Promise<AttributionAnswer>;
  /** Takes the text of an intent.json. */
  tryConfig(text: string, limit: number): Promise<TryAnswer>;
  /** For a scrape, which waits for no report. */
  countHouse(): Promise<HouseCounts>;
  readCampaign(campaignId: number): Promise<FullCampaignAnswer>;
  listLeads(campaignId: number, query: LeadsQuery): Promise<LeadsAnswer>;
  readView(view: string, query: ViewQuery, format: "json" | "csv"): Promise<ViewText>;
  /** No report, but as long: it waits for none of them, and none for it. */
  createCampaign(create: CreateRequest): Promise<CreatedAnswer>;
  /** Writes the database into a file, and waits for no report; returns its size in bytes. */
  writeBackup(target: string): Promise<number>;
  close(): void;
};

/** Questions that go through everybody: one at a time, on a thread and a read-only connection of their own. */
export function createReports({ script, context, onFault }: ReportsOptions): Reports {
  const reportInTurn = createTurns({ atOnceMax: 1, waitingMax: REPORTS_WAITING_MAX, what: "reports" });
  const readInTurn = createTurns({ atOnceMax: READS_AT_ONCE, waitingMax: READS_WAITING_MAX, what: "questions" });
  const threads = createThreads<ReportJob, Outcome>(script);

  const run = async (job: ReportJob): Promise<unknown> => {
    const timeMaxMs = job.request.name === "backup" ? BACKUP_MAX_MS : RUN_MAX_MS;
    const outcome = await threads.run(job, { timeMaxMs, handOver: partsToHandOver(job) });
    if ("answer" in outcome) return outcome.answer;
    throw errorOf(outcome, WHAT);
  };

  /** Older counts stand in for those that failed: no request hears of their fault. */
  const noted = async (counted: Promise<unknown>): Promise<unknown> => {
    try {
      return await counted;
    } catch (error) {
      if (error instanceof AppError && typeof error.cause === "string") onFault(error.cause);
      throw error;
    }
  };

  const inTurn = (request: Request): Promise<unknown> => reportInTurn(() => run({ ...context(), request }));

  return {
    ...readsBy((read) => readInTurn(() => run({ ...context(), request: { name: "read", read } }))),
    listAccounts: (query) => inTurn({ name: "accounts", query }) as Promise<AccountsAnswer>,
    reportAttribution: (query) => inTurn({ name: "attribution", query }) as Promise<AttributionAnswer>,
    countHouse: () => noted(run({ ...context(), request: { name: "counts" } })) as Promise<HouseCounts>,
    readCampaign: (campaignId) => inTurn({ name: "campaign", campaignId }) as Promise<FullCampaignAnswer>,
    listLeads: (campaignId, query) => inTurn({ name: "campaign leads", campaignId, query }) as Promise<LeadsAnswer>,
    readView: (view, query, format) => inTurn({ name: "view", view, query, format }) as Promise<ViewText>,
    createCampaign: (create) =>
      run({ ...context(), request: { name: "campaign create", create } }) as Promise<CreatedAnswer>,
    writeBackup: (target) => run({ ...context(), request: { name: "backup", target } }) as Promise<number>,
    tryConfig: async (text, limit) => {
      const parsed = parseIntentConfig(text, "by position");
      if (parsed.problems !== undefined) throw new AppError("invalid", parsed.problems.join("; "));
      const tried = { scoring: parsed.config, hash: parsed.hash };
      return (await inTurn({ name: "config try", tried, limit })) as TryAnswer;
    },
    close: threads.close,
  };
}

/** A list is moved to the thread, not copied. */
function partsToHandOver({ request }: ReportJob): ArrayBuffer[] {
  if (request.name !== "campaign create") return [];
  const buffers = request.create.chunks.map(({ buffer }) => buffer);
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer);
}

/** One report from the file, in whatever thread it is called. */
export async function runReport({ dataFolder, config, configHash, nowMs, request }: ReportJob): Promise<unknown> {
  const publicUrl = config.public_url ?? null;
  if (request.name === "campaign create") return runCreation(request.create, { dataFolder, publicUrl, nowMs });
  if (request.name === "backup") return writeBackup(dataFolder, request.target);
  const rules = compileRules(config, configHash);
  const database = openReadOnly(dataFolder);
  try {
    switch (request.name) {
      case "campaign":
      case "campaign leads":
      case "view":
        return runSales(request, database, { rules, nowMs, publicUrl });
      case "read":
        // Awaited here: the connection is open until it is there.
        return await runRead(request.read, database, rules, nowMs);
      case "accounts":
        return listAccounts(request.query, createAccountReader(database), rules, nowMs);
      case "attribution":
        return reportAttribution(request.query, allScores(database), rules, nowMs);
      case "counts":
        return countHouse(database);
      case "config try": {
        const sources = { ...createReaders(database), scores: scoresByAccount(database) };
        return tryConfig({ scoring: config, hash: configHash }, request.tried, sources, nowMs, request.limit);
      }
    }
  } finally {
    database.close(false);
  }
}
