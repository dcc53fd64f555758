import type { Subprocess } from "bun";
import { EXECUTABLE } from "../executable/executable.ts";

/** One run of the real executable, from its start to its end by a signal. */
export type Server = {
  /** Where it listens; null when it ended before it did. */
  url: Promise<string | null>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<number | null>;
  output(): string;
  pid: number;
};

export function launch(folder: string, args: readonly string[], env: { [variable: string]: string }): Server {
  const child: Subprocess<"ignore", "pipe", "pipe"> = Bun.spawn(
    [EXECUTABLE, "serve", "--port", "0", "--host", "127.0.0.1", "--log", "json", ...args],
    { cwd: folder, env: { PATH: folder, HOME: folder, ...env }, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  let text = "";
  const { promise: url, resolve } = Promise.withResolvers<string | null>();
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      const found = /listens on (\S+)\s/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    }
  };
  const ended = Promise.all([child.exited, collect(child.stdout), collect(child.stderr)]).then(() => {
    resolve(null);
    return child.exitCode;
  });
  return { url, ended, kill: (signal) => child.kill(signal), output: () => text, pid: child.pid };
}
