import type { ServeOptions } from "../config/commands.ts";
import { parseIntentConfig } from "../config/intent.ts";
import { readIntentConfig } from "../config/read.ts";
import { type ConfigWatch, type LoadedIntent, watchConfig } from "../config/watch.ts";
import { AppError } from "../core/error.ts";
import type { demoRoutes } from "../features/demo/routes.ts";
import { socketOptions } from "../features/live/limits.ts";
import { loadScript } from "../features/tracker/routes.ts";
import { createLog, type Log } from "../http/log.ts";
import { createInstance, type Instance } from "../instance/instance.ts";
import { givenSecretKey } from "../instance/keys.ts";
import { bannerText } from "./banner.ts";
import { isOutputBehind } from "./output.ts";

/** Of the five seconds that end it, deliveries under way take two more, and the checkpoint the last. */
const IN_FLIGHT_MAX_MS = 2_000;
/** Each route bounds what it reads and answers before the rest arrives; the socket's own limit would answer without a word. */
const REQUEST_BYTES_MAX = Number.MAX_SAFE_INTEGER;
const IDLE_TIMEOUT_S = 30;

/** Further pages, and the key that was made for them: nobody gave it, so it is shown. */
type Demo = { pages: ReturnType<typeof demoRoutes>; secretKey: string };

/** Runs the server until a signal ends it; resolves to the exit code. */
export async function serve(
  options: ServeOptions,
  version: string,
  write: (line: string) => void,
  demo?: Demo,
): Promise<number> {
  const log = createLog(options.log, write);
  const loaded = loadConfig(options.config);
  const instance = createInstance({
    dataFolder: options.data,
    durability: options.durability,
    origins: options.origins,
    secretKey: demo?.secretKey ?? givenSecretKey(options),
    config: loaded.config,
    configHash: loaded.hash,
    version,
    log,
    logRequests: options.logRequests,
    isLogBehind: isOutputBehind,
    script: await loadScript(loaded.config.tracker),
  });
  if (demo !== undefined) instance.app.use(demo.pages);
  const watch = options.config === null ? null : watchIntent(options.config, loaded, instance, log);
  try {
    listen(instance, options);
  } catch (error) {
    watch?.stop();
    await instance.close();
    throw new AppError(
      "conflict",
      `cannot listen on ${options.host}:${options.port}: ${codeOf(error)}; choose another --port or --host`,
    );
  }
  instance.keys.persist();
  // Whoever reads that it listens may tell it to stop at once.
  const asked = untilAsked(watch);
  write(
    bannerText({
      options,
      port: instance.app.server?.port ?? options.port,
      keys: instance.keys,
      configHash: loaded.hash,
      publicUrl: loaded.config.public_url ?? null,
    }),
  );
  await asked;
  watch?.stop();
  await stop(instance);
  log.info("stopped");
  return 0;
}

/** The config to start with; unlike a reload, a start has no last good one to fall back to. */
export function loadConfig(path: string | null): LoadedIntent {
  const parsed = path === null ? parseIntentConfig("{}") : readIntentConfig(path);
  if (parsed.problems === undefined) return parsed;
  throw new AppError("invalid", [`${path ?? "the default config"} does not hold:`, ...parsed.problems].join("\n  "));
}

function watchIntent(path: string, loaded: LoadedIntent, instance: Instance, log: Log): ConfigWatch {
  return watchConfig({
    path,
    loaded,
    onChange: ({ config, hash }) => {
      instance.configure(config, hash);
      log.info("config_changed", { config_hash: hash });
    },
    onBroken: (problems) => {
      instance.setConfigProblem(problems[0] ?? "does not hold");
      for (const problem of problems) log.error("config_broken", { problem, in_force: "the last good config" });
    },
  });
}

/** Opens the socket: the one that tests send hostile bytes to. */
export function listen({ app }: Pick<Instance, "app">, { host, port }: Pick<ServeOptions, "host" | "port">): void {
  app.listen({
    hostname: host,
    port,
    maxRequestBodySize: REQUEST_BYTES_MAX,
    idleTimeout: IDLE_TIMEOUT_S,
    reusePort: false,
    websocket: socketOptions(),
  });
}

/** Waits for the word to stop; SIGHUP reads the config again meanwhile. */
function untilAsked(watch: ConfigWatch | null): Promise<void> {
  return new Promise((resolve) => {
    process.on("SIGHUP", () => watch?.reload());
    process.on("SIGTERM", resolve);
    process.on("SIGINT", resolve);
  });
}

/** No new connection, an answer to what is under way, then a clean file. */
async function stop(instance: Instance): Promise<void> {
  const retired = instance.retire();
  const answered = instance.app.server?.stop(false);
  // The timer must not keep the process once there is nothing left to wait for.
  const isLate = new Promise((resolve) => setTimeout(resolve, IN_FLIGHT_MAX_MS).unref());
  await Promise.race([isLate, Promise.all([retired, Promise.race([answered, idle(instance)])])]);
  await instance.engine.drain();
  await instance.app.server?.stop(true);
  await instance.close();
}

/** Kept-alive connections stay open without a request in them; what counts are the requests. */
async function idle({ app }: Instance): Promise<void> {
  while ((app.server?.pendingRequests ?? 0) > 0) await Bun.sleep(IDLE_POLL_MS);
}

const IDLE_POLL_MS = 10;

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "it failed";
}
