import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command, ServeOptions } from "../config/commands.ts";
import { demoRoutes } from "../features/demo/routes.ts";
import { mintKey, SECRET_KEY_PREFIX } from "../http/keys.ts";
import { serve } from "./serve.ts";

type DemoCommand = Extract<Command, { name: "demo" }>;

/** A whole server with a site of its own, on a data folder that is gone afterwards. */
export async function runDemo(
  { options }: DemoCommand,
  version: string,
  write: (line: string) => void,
): Promise<number> {
  const data = await mkdtemp(join(tmpdir(), "do-intent-demo-"));
  const secretKey = mintKey(SECRET_KEY_PREFIX);
  const whole: ServeOptions = {
    ...options,
    data,
    secretKey: null,
    secretKeyFile: null,
    host: "127.0.0.1",
    origins: [],
    durability: "normal",
    log: "pretty",
    logRequests: false,
  };
  write("A made-up site with the tracker on it: open the address below in a browser, look around, watch the panel.\n");
  try {
    return await serve(whole, version, write, { pages: demoRoutes(secretKey), secretKey });
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}
