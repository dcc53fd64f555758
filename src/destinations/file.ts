import { appendFile, mkdir, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { ConfigOf } from "./config.ts";
import type { LocalDestination } from "./interface.ts";
import { signalEnvelope } from "./webhook.ts";

/** JSON lines with everything the webhook says; path.1 is the youngest of the older files. */
export function file({ path, size_max_bytes: sizeMaxBytes, keep }: ConfigOf<"file">): LocalDestination {
  return {
    // One at a time: two writers would rotate each other's file away.
    concurrencyMax: 1,
    render: (signal, context) => JSON.stringify(signalEnvelope(signal, context)),
    write: async ({ body }) => {
      const line = `${body}\n`;
      await mkdir(dirname(path), { recursive: true });
      const sizeBytes = await sizeOf(path);
      if (sizeBytes > 0 && sizeBytes + Buffer.byteLength(line) > sizeMaxBytes) await rotate(path, keep);
      await appendFile(path, line);
    },
  };
}

async function rotate(path: string, keep: number): Promise<void> {
  for (let number = keep; number >= 1; number -= 1) {
    const older = number === 1 ? path : `${path}.${number - 1}`;
    if ((await sizeOf(older)) > 0) await rename(older, `${path}.${number}`);
  }
}

/** Zero where there is no file. */
async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  return found?.size ?? 0;
}
