import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.ts";

/** A browser with what is real about it: settings of its own, tabs that are hidden, processes that die. */
export type Driven = {
  /** Somebody who was never here: nothing is kept yet. */
  guest(): Promise<Guest>;
  /** Takes every process that shows a page, as a crash or the machine's memory would; the browser has noticed. */
  crash(): Promise<void>;
  close(): Promise<void>;
};

export type Guest = {
  /** In front, if nothing else is said: then the guest's other tabs are hidden. */
  tab(where?: "in front" | "behind"): Promise<Tab>;
  cookies(): Promise<{ name: string; value: string; domain: string; sameSite: string }[]>;
  clearCookies(): Promise<void>;
  /** Closes what is open, and keeps nothing. */
  leave(): Promise<void>;
};

export type Tab = {
  goto(url: string): Promise<void>;
  /** Statements and promises too; what comes back is text, a number, a boolean or nothing. */
  evaluate(script: string): Promise<unknown>;
  back(): Promise<void>;
  show(): Promise<void>;
  setOffline(offline: boolean): Promise<void>;
  close(): Promise<void>;
};

/** Starts a browser on a profile of its own, and connects to it where it says that it listens. */
export async function startDriven(program: string, file: string, content: string, args: (profile: string) => string[]) {
  const profile = await mkdtemp(join(tmpdir(), "do-intent-profile-"));
  await Bun.write(join(profile, file), content);
  const child = Bun.spawn([program, ...args(profile)], { stdout: "ignore", stderr: "pipe" });
  const address = await listening(child.stderr);
  return {
    address,
    /** Ends those of its processes whose command line matches, and waits until they were missed. */
    async kill(which: RegExp) {
      const killed = descendants(child.pid).filter(({ line }) => which.test(line));
      for (const { pid } of killed) process.kill(pid, "SIGKILL");
      await until("the dead to be taken away", () => killed.every(({ pid }) => !existsSync(`/proc/${pid}`)));
    },
    async close() {
      child.kill("SIGKILL");
      await child.exited;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function listening(stderr: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const reader = stderr.getReader();
  let said = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the browser did not start: ${said}`);
    said += new TextDecoder().decode(value);
    const found = /listening on (ws:\/\/\S+)\s/.exec(said)?.[1];
    if (found === undefined) continue;
    // Read on, so that a full pipe never stops the browser.
    void (async () => {
      while (!(await reader.read()).done);
    })();
    return found;
  }
}

function descendants(root: number): { pid: number; line: string }[] {
  const all = readdirSync("/proc").flatMap((name) => {
    try {
      const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "utf8")) ?? [];
      return [{ pid: Number(name), parent: Number(parent), line: readFileSync(`/proc/${name}/cmdline`, "utf8") }];
    } catch {
      // No process, or not any more.
      return [];
    }
  });
  const below = (pid: number): typeof all =>
    all.filter(({ parent }) => parent === pid).flatMap((one) => [one, ...below(one.pid)]);
  return below(root);
}

type Answer = { id: number; type?: string; message?: string; error?: { message: string }; result: unknown };

/** Sends commands and hands back their answers, the same for the protocols of both browsers. */
export async function openWire(address: string) {
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error(`nobody at ${address}`)), { once: true });
  });
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  let last = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id, type, message, error, result } = JSON.parse(data) as Answer;
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error || type === "error") asked?.reject(new Error(error?.message ?? message));
    else asked?.resolve(result);
  });
  socket.addEventListener("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("the browser has gone"));
  });
  return {
    /** `more` stands beside the parameters. */
    send<Result>(method: string, params: object = {}, more: object = {}): Promise<Result> {
      const id = ++last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve: (result) => resolve(result as Result), reject });
        socket.send(JSON.stringify({ id, method, params, ...more }));
      });
    },
    close: () => socket.close(),
  };
}
