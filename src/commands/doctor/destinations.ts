import { accessSync, constants } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import type { IntentConfig } from "../../config/intent.ts";
import { destinationOf } from "../../destinations/registry.ts";
import { addressesOf } from "../../destinations/resolve.ts";
import { readSecret } from "../../destinations/secret.ts";
import { type DestinationAnswer, describeDestinations } from "../../features/destinations/list.ts";
import { openAsItIs } from "../../store/sqlite/database.ts";
import { createDeliveryStore } from "../../store/sqlite/delivery.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

type DestinationConfig = IntentConfig["destinations"][number];

const CONNECT_MAX_MS = 5_000;
const REFERENCE_PATTERN = /^(env|file):/;
const SECRET_REMEDY = "set it for the server; where the server has it, run this command with the same environment";
const DEAD_REMEDY = "do-intent destinations replay sends again what got lost";

/** Whether each could be reached now, and how it fared: resolves and connects, and sends nothing. */
export async function examineDestinations(config: IntentConfig, folder: string): Promise<Finding[]> {
  const fared = faredIn(folder, config);
  return Promise.all(
    config.destinations.map(async (destination) => {
      const check = `destination ${destination.name}`;
      const secret = await missingSecretIn(destination);
      if (secret !== null) return warn(check, secret, SECRET_REMEDY);
      const problem = await whyUnreachable(destination);
      if (problem !== null) return fail(check, problem, "mend it there or in intent.json; meanwhile signals wait");
      return howItFared(
        check,
        fared.find(({ name }) => name === destination.name),
      );
    }),
  );
}

/** The first reference, wherever it stands, behind which there is nothing. */
async function missingSecretIn(value: unknown): Promise<string | null> {
  if (typeof value === "string") {
    if (!REFERENCE_PATTERN.test(value)) return null;
    return readSecret(value, process.env).then(() => null, reasonOf);
  }
  if (value === null || typeof value !== "object") return null;
  for (const part of Object.values(value)) {
    const missing = await missingSecretIn(part);
    if (missing !== null) return missing;
  }
  return null;
}

function howItFared(check: string, fared: DestinationAnswer | undefined): Finding {
  if (fared === undefined) return ok(check, "can be reached");
  const { paused_at, pause_reason, failing_since, dead, pending, name } = fared;
  if (paused_at !== null) {
    const resume = `POST /destinations/${name}/resume when it is well again`;
    return warn(check, `is paused since ${paused_at} (${pause_reason}), ${pending} waiting`, resume);
  }
  if (failing_since !== null) return warn(check, `fails since ${failing_since}`, `do-intent destinations test ${name}`);
  if (dead > 0) return warn(check, `can be reached, and ${dead} deliveries were given up before`, DEAD_REMEDY);
  return ok(check, `can be reached, ${pending} waiting`);
}

/** Nothing where the database cannot be read, which is told elsewhere. */
function faredIn(folder: string, { destinations }: IntentConfig): DestinationAnswer[] {
  try {
    const database = openAsItIs(folder);
    try {
      return describeDestinations(destinations, createDeliveryStore(database));
    } finally {
      database.close(false);
    }
  } catch {
    return [];
  }
}

async function whyUnreachable(config: DestinationConfig): Promise<string | null> {
  try {
    if (config.type === "log") return null;
    if (config.type === "file") {
      return whyNotWritable(dirname(config.path));
    }
    const url = new URL(await readSecret(addressIn(config), process.env));
    const destination = destinationOf(config);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const isPrivateAllowed = "isPrivateAllowed" in destination && destination.isPrivateAllowed(host);
    const [address = host] = await addressesOf(host, { isPrivateAllowed });
    const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
    return await whyNotConnected(address, port);
  } catch (error) {
    return error instanceof TypeError ? "its address is no url" : reasonOf(error);
  }
}

function whyNotWritable(folder: string): string | null {
  try {
    accessSync(folder, constants.W_OK);
    return null;
  } catch (error) {
    return `its folder ${folder} cannot be written (${reasonOf(error)})`;
  }
}

/** Where it is asked; what is a secret stays a reference until it is needed. */
function addressIn(config: Exclude<DestinationConfig, { type: "log" | "file" }>): string {
  if ("url" in config) return config.url;
  return "api_url" in config ? config.api_url : config.login_url;
}

function whyNotConnected(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MAX_MS });
    const settle = (why: string | null): void => {
      socket.destroy();
      resolve(why);
    };
    socket.on("connect", () => settle(null));
    socket.on("timeout", () => settle(`does not take a connection within ${CONNECT_MAX_MS / 1_000} s`));
    socket.on("error", (error) => settle(`takes no connection (${reasonOf(error)})`));
  });
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return error instanceof Error ? error.message : "unknown";
}
