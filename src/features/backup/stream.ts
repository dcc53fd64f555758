import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { AppError } from "../../core/error.ts";
import { SENDING_FILE } from "../../store/sqlite/database.ts";

/** So long somebody may take to fetch what was written for them. */
const TAKE_MAX_MS = 60 * 60_000;

export type BackupDeps = {
  dataFolder: string;
  /** Writes the database into a file, beside the loop; returns its size in bytes. */
  writeBackup: (target: string) => Promise<number>;
};

export type BackupStream = { body: ReadableStream<Uint8Array>; bytes: number };

/** One backup at a time: written whole first, since a half one would not be noticed, then sent and removed. */
export function createBackupStreams({ dataFolder, writeBackup }: BackupDeps) {
  const path = join(dataFolder, SENDING_FILE);
  let isUnderWay = false;
  return async (isCompressed: boolean): Promise<BackupStream> => {
    if (isUnderWay) throw new AppError("conflict", "a backup is under way already; ask again when it is through");
    isUnderWay = true;
    // Not on this thread: giving back the room of a large file takes as long as it is large.
    const end = (): Promise<void> =>
      rm(path, { force: true }).finally(() => {
        isUnderWay = false;
      });
    try {
      const bytes = await writeBackup(path);
      return { body: fileStream(path, isCompressed, end), bytes };
    } catch (error) {
      await end();
      throw error;
    }
  };
}

function fileStream(path: string, isCompressed: boolean, end: () => Promise<void>): ReadableStream<Uint8Array> {
  const file = createReadStream(path);
  const sent = isCompressed ? file.pipe(createGzip()) : file;
  const timer = setTimeout(() => sent.destroy(new Error("the backup was not taken in time")), TAKE_MAX_MS);
  timer.unref();
  file.on("error", (error) => sent.destroy(error));
  sent.on("close", () => {
    clearTimeout(timer);
    file.destroy();
    void end();
  });
  return Readable.toWeb(sent) as unknown as ReadableStream<Uint8Array>;
}
