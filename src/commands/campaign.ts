import type { Database } from "bun:sqlite";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../config/commands.ts";
import { AppError } from "../core/error.ts";
import { formatId } from "../core/id.ts";
import { type CreatedAnswer, createCampaign } from "../features/campaigns/create.ts";
import { exportCampaign } from "../features/campaigns/export.ts";
import { findCampaign } from "../features/campaigns/find.ts";
import { LIST_BYTES_MAX } from "../features/campaigns/receive.ts";
import { readCampaign } from "../features/campaigns/schema.ts";
import { COMMAND_LINE } from "../store/sqlite/audit.ts";
import { createCampaignReader } from "../store/sqlite/campaigns.ts";
import { isServed, openBeside, openReadOnly } from "../store/sqlite/database.ts";
import { noteCommand } from "./note.ts";
import { createProgressBar, type Terminal } from "./progress.ts";
import { loadConfig } from "./serve.ts";

type CreateOptions = Extract<Command, { name: "campaign create" }>["options"];
type ExportOptions = Extract<Command, { name: "campaign export" }>["options"];
type Write = (line: string) => void;

const PROBLEMS_SHOWN = 20;
/** People's data is for the user that wrote it. */
const FILE_MODE = 0o600;
const FLAGS: { readonly [field: string]: string } = {
  name: "--name",
  base_url: "--base-url",
  landing: "--landing",
  utm: "--utm",
};

/** Makes a campaign of a file and writes its links, also beside a running server. */
export function runCampaignCreate(options: CreateOptions, now: () => number, write: Write, terminal: Terminal): number {
  const publicUrl = publicUrlOf(options);
  const settings = {
    name: options.campaignName,
    base_url: options.baseUrl,
    landing: options.landing,
    utm: options.utm,
  };
  const { slug } = inWordsOfFlags(() => readCampaign(settings));
  const path = join(options.out, `campaign-${slug}-urls.csv`);
  if (existsSync(path)) throw new AppError("conflict", `${path} is there already; move it, or name another --out`);
  const bytes = readList(options.leads);
  const bar = createProgressBar(terminal);
  const database = openBeside(options.data);
  try {
    const created = inWordsOfFlags(() =>
      createCampaign(
        { kind: "csv", settings, bytes },
        {
          database,
          publicUrl,
          keyId: COMMAND_LINE,
          now,
          // For the events of a server to get their turn; where none runs, nobody waits for one.
          rest: (durationMs) => {
            if (isServed(options.data)) Bun.sleepSync(durationMs);
          },
          onProgress: (share, leads) => bar.show(share, `${leads.toLocaleString("en")} leads`),
        },
      ),
    );
    bar.end();
    write(createdText(created));
    // Nothing here ever waits, and so nothing gives back what the list took.
    Bun.gc(true);
    writeList(database, slug, path, { publicUrl, isHashed: false });
    write(`written to ${path}; do-intent campaign export ${slug} prints it again`);
    return 0;
  } finally {
    bar.end();
    database.close(false);
  }
}

/** The list with its links once more, to stdout. */
export function runCampaignExport(options: ExportOptions, print: Write): number {
  const publicUrl = publicUrlOf(options);
  const database = openReadOnly(options.data);
  try {
    const campaigns = createCampaignReader(database);
    const campaign = findCampaign(options.campaign, campaigns);
    const subject = formatId("campaign", campaign.campaignId);
    noteCommand(options.data, { action: "campaign_export", subject, detail: { hashed: options.hash === "email" } });
    for (const piece of exportCampaign(campaign, campaigns, { publicUrl, isHashed: options.hash === "email" })) {
      print(piece);
    }
    return 0;
  } finally {
    database.close(false);
  }
}

/** Before anything is stored: a list without links is of no use. */
function publicUrlOf({ url, config }: { url: string | null; config: string | null }): string {
  const publicUrl = url ?? loadConfig(config).config.public_url;
  if (publicUrl !== undefined) return publicUrl;
  throw new AppError(
    "invalid",
    "links need the address of this server; say it with --url https://intent.example.com, or as public_url in intent.json (--config)",
  );
}

function readList(path: string): Buffer {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new AppError("not_found", `there is no file ${path}; name the list with --leads`);
  if (found.size > LIST_BYTES_MAX)
    throw new AppError(
      "too_large",
      `the list is larger than ${LIST_BYTES_MAX / 1_024 / 1_024} MB; make several campaigns of it`,
    );
  try {
    return readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new AppError("unavailable", `${path} cannot be read (${code}); look at its permissions`);
  }
}

/** A folder that no server has used yet is made. */

/** Whole or not at all: under its name only when all of it is there. */
function writeList(
  database: Database,
  slug: string,
  path: string,
  options: { publicUrl: string; isHashed: boolean },
): void {
  const campaigns = createCampaignReader(database);
  const partial = `${path}.partial`;
  try {
    mkdirSync(join(path, ".."), { recursive: true });
    const file = openSync(partial, "w", FILE_MODE);
    try {
      for (const piece of exportCampaign(findCampaign(slug, campaigns), campaigns, options)) writeSync(file, piece);
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new AppError(
      "unavailable",
      `the campaign is made, but ${path} cannot be written (${code}); do-intent campaign export ${slug} prints it`,
    );
  }
}

function createdText({
  name,
  slug,
  leads,
  duplicates,
  suppressed,
  rejected,
  problems,
  encoding,
  honeypot_url,
}: CreatedAnswer): string {
  const shown = problems.slice(0, PROBLEMS_SHOWN).map(({ line, reason }) => `  line ${line}: ${reason}`);
  const more = rejected - shown.length;
  return [
    `${name} (${slug}): ${count(leads, "lead")}, ${count(duplicates, "duplicate")} folded, ${suppressed} not to be processed, ${count(rejected, "row")} refused`,
    ...shown,
    ...(more > 0 ? [`  and ${more.toLocaleString("en")} more`] : []),
    ...(encoding === "utf-8" ? [] : [`  read as ${encoding}`]),
    `for a link that no person sees: ${honeypot_url}`,
  ].join("\n");
}

function count(amount: number, what: string): string {
  return `${amount.toLocaleString("en")} ${what}${amount === 1 ? "" : "s"}`;
}

/** On the command line a field is a flag. */
function inWordsOfFlags<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof AppError) || error.field === null) throw error;
    const flag = FLAGS[error.field.split(".")[0] ?? ""];
    throw flag === undefined ? error : new AppError(error.code, `${flag} ${error.message}`);
  }
}
