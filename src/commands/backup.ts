import { createReadStream, createWriteStream, existsSync, rmSync, statSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Command } from "../config/commands.ts";
import { AppError } from "../core/error.ts";
import { writeBackup } from "../store/sqlite/backup.ts";
import { settle } from "../store/sqlite/sync.ts";
import { sizeOf } from "./doctor/finding.ts";
import { noteCommand } from "./note.ts";

type BackupOptions = Extract<Command, { name: "backup" }>["options"];

const FILE_MODE = 0o600;

/** Writes the whole of a data folder into one file, beside a running server. */
export async function runBackup({ backupFile, data }: BackupOptions, write: (line: string) => void): Promise<number> {
  if (existsSync(backupFile)) {
    throw new AppError("conflict", `${backupFile} is there already; move it, or give the backup another name`);
  }
  const isCompressed = backupFile.endsWith(".gz");
  noteCommand(data, { action: "backup", detail: { compressed: isCompressed } });
  const plain = isCompressed ? backupFile.slice(0, -".gz".length) : backupFile;
  const bytes = writeBackup(data, isCompressed ? `${plain}.plain` : plain);
  if (isCompressed) await compress(`${plain}.plain`, backupFile);
  const size = isCompressed ? `${sizeOf(statSync(backupFile).size)} of ${sizeOf(bytes)}` : sizeOf(bytes);
  write(`${backupFile} is a whole copy of ${data}, looked through and found intact: ${size}`);
  return 0;
}

async function compress(plain: string, target: string): Promise<void> {
  const unfinished = `${target}.unfinished`;
  try {
    await pipeline(createReadStream(plain), createGzip(), createWriteStream(unfinished, { mode: FILE_MODE }));
    settle(unfinished, target);
  } finally {
    rmSync(unfinished, { force: true });
    rmSync(plain, { force: true });
  }
}
