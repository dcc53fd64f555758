import packageJson from "../package.json" with { type: "json" };
import { runCalibrate } from "./commands/calibrate.ts";
import { runConfig } from "./commands/config.ts";
import { runConfigTry } from "./commands/config-try.ts";
import { runDemo } from "./commands/demo.ts";
import { runDestinations } from "./commands/destinations.ts";
import { runExplain } from "./commands/explain.ts";
import { runRescore } from "./commands/rescore.ts";
import { serve } from "./commands/serve.ts";
import { runSnippet } from "./commands/snippet.ts";
import { type Command, parseCommand } from "./config/flags.ts";
import { helpText } from "./config/help.ts";
import { AppError } from "./core/error.ts";
// A thread for reports runs this same file, since an executable has no other.
import "./report-worker.ts";

const { version } = packageJson;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** For what is told about the output and must not end up in it. */
function writeBeside(line: string): void {
  process.stderr.write(`${line}\n`);
}

function fail(message: string, code: number): number {
  process.stderr.write(`do-intent: ${message}\n`);
  return code;
}

async function run(command: Command): Promise<number> {
  switch (command.name) {
    case "serve":
      return serve(command.options, version, write);
    case "config try":
      return runConfigTry(command.options, Date.now(), write);
    case "config check":
    case "config print":
    case "config schema":
      return runConfig(command, write);
    case "explain":
      return runExplain(command.options, Date.now(), write);
    case "calibrate":
      return runCalibrate(command.options, Date.now(), write, writeBeside);
    case "rescore":
      return runRescore(command.options, Date.now(), write);
    case "destinations":
    case "destinations test":
    case "destinations replay":
      return runDestinations(command, Date.now(), write);
    case "snippet":
      return runSnippet(command, write);
    case "demo":
      return runDemo(command, version, write);
    case "version":
      write(version);
      return 0;
    case "help":
      write(helpText(version));
      return 0;
  }
}

/** Whoever reads our lines may go, as `head` does; that is no reason to end. */
function outliveReaders(): void {
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
}

async function main(): Promise<number> {
  outliveReaders();
  const parsed = parseCommand(process.argv.slice(2), process.env);
  if (parsed.problem !== undefined) return fail(parsed.problem, EXIT_USAGE);
  try {
    return await run(parsed.command);
  } catch (error) {
    if (error instanceof AppError) return fail(error.message, EXIT_FAILED);
    throw error;
  }
}

// Not awaited at the top level: bytecode knows no modules that wait.
if (Bun.isMainThread) {
  main().then((code) => {
    process.exitCode = code;
  });
}
