import { parseIntentConfig } from "../../../src/config/intent.ts";
import { loadScript } from "../../../src/features/tracker/routes.ts";
import { createLog } from "../../../src/http/log.ts";
import { createInstance } from "../../../src/instance/instance.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { secretKey } from "./server.ts";

/** The server within the test, because there time can be moved; the released program has no hook for that. */
export async function startInProcess(intent: object, clock: () => number) {
  const folder = temporaryFolder();
  const parsed = parseIntentConfig(JSON.stringify(intent));
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join());
  const instance = createInstance({
    dataFolder: folder.path,
    durability: "normal",
    origins: [],
    secretKey,
    config: parsed.config,
    configHash: parsed.hash,
    version: "0.0.0-test",
    log: createLog("json", () => {}),
    script: await loadScript(parsed.config.tracker),
    clock,
    threadScript: `${import.meta.dirname}/../../../src/threads/worker.ts`,
  });
  let port = 0;
  return {
    app: instance.app,
    /** Gives the port. */
    listen(): number {
      instance.app.listen({ hostname: "127.0.0.1", port: 0 });
      port = instance.app.server?.port ?? 0;
      return port;
    },
    /** What the secret key may read, or do with a body. */
    async ask<Body>(path: string, body?: string): Promise<Body> {
      const headers = { authorization: `Bearer ${secretKey}`, "content-type": "application/json" };
      const init = body === undefined ? {} : { method: "POST", body };
      return (await fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers })).json() as Promise<Body>;
    },
    async close() {
      await instance.app.server?.stop(true);
      await instance.close();
      folder[Symbol.dispose]();
    },
  };
}

export type InProcess = Awaited<ReturnType<typeof startInProcess>>;
