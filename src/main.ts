import packageJson from "../package.json" with { type: "json" };
import { runAudit } from "./commands/audit.ts";
import { runBackup } from "./commands/backup.ts";
import { runCalibrate } from "./commands/calibrate.ts";
import { runCampaignCreate, runCampaignExport } from "./commands/campaign.ts";
import { runConfig } from "./commands/config.ts";
import { runConfigTry } from "./commands/config-try.ts";
import { runDemo } from "./commands/demo.ts";
import { runDestinations } from "./commands/destinations.ts";
import { runDoctor } from "./commands/doctor.ts";
import { runExplain } from "./commands/explain.ts";
import { runExport } from "./commands/export.ts";
import { runInstallService } from "./commands/install-service.ts";
import { runKeys } from "./commands/keys.ts";
import { runMerges } from "./commands/merges.ts";
import { writeLine as write } from "./commands/output.ts";
import { runPeopleErase, runPeopleExport } from "./commands/people.ts";
import type { Terminal } from "./commands/progress.ts";
import { runReport } from "./commands/report.ts";
import { runRescore } from "./commands/rescore.ts";
import { runRestore } from "./commands/restore.ts";
import { serve } from "./commands/serve.ts";
import { runSnippet } from "./commands/snippet.ts";
import type { Command, CommandName } from "./config/commands.ts";
import { parseCommand } from "./config/flags.ts";
import { helpText } from "./config/help.ts";
import { AppError } from "./core/error.ts";
import { storageRefusal } from "./core/storage-fault.ts";
// A thread for reports runs this same file, since an executable has no other.
import "./threads/worker.ts";

const { version } = packageJson;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

function print(text: string): void {
  process.stdout.write(text);
}

/** Resolves when the text is taken: whoever writes much waits for whoever reads slowly. */
function printed(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()));
}

/** Where somebody watches: what is drawn there goes beside the output. */
function terminal(): Terminal {
  const { isTTY, columns } = process.stderr;
  return isTTY ? { columns, write: (text) => void process.stderr.write(text) } : null;
}

/** For what is told about the output and must not end up in it. */
function writeBeside(line: string): void {
  process.stderr.write(`${line}\n`);
}

function fail(message: string, code: number): number {
  process.stderr.write(`do-intent: ${message}\n`);
  return code;
}

type Runners = {
  [Name in CommandName]: (command: Extract<Command, { name: Name }>) => number | Promise<number>;
};

/** What each command does; each stands in a file of its own. */
const RUNNERS: Runners = {
  serve: ({ options }) => serve(options, version, write),
  "config check": (command) => runConfig(command, write),
  "config try": ({ options }) => runConfigTry(options, Date.now(), write),
  "config print": (command) => runConfig(command, write),
  "config schema": (command) => runConfig(command, write),
  explain: ({ options }) => runExplain(options, Date.now(), write),
  rescore: ({ options }) => runRescore(options, Date.now(), write),
  calibrate: ({ options }) => runCalibrate(options, Date.now(), write, writeBeside),
  destinations: (command) => runDestinations(command, Date.now(), write),
  "destinations test": (command) => runDestinations(command, Date.now(), write),
  "destinations replay": (command) => runDestinations(command, Date.now(), write),
  "keys list": (command) => runKeys(command, Date.now(), write, writeBeside),
  "keys create": (command) => runKeys(command, Date.now(), write, writeBeside),
  "keys revoke": (command) => runKeys(command, Date.now(), write, writeBeside),
  "campaign create": ({ options }) => runCampaignCreate(options, Date.now, write, terminal()),
  "campaign export": ({ options }) => runCampaignExport(options, print),
  report: ({ options }) => runReport(options, Date.now(), print),
  merges: (command) => runMerges(command, write, writeBeside),
  "merges undo": (command) => runMerges(command, write, writeBeside),
  reviews: (command) => runMerges(command, write, writeBeside),
  "reviews approve": (command) => runMerges(command, write, writeBeside),
  "reviews reject": (command) => runMerges(command, write, writeBeside),
  doctor: ({ options }) => runDoctor(options, Date.now(), write),
  "people erase": ({ options }) => runPeopleErase(options, Date.now(), write),
  "people export": ({ options }) => runPeopleExport(options, Date.now(), printed),
  audit: ({ options }) => runAudit(options, write),
  export: ({ options }) => runExport(options, Date.now(), sink, process.stdout.isTTY ? null : terminal()),
  backup: ({ options }) => runBackup(options, write),
  restore: ({ options }) => runRestore(options, Date.now(), write),
  "install-service": ({ options }) => runInstallService(options, write, writeBeside),
  snippet: (command) => runSnippet(command, write, writeBeside),
  demo: (command) => runDemo(command, version, write),
  version: () => told(version),
  help: () => told(helpText(version)),
};

function told(text: string): number {
  write(text);
  return 0;
}

/** No more is made than somebody takes. */
function sink(text: string): Promise<boolean> {
  const { stdout } = process;
  if (stdout.destroyed) return Promise.resolve(false);
  if (stdout.write(text)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (isRead: boolean) => () => {
      stdout.off("drain", drained).off("close", closed).off("error", closed);
      resolve(isRead);
    };
    const drained = settle(true);
    const closed = settle(false);
    stdout.on("drain", drained).on("close", closed).on("error", closed);
  });
}

/** What keeps the output from being written, such as a full disk. */
let outputFault: string | null = null;

/** Whoever reads our lines may go, as `head` does; that is no reason to end. */
function outliveReaders(): void {
  process.stdout.on("error", ({ code = "unknown" }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE") outputFault = code;
  });
  process.stderr.on("error", () => undefined);
}

/** What was cut off must not pass for all there is; but a server's lines are not what it is for. */
async function outputCode(name: CommandName, code: number): Promise<number> {
  if (name === "serve" || name === "demo") return code;
  await printed("");
  // The stream tells of a fault a moment after it had it.
  await new Promise((resolve) => setImmediate(resolve));
  if (outputFault === null) return code;
  return fail(`the output could not be written to its end (${outputFault}); make room and run it again`, EXIT_FAILED);
}

async function main(): Promise<number> {
  outliveReaders();
  // What any command stores is about people: for the user that runs it alone.
  process.umask(0o077);
  const parsed = parseCommand(process.argv.slice(2), process.env);
  if (parsed.problem !== undefined) return fail(parsed.problem, EXIT_USAGE);
  try {
    const run = RUNNERS[parsed.command.name] as (command: Command) => number | Promise<number>;
    return await outputCode(parsed.command.name, await run(parsed.command));
  } catch (error) {
    const known = error instanceof AppError ? error : storageRefusal(error);
    if (known !== null) return fail(known.message, EXIT_FAILED);
    throw error;
  }
}

// Not awaited at the top level: bytecode knows no modules that wait.
if (Bun.isMainThread) {
  main().then((code) => {
    process.exitCode = code;
  });
}
