import { compileRules } from "../core/compile.ts";
import { AppError } from "../core/error.ts";
import { createEngine, type Engine } from "../engine/engine.ts";
import { describeFault } from "../http/errors.ts";
import { createLog } from "../http/log.ts";
import { signedLinks } from "../http/signed-link.ts";
import { deliveryRows } from "../jobs/deliver-rows.ts";
import { openDatabase } from "../store/sqlite/database.ts";
import { createDeliveryStore } from "../store/sqlite/delivery.ts";
import { ensureInstanceSecret } from "../store/sqlite/instance-secret.ts";
import { createSqliteStore } from "../store/sqlite/store.ts";
import { loadConfig } from "./serve.ts";

export type OfflineOptions = { data: string; config: string | null };

/**
 * Lets an engine decide on a data folder that no server has: it takes the folder's lock, since two engines would each
 * know half of the truth. What is signalled waits in the folder, and the next start sends it.
 */
export async function decideOffline<Result>(
  { data, config: path }: OfflineOptions,
  work: (engine: Engine) => Promise<Result>,
  writeBeside: (line: string) => void,
): Promise<Result> {
  const { config, hash } = loadConfig(path);
  const rules = compileRules(config, hash);
  const log = createLog("pretty", writeBeside);
  const { database, checkInPlace, close } = openFree(data);
  const secret = ensureInstanceSecret(database, Date.now());
  const deliveries = createDeliveryStore(database);
  const engine = createEngine({
    store: createSqliteStore(database, checkInPlace),
    clock: Date.now,
    rules: () => rules,
    insertDeliveries: (crossings) => {
      const context = { linkTo: signedLinks(config.public_url, secret, Date.now()), nowMs: Date.now() };
      for (const crossing of crossings) deliveries.insert(deliveryRows(crossing, config.destinations, context, log));
    },
    onSignals: () => undefined,
    onFault: (error) => log.error("engine_fault", { fault: describeFault(error) }),
  });
  try {
    const result = await work(engine);
    await engine.drain();
    return result;
  } finally {
    close();
  }
}

function openFree(data: string): ReturnType<typeof openDatabase> {
  try {
    return openDatabase(data, "full");
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "conflict") throw error;
    throw new AppError(
      "conflict",
      `${error.message}; or let that server do it: --server http://localhost:3000, with its key in DO_INTENT_SECRET_KEY`,
    );
  }
}
