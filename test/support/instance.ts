import { Database } from "bun:sqlite";
import { join } from "node:path";
import { parseIntentConfig } from "../../src/config/intent.ts";
import type { TrackerScript } from "../../src/features/tracker/routes.ts";
import type { ErrorBody } from "../../src/http/errors.ts";
import { createLog } from "../../src/http/log.ts";
import { createInstance, type Instance } from "../../src/instance/instance.ts";
import { temporaryFolder } from "./folder.ts";

export const NOON_MS = Date.UTC(2026, 5, 1, 12);
export const SECRET_KEY = "sk_test_0123456789abcdef";
export const BROWSER =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36";

const THREAD_SCRIPT = join(import.meta.dir, "../../src/threads/worker.ts");

export type SentHeaders = { readonly [name: string]: string };
export type Answer<Body = ErrorBody> = { status: number; headers: Headers; text: string; body: Body };

export type StartOptions = {
  /** What an intent.json would say. */
  intent?: object;
  origins?: readonly string[];
  /** The tracker as it is served; without it there is none. */
  script?: TrackerScript;
  /** A data folder that outlives this instance; whoever made it removes it. */
  dataFolder?: string;
  /** A line for each request. */
  logRequests?: boolean;
  /** Whether nobody takes the lines that are logged. */
  isLogBehind?: () => boolean;
};

/** One server without its socket, on a real file, with a clock that the test turns by hand. */
export type TestInstance = Instance & {
  clock: { nowMs: number };
  dataFolder: string;
  logged: string[];
  /** Sends what a browser would; a string or a stream goes out as it is, all else as JSON. */
  post<Body = ErrorBody>(path: string, body: unknown, headers?: SentHeaders): Promise<Answer<Body>>;
  /** The same with the secret key. */
  postSecret<Body = ErrorBody>(path: string, body: unknown, headers?: SentHeaders): Promise<Answer<Body>>;
  get<Body = ErrorBody>(path: string, headers?: SentHeaders): Promise<Answer<Body>>;
  getSecret<Body = ErrorBody>(path: string): Promise<Answer<Body>>;
  /** Reads what is committed, over a connection of its own. */
  rows<Row>(sql: string, ...values: (string | number)[]): Row[];
  configureIntent(intent: object): void;
  [Symbol.asyncDispose](): Promise<void>;
};

export const withSecret = { authorization: `Bearer ${SECRET_KEY}` };

export function startInstance(options: StartOptions = {}): TestInstance {
  const own = options.dataFolder === undefined ? temporaryFolder() : null;
  const folder = options.dataFolder ?? own?.path ?? "";
  const clock = { nowMs: NOON_MS };
  const logged: string[] = [];
  const loaded = loadIntent(options.intent ?? {});
  const instance = createInstance({
    dataFolder: folder,
    durability: "normal",
    origins: options.origins ?? [],
    secretKey: SECRET_KEY,
    config: loaded.config,
    configHash: loaded.hash,
    version: "0.0.0-test",
    log: createLog("json", (line) => logged.push(line)),
    logRequests: options.logRequests ?? false,
    isLogBehind: options.isLogBehind ?? (() => false),
    script: options.script ?? { files: [], eventsPath: "/v1/e" },
    clock: () => clock.nowMs,
    threadScript: THREAD_SCRIPT,
  });
  const reader = new Database(join(folder, "do-intent.db"), { readonly: true, strict: true });
  const send = async <Body>(path: string, init: RequestInit): Promise<Answer<Body>> => {
    const response = await instance.app.handle(new Request(`http://localhost${path}`, init));
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parseBody(text) as Body };
  };
  const post = <Body = ErrorBody>(path: string, body: unknown, headers: SentHeaders = {}): Promise<Answer<Body>> =>
    send<Body>(path, {
      method: "POST",
      headers: { "content-type": "text/plain;charset=UTF-8", "user-agent": BROWSER, ...headers },
      body: typeof body === "string" || body instanceof ReadableStream ? body : JSON.stringify(body),
    });
  const get = <Body = ErrorBody>(path: string, headers: SentHeaders = {}): Promise<Answer<Body>> =>
    send<Body>(path, { headers });
  return {
    ...instance,
    dataFolder: folder,
    clock,
    logged,
    post,
    postSecret: (path, body, headers) => post(path, body, { ...withSecret, ...headers }),
    get,
    getSecret: (path) => get(path, withSecret),
    rows: <Row>(sql: string, ...values: (string | number)[]) => reader.query(sql).all(...values) as Row[],
    configureIntent: (intent) => {
      const { config, hash } = loadIntent(intent);
      instance.configure(config, hash);
    },
    [Symbol.asyncDispose]: async () => {
      reader.close();
      await instance.close();
      own?.[Symbol.dispose]();
    },
  };
}

function loadIntent(intent: object) {
  const parsed = parseIntentConfig(JSON.stringify(intent));
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join("\n"));
  return parsed;
}

/** Not every answer is JSON: a preflight's is empty. */
function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
