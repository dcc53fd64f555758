import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";

const ROOT = join(import.meta.dir, "..", "..");
const GIVEN = process.env.DO_INTENT_EXECUTABLE;
export const EXECUTABLE = GIVEN ?? join(ROOT, "dist", "do-intent");

/** Builds the executable when there is none, or when anything it is made of is newer; one that is named is taken as it is. */
export async function buildExecutable(): Promise<void> {
  if (GIVEN !== undefined) return;
  const sources = ["src", "drizzle", "tracker", "package.json"].map((name) => newestMs(join(ROOT, name)));
  if (modifiedMs(EXECUTABLE) >= Math.max(...sources)) return;
  const build = Bun.spawn([process.execPath, "run", "build"], { cwd: ROOT, stdout: "ignore", stderr: "pipe" });
  const complaints = await new Response(build.stderr).text();
  if ((await build.exited) !== 0) throw new Error(`the executable could not be built: ${complaints}`);
}

function newestMs(path: string): number {
  if (!statSync(path).isDirectory()) return modifiedMs(path);
  const names = readdirSync(path).filter((name) => name !== "dist");
  return Math.max(0, ...names.map((name) => newestMs(join(path, name))));
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

export type Run = { code: number; out: string; err: string };

type Environment = { [variable: string]: string };

/** Nothing of this process's surroundings: neither bun nor node can be found, no variable holds. */
function bareEnvironment(folder: string, env: Environment): Environment {
  return { PATH: folder, HOME: folder, ...env };
}

/** Runs a command to its end. */
export async function run(folder: string, args: string[], env: Environment = {}): Promise<Run> {
  const child = Bun.spawn([EXECUTABLE, ...args], {
    cwd: folder,
    env: bareEnvironment(folder, env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, err };
}

export type Server = {
  url: string;
  writeKey: string;
  /** As printed; null when it was not. */
  secretKey: string | null;
  /** All it has printed so far. */
  output(): string;
  /** Waits for a number of lines with this in them. */
  printed(text: string, count?: number): Promise<string>;
  signal(name: NodeJS.Signals): void;
  /** Signals and waits for the end. */
  end(name: NodeJS.Signals): Promise<number | null>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Starts `serve` in a folder on a free port, and waits until it says where it listens. */
export async function startServer(
  folder: string,
  args: string[] = [],
  env: Environment = {},
  program = EXECUTABLE,
): Promise<Server> {
  const anyPort = args.includes("--port") ? [] : ["--port", "0"];
  const child = Bun.spawn([program, "serve", ...anyPort, "--host", "127.0.0.1", "--log", "json", ...args], {
    cwd: folder,
    env: bareEnvironment(folder, env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let text = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  };
  const closed = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const end = async (name: NodeJS.Signals): Promise<number | null> => {
    child.kill(name);
    await Promise.all([child.exited, closed]);
    return child.exitCode;
  };
  const isUp = (): boolean => {
    if (child.exitCode !== null) throw new Error(`the server did not start: ${text}`);
    return /^ {2}origins .*\n/m.test(text);
  };
  await eventually(isUp, "the server to listen");
  return {
    url: wordAfter(text, "do-intent listens on") ?? "",
    writeKey: wordAfter(text, "write key") ?? "",
    secretKey: wordAfter(text, "secret key"),
    output: () => text,
    printed: (wanted, count = 1) =>
      eventually(
        () => text.split("\n").filter((line) => line.includes(wanted))[count - 1],
        `${count} lines with ${wanted} in ${text}`,
      ),
    signal: (name) => child.kill(name),
    end,
    [Symbol.asyncDispose]: async () => {
      await end("SIGKILL");
    },
  };
}

function wordAfter(text: string, label: string): string | null {
  const line = text.split("\n").find((candidate) => candidate.trimStart().startsWith(label));
  return line?.split(label)[1]?.trim().split(" ")[0] ?? null;
}
