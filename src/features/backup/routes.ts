import { Elysia } from "elysia";
import { z } from "zod";
import type { Engine } from "../../engine/engine.ts";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import { readQuery } from "../../http/query.ts";
import type { AuditStore } from "../../store/sqlite/audit.ts";
import { createBackupStreams, type BackupDeps as StreamDeps } from "./stream.ts";

export type BackupDeps = StreamDeps & {
  keys: Keys;
  engine: Pick<Engine, "administer">;
  audit: AuditStore;
  now: () => number;
};

const backupQuerySchema = z.strictObject({
  compress: z.enum(["gzip"], { error: "must be gzip, or left out" }).optional().describe("gzip makes it smaller"),
});

/** POST /backup: the whole data folder as one file, for who may administer. */
export function backupRoutes(deps: BackupDeps) {
  const { keys, engine, audit, now } = deps;
  const openStream = createBackupStreams(deps);
  return new Elysia({ name: "backup" }).post(
    "/backup",
    async ({ query, request: { headers } }) => {
      const { keyId } = keys.require(headers, "admin");
      const { compress } = readQuery(backupQuerySchema, query);
      const detail = { compressed: compress !== undefined };
      // Before there is anything to send: a note that cannot be stored must leave nothing open.
      await engine.administer(() =>
        audit.record({ occurredMs: now(), keyId, action: "backup", subject: null, detail }),
      );
      const { body } = await openStream(compress !== undefined);
      return new Response(body, { headers: headersOf(compress !== undefined, now()) });
    },
    {
      parse: "none",
      ...documented({
        topic: "Running it",
        summary: "The whole data folder as one file, as of now",
        access: "admin",
        query: backupQuerySchema,
        answer: { type: "application/vnd.sqlite3", description: "what do-intent restore takes" },
      }),
    },
  );
}

function headersOf(isCompressed: boolean, nowMs: number): { [name: string]: string } {
  const day = new Date(nowMs).toISOString().slice(0, 10);
  return {
    "content-type": isCompressed ? "application/gzip" : "application/vnd.sqlite3",
    "content-disposition": `attachment; filename="do-intent-${day}.db${isCompressed ? ".gz" : ""}"`,
    "cache-control": "no-store",
  };
}
