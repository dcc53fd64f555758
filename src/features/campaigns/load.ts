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
/** What a row takes besides its texts: keys, times, indexes and half-filled pages. */
const ROW_BYTES = 400;
const COLLECT_BYTES = 6 * 1_024 * 1_024;
const COLLECT_SLICES = 50;
/** Transactions until what they wrote is brought into the file; more, and a commit of the loop would do it. */
const SETTLE_SLICES = 5;
/** Each of them waits for seconds. */
const BUSY_TRIES_MAX = 5;
/** How much of the way it is until the list is read. */
const READING_SHARE = 0.2;
const PROGRESS_ROWS = 1_000;

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
  /** The link id that an address has, if it is not taken. */
  linkIdOf: (email: string) => string;
  now: () => number;
  /** Called between two transactions, for so long as the one before lasted. */
  rest: (durationMs: number) => void;
  onProgress: (share: number, leads: number) => void;
};

/**
 * Stores a list as a campaign, beside whatever else happens: it is read first, then stored in short transactions, and as
 * long as one lasted nothing of ours holds the file. What fails is taken back; a process that dies leaves a load that
 * the next one takes back.
 */
export function loadCampaign(options: LoadOptions): LoadAnswer {
  const { campaign, loader, now } = options;
  const list = readList(options);
  const load = inSteps(loader.begin(campaign.slug, list.bytes, now()), options);
  const answer = storeOrAbandon(load, list, options);
  renewLeads(load, options);
  return answer;
}

function storeOrAbandon(load: CampaignLoad, list: List, options: LoadOptions): LoadAnswer {
  try {
    return storeList(load, list, options);
  } catch (error) {
    takeBack(load, options);
    throw error;
  }
}

/** Where even that fails, as on a disk that others have filled up, the server does it when there is room. */
function takeBack(load: CampaignLoad, options: LoadOptions): void {
  try {
    inSteps(settled(options.loader.abandon(load), options.loader), options);
  } catch {
    return;
  }
}

/** Brought into the file at once, the log does not grow: there may be no room for that. */
function* settled(steps: Generator<void, void>, loader: CampaignLoader): Generator<void, void> {
  while (steps.next().done !== true) {
    loader.settle();
    yield;
  }
}

/** The campaign is there, whatever happens now: what is not renewed here is by the next load. */
function renewLeads(load: CampaignLoad, options: LoadOptions): void {
  let after: string | null = "";
  try {
    for (let step = 1; after !== null; step += 1) {
      const from: string = after;
      after = rested(() => options.loader.renew(load, from, options.now()), options);
      if (step % SETTLE_SLICES === 0) options.loader.settle();
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}

type List = {
  rows: LeadRow[];
  /** About as many are stored. */
  bytes: number;
  columns: readonly string[];
  encoding: Encoding;
  rejected: number;
  problems: RowProblem[];
};

function readList({ read, linkIdOf, onProgress }: LoadOptions): List {
  const list: Omit<List, "encoding"> = { rows: [], bytes: 0, columns: [], rejected: 0, problems: [] };
  const { rows, problems } = list;
  let known: LeadColumns | null = null;
  let collections = 0;
  const onProblem = (line: number, reason: string): void => {
    list.rejected += 1;
    if (problems.length < PROBLEMS_SHOWN_MAX) problems.push({ line, reason });
  };
  const encoding = read({
    onHeader: (header) => {
      list.columns = header;
      known = leadColumnsOf(header);
    },
    onRow: (line, cells, share) => {
      if (known === null) throw new Error("a list has a header before it has rows");
      const { email, problem } = emailOf(cells, known);
      if (problem !== undefined) return onProblem(line, problem);
      const traits = JSON.stringify(leadTraitsOf(cells, known));
      const stored = JSON.stringify(cells);
      list.bytes += ROW_BYTES + 2 * email.length + Buffer.byteLength(traits) + Buffer.byteLength(stored);
      rows.push({ email, linkId: linkIdOf(email), position: rows.length, traits, cells: stored });
      if (rows.length > CAMPAIGN_LEADS_MAX)
        throw new AppError(
          "too_large",
          `the list has more than ${CAMPAIGN_LEADS_MAX} leads; make several campaigns of it`,
        );
      // Nothing here ever waits, and so nothing gives back what reading took.
      if (list.bytes > (collections + 1) * COLLECT_BYTES) {
        collections += 1;
        Bun.gc(true);
      }
      if (rows.length % PROGRESS_ROWS === 0) onProgress(share * READING_SHARE, rows.length);
    },
    onProblem,
  });
  rows.sort((a, b) => (a.linkId < b.linkId ? -1 : Number(a.linkId > b.linkId)));
  return { ...list, encoding };
}

function storeList(load: CampaignLoad, { rows, ...list }: List, options: LoadOptions): LoadAnswer {
  const { campaign, loader, now, onProgress } = options;
  const { columns, encoding, rejected, problems } = list;
  const sum = { stored: 0, duplicates: 0, suppressed: 0 };
  for (let from = 0, slice = 1; from < rows.length; from += SLICE_ROWS, slice += 1) {
    const some = rows.slice(from, from + SLICE_ROWS);
    const { stored, duplicates, suppressed } = rested(() => loader.add(load, some, now()), options);
    sum.stored += stored;
    sum.duplicates += duplicates;
    sum.suppressed += suppressed;
    if (slice % SETTLE_SLICES === 0) loader.settle();
    if (slice % COLLECT_SLICES === 0) Bun.gc(true);
    onProgress(READING_SHARE + (1 - READING_SHARE) * (from / rows.length), sum.stored);
  }
  if (sum.stored === 0) throw nobody(rejected, sum.suppressed, problems);
  rested(() => loader.finish(load, campaign, columns, sum.stored, now()), options);
  const { stored: leads, duplicates, suppressed } = sum;
  return { campaignId: load.campaignId, leads, duplicates, suppressed, rejected, problems, encoding };
}

function nobody(rejected: number, suppressed: number, problems: readonly RowProblem[]): AppError {
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

/** One transaction, and then the others' turn for as long; a file that somebody holds is asked for again. */
function rested<Result>(work: () => Result, { loader, rest }: LoadOptions, triesMax = BUSY_TRIES_MAX): Result {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const result = work();
      rest(loader.heldMs());
      return result;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "SQLITE_BUSY")) throw error;
      if (attempt < triesMax) continue;
      throw new AppError("unavailable", "the data folder is held by somebody else; nothing was stored, try again");
    }
  }
}
