import { Database } from "bun:sqlite";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildExecutable, EXECUTABLE } from "../../executable/executable.ts";

export const secretKey = "sk_0123456789abcdef0123456789abcdef";

export type StoredEvent = {
  event_id: string;
  anonymous_id: string;
  name: string;
  occurred_at: number;
  session_id: string;
  url: string;
  referrer: string;
  bot: string | null;
  properties: Record<string, unknown>;
};

export type Server = {
  port: number;
  events(): StoredEvent[];
  kill(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
};

/** Starts the executable and reads from what it prints where it listens. */
async function spawn(args: readonly string[]) {
  await buildExecutable();
  const child = Bun.spawn([EXECUTABLE, ...args], {
    env: { DO_INTENT_SECRET_KEY: secretKey },
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  let said = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the server did not start: ${said}`);
    said += new TextDecoder().decode(value);
    const found = /listens on (http:\/\/\S+:(\d+))/.exec(said);
    if (!found) continue;
    // Read on, so that a full pipe never stops the server.
    void (async () => {
      while (!(await reader.read()).done);
    })();
    return { child, url: `${found[1]}`, port: Number(found[2]) };
  }
}

export async function startDemo() {
  const { child, url } = await spawn(["demo", "--port", "0"]);
  return {
    url,
    // Asked and not killed, so that it takes its folder along.
    close: async () => {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

/** The real server on a data folder of its own. What it stored is read from its file. */
export async function startServer(flags: readonly string[] = []): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "do-intent-e2e-"));
  const serve = (at: number) => spawn(["serve", "--data", folder, "--port", `${at}`, "--log", "json", ...flags]);
  let { child, port } = await serve(0);
  const database = new Database(join(folder, "do-intent.db"), { readonly: true });
  const query = database.query<Omit<StoredEvent, "properties"> & { properties: string | null }, []>(
    `select event_id, value as anonymous_id, name, occurred_at, session_id, url, referrer, bot, properties
     from event join identity using (identity_id) order by event_seq`,
  );
  return {
    port,
    events: () => query.all().map((row) => ({ ...row, properties: JSON.parse(row.properties ?? "{}") })),
    kill: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
    restart: async () => {
      ({ child, port } = await serve(port));
    },
    close: async () => {
      database.close();
      child.kill("SIGKILL");
      await child.exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
