import type { Campaign } from "../../core/campaign.ts";
import { AppError } from "../../core/error.ts";
import { emailOf, type LeadColumns, leadColumnsOf, leadTraitsOf } from "../../core/lead-columns.ts";
import type { CampaignLoad, CampaignLoader, LeadRow } from "../../store/sqlite/campaign-load.ts";
import type { Encoding } from "./decode.ts";
import type { ListHandler } from "./read-list.ts";

/** Bad rows that are told one by one; the rest is counted. */
const PROBLEMS_SHOWN_MAX = 100;
const CAMPAIGN_LEADS_MAX = 1_000_000;
/** Rows in one transaction: as long as it lasts, events wait. */
const SLICE_ROWS = 200;
/** Each of them waits for seconds. */
const BUSY_TRIES_MAX = 5;

export type RowProblem = { line: number; reason: string };

export type LoadAnswer = {
  campaignId: number;
  leads: number;
  duplicates: number;
  suppressed: number;
  rejected: number;
  problems: RowProblem[];
  encoding: Encoding;
};

export type LoadOptions = {
  campaign: Campaign;
  /** Reads the list row by row, and says what its bytes were. */
  read: (handler: ListHandler) => Encoding;
  loader: CampaignLoader;
  now: () => number;
  /** Called between two transactions, for so long as the one before lasted. */
  rest: (durationMs: number) => void;
  onProgress: (share: number, leads: number) => void;
};

/**
 * Stores a list as a campaign, beside whatever else happens: each transaction is short, and as long as it lasted nothing
 * of ours holds the file. What fails is taken back; a process that dies leaves a load that the next one takes back.
 */
export function loadCampaign(options: LoadOptions): LoadAnswer {
  const { campaign, loader, now } = options;
  const load = inSteps(loader.begin(campaign.slug, now()), options);
  try {
    return loadRows(load, options);
  } catch (error) {
    inSteps(loader.abandon(load), options);
    throw error;
  }
}

function loadRows(load: CampaignLoad, options: LoadOptions): LoadAnswer {
  const { campaign, read, loader, now, onProgress } = options;
  const answer = { leads: 0, duplicates: 0, suppressed: 0, rejected: 0 };
  const problems: RowProblem[] = [];
  let columns: readonly string[] = [];
  let known: LeadColumns | null = null;
  let slice: LeadRow[] = [];
  const onProblem = (line: number, reason: string): void => {
    answer.rejected += 1;
    if (problems.length < PROBLEMS_SHOWN_MAX) problems.push({ line, reason });
  };
  const flush = (): void => {
    const rows = slice;
    slice = [];
    if (rows.length === 0) return;
    const { stored, duplicates, suppressed } = rested(() => loader.add(load, rows, answer.leads, now()), options);
    answer.leads += stored;
    answer.duplicates += duplicates;
    answer.suppressed += suppressed;
    if (answer.leads > CAMPAIGN_LEADS_MAX)
      throw new AppError(
        "too_large",
        `the list has more than ${CAMPAIGN_LEADS_MAX} leads; make several campaigns of it`,
      );
  };
  const encoding = read({
    onHeader: (header) => {
      columns = header;
      known = leadColumnsOf(header);
    },
    onRow: (line, cells, share) => {
      if (known === null) throw new Error("a list has a header before it has rows");
      const { email, problem } = emailOf(cells, known);
      if (problem !== undefined) return onProblem(line, problem);
      slice.push({ email, traits: leadTraitsOf(cells, known), cells });
      if (slice.length < SLICE_ROWS) return;
      flush();
      onProgress(share, answer.leads);
    },
    onProblem,
  });
  flush();
  if (answer.leads === 0) throw nobody(answer, problems);
  rested(() => loader.finish(load, campaign, columns, answer.leads, now()), options);
  onProgress(1, answer.leads);
  return { campaignId: load.campaignId, ...answer, problems, encoding };
}

function nobody({ rejected, suppressed }: { rejected: number; suppressed: number }, problems: RowProblem[]): AppError {
  if (rejected + suppressed === 0) return new AppError("invalid", "the list has column names and no lead below them");
  const [first] = problems;
  const why = first === undefined ? "all of them are not to be processed" : `line ${first.line}: ${first.reason}`;
  return new AppError("invalid", `none of the ${rejected + suppressed} rows can be used; ${why}`);
}

function inSteps<Result>(steps: Generator<void, Result>, options: LoadOptions): Result {
  for (;;) {
    // A generator that threw cannot be asked again.
    const step = rested(() => steps.next(), options, 1);
    if (step.done === true) return step.value;
  }
}

/** One transaction, and then the others' turn; a file that somebody holds is asked for again. */
function rested<Result>(work: () => Result, { rest }: LoadOptions, triesMax = BUSY_TRIES_MAX): Result {
  for (let attempt = 1; ; attempt += 1) {
    const startedMs = performance.now();
    try {
      const result = work();
      rest(performance.now() - startedMs);
      return result;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "SQLITE_BUSY")) throw error;
      if (attempt < triesMax) continue;
      throw new AppError("unavailable", "the data folder is held by somebody else; nothing was stored, try again");
    }
  }
}
