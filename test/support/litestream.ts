import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";

/** The real program, as npm carries it for this kind of machine. */
const PROGRAM = join(
  dirname(fileURLToPath(import.meta.resolve("@flydotio/litestream"))),
  `../litestream-${process.platform}-${process.arch}/litestream`,
);

/** For tests that are left out without it. */
export const hasLitestream = existsSync(PROGRAM);
if (!hasLitestream) console.warn("there is no litestream for this kind of machine: the test with it is left out");

/** It looks for changes once a second unless told otherwise. */
const HASTE = { "monitor-interval": "50ms" };

export type Litestream = {
  /** All it has said. */
  log(): string;
  /** Ends it; what it says of that depends on what it was at. */
  stop(): Promise<void>;
  /** Brings the copy, as it is by now, to another place. */
  restore(to: string): void;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Copies a database to a folder, as a page's litestream.yml says, but for places and times. */
export async function startLitestream(yaml: string, database: string, replica: string): Promise<Litestream> {
  const { dbs } = Bun.YAML.parse(yaml) as { dbs: { path: string; replicas: { url: string }[] }[] };
  const config = join(replica, "..", "litestream.yml");
  const placed = dbs.map((db) => ({
    ...db,
    ...HASTE,
    path: database,
    replicas: db.replicas.map((one) => ({ ...one, url: `file://${replica}`, "sync-interval": "50ms" })),
  }));
  writeFileSync(config, JSON.stringify({ dbs: placed }));
  const program = Bun.spawn([PROGRAM, "replicate", "-config", config], { stdout: "pipe", stderr: "pipe" });
  let said = "";
  const listen = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) said += decoder.decode(chunk, { stream: true });
  };
  const ended = Promise.all([program.exited, listen(program.stdout), listen(program.stderr)]);
  const stop = async (): Promise<void> => {
    program.kill("SIGTERM");
    await ended;
  };
  await eventually(() => existsSync(join(replica, "generations")), "a first copy");
  return {
    log: () => said,
    stop,
    restore: (to) => {
      const restored = Bun.spawnSync([PROGRAM, "restore", "-config", config, "-o", to, database]);
      if (restored.exitCode !== 0)
        throw new Error(`litestream could not restore: ${restored.stdout}${restored.stderr}`);
    },
    [Symbol.asyncDispose]: async () => {
      program.kill("SIGKILL");
      await ended;
    },
  };
}
