import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executablePath, flags, human, userAgent } from "./world.ts";

/** Chromium that nobody looks into, because it prerenders nothing while somebody does; its page drives itself. */
export async function openPlainBrowser(url: string) {
  const profile = await mkdtemp(join(tmpdir(), "do-intent-profile-"));
  const own = [`--user-agent=${userAgent}`, `--user-data-dir=${profile}`, "--remote-debugging-port=0"];
  const child = Bun.spawn([executablePath, ...flags, human, ...own, url], { stdout: "ignore", stderr: "ignore" });
  return {
    async close() {
      child.kill("SIGKILL");
      await child.exited;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
