import type { Database } from "bun:sqlite";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { AppError } from "../../core/error.ts";
import { storageRefusal } from "../../core/storage-fault.ts";

/** To take a load back on a full disk: what is deleted goes through the log first, and the log into the file. */
const RESERVE_BYTES = 8 * 1024 * 1024;
/** Left free for the events that come in meanwhile. */
const MARGIN_BYTES = 16 * 1024 * 1024;
/** What is stored stands in the file and, for as long as somebody reads, in the log as well. */
const COPIES = 2;
const FILE_MODE = 0o600;

export type CampaignRoom = {
  /** Throws where a list of so many bytes would fill the disk. */
  require(listBytes: number): void;
  /** Keeps some for taking the load back. */
  keep(campaignId: number): void;
  free(campaignId: number): void;
};

/** The room that a load takes on the disk of the data folder. */
export function createCampaignRoom(database: Database): CampaignRoom {
  const folder = dirname(database.filename);
  const reserveOf = (campaignId: number): string => join(folder, `do-intent.campaign-${campaignId}.reserve`);
  const selectFree = database.query<{ bytes: number }, []>(
    "select freelist_count * page_size as bytes from pragma_freelist_count, pragma_page_size",
  );
  const free = (campaignId: number): void => rmSync(reserveOf(campaignId), { force: true });
  return {
    require: (listBytes) => {
      const { bavail, bsize } = statfsSync(folder);
      // Pages that were freed are written first, but the log stands beside them all the same.
      const inFile = Math.min(selectFree.get()?.bytes ?? 0, listBytes);
      const neededBytes = COPIES * listBytes - inFile + RESERVE_BYTES + MARGIN_BYTES;
      if (bavail * bsize >= neededBytes) return;
      const megabytes = Math.ceil(neededBytes / 1024 / 1024);
      throw new AppError(
        "disk_full",
        `nothing was stored: this list takes up to ${megabytes} MB on the data folder's disk; free that much, or send a shorter one`,
      );
    },
    keep: (campaignId) => {
      try {
        writeFileSync(reserveOf(campaignId), Buffer.alloc(RESERVE_BYTES), { mode: FILE_MODE });
      } catch (error) {
        free(campaignId);
        throw storageRefusal(error) ?? error;
      }
    },
    free,
  };
}
