import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import type { Block } from "./markdown.ts";

const root = join(import.meta.dirname, "../..");
/** Parts the blocks in what comes out; in ASCII it means just that. */
const SEPARATOR = "\u001e";
const TIMEOUT_MS = 60_000;

export type TourResult = {
  exitCode: number;
  /** What each block printed; null for one that was left out. */
  outputs: (string | null)[];
  errors: string;
};

/** Runs the blocks in one shell, in a folder that looks like a clone after the build. */
export async function runTour(blocks: readonly Block[]): Promise<TourResult> {
  using folder = temporaryFolder();
  placeExecutable(join(folder.path, "dist"));
  symlinkSync(join(root, "node_modules"), join(folder.path, "node_modules"));
  const [port, hookPort] = await freePorts(2);
  const errorsPath = join(folder.path, "errors.txt");
  const isRun = blocks.map(({ words }) => words.every((program) => Bun.which(program) !== null));
  const script = [
    `exec 2> '${errorsPath}'`,
    "trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT",
    "set -e",
    ...blocks.flatMap(({ text }, index) => [isRun[index] === true ? text : "", `printf '${SEPARATOR}'`]),
  ].join("\n");
  const shell = Bun.spawn(["bash"], {
    cwd: folder.path,
    stdin: new Blob([script]),
    stdout: "pipe",
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: `${port}`, HOOK_PORT: `${hookPort}` },
    timeout: TIMEOUT_MS,
  });
  const printed = (await new Response(shell.stdout).text()).split(SEPARATOR);
  const exitCode = await shell.exited;
  const outputs = blocks.map((_, index) => (isRun[index] === true ? (printed[index] ?? "") : null));
  return { exitCode, outputs, errors: readFileSync(errorsPath, "utf8") };
}

/** The built executable where one is given, else the same program from its sources. */
function placeExecutable(folder: string): void {
  mkdirSync(folder);
  const path = join(folder, "do-intent");
  const built = process.env.DO_INTENT_EXECUTABLE;
  if (built !== undefined) {
    symlinkSync(built, path);
    return;
  }
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${join(root, "src/main.ts")}' "$@"\n`);
  chmodSync(path, 0o755);
}

/** Ports that are free now: all of them are held at once, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => {
            const address = server.address();
            resolve(typeof address === "object" && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
