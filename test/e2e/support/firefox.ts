import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const executablePath = "/usr/bin/firefox-esr";
const preferences = {
  "app.normandy.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "http://127.0.0.1:9/none",
};

/** Whether there is one, or could be made one: it is Debian's, and only root may install it. */
export function hasFirefox(): boolean {
  if (!existsSync(executablePath) && process.getuid?.() === 0) {
    Bun.spawnSync(["apt-get", "install", "-y", "--no-install-recommends", "firefox-esr"], {
      stdout: "ignore",
      stderr: "ignore",
    });
  }
  return existsSync(executablePath);
}

export type Tab = {
  goto(url: string): Promise<void>;
  evaluate(expression: string): Promise<unknown>;
  back(): Promise<void>;
  close(): Promise<void>;
};

/** Firefox through the WebDriver BiDi that it brings along. */
export async function startFirefox(wanted: Record<string, boolean | number> = {}) {
  const profile = await mkdtemp(join(tmpdir(), "do-intent-firefox-"));
  const lines = Object.entries({ ...preferences, ...wanted }).map(
    ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`,
  );
  await Bun.write(join(profile, "user.js"), lines.join("\n"));
  const child = Bun.spawn(
    [executablePath, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"],
    { stdout: "ignore", stderr: "pipe" },
  );
  const address = await listening(child.stderr);
  const socket = new WebSocket(`${address}/session`);
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  let last = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id, type, result, message } = JSON.parse(data);
    const asked = waiting.get(id);
    waiting.delete(id);
    if (type === "error") asked?.reject(new Error(message));
    else asked?.resolve(result);
  });

  function send<Result>(method: string, params: object): Promise<Result> {
    const id = ++last;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve: (result) => resolve(result as Result), reject });
      socket.send(JSON.stringify({ id, method, params }));
    });
  }

  await send("session.new", { capabilities: {} });
  return {
    async tab(): Promise<Tab> {
      const { context } = await send<{ context: string }>("browsingContext.create", { type: "tab" });
      return {
        goto: (url) => send("browsingContext.navigate", { context, url, wait: "complete" }),
        back: () => send("browsingContext.traverseHistory", { context, delta: -1 }),
        close: () => send("browsingContext.close", { context }),
        async evaluate(expression) {
          const { result } = await send<{ result: { value?: unknown } }>("script.evaluate", {
            expression,
            target: { context },
            awaitPromise: true,
          });
          return result?.value;
        },
      };
    },
    async close() {
      socket.close();
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
    if (done) throw new Error(`Firefox did not start: ${said}`);
    said += new TextDecoder().decode(value);
    const found = /listening on (ws:\/\/\S+)/.exec(said)?.[1];
    if (found === undefined) continue;
    // Read on, so that a full pipe never stops the browser.
    void (async () => {
      while (!(await reader.read()).done);
    })();
    return found;
  }
}
