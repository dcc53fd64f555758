import { statfsSync } from "node:fs";
import type { Command } from "../config/commands.ts";
import { AppError } from "../core/error.ts";
import { compact } from "../store/sqlite/compact.ts";
import { openAlone } from "../store/sqlite/database.ts";
import { inspect } from "../store/sqlite/inspection.ts";
import { damaged, damagesOf } from "../store/sqlite/integrity.ts";
import { examineConfig } from "./doctor/config.ts";
import { examineDatabase } from "./doctor/database.ts";
import { examineDestinations } from "./doctor/destinations.ts";
import { type Finding, sizeOf } from "./doctor/finding.ts";
import { examineFolder } from "./doctor/folder.ts";
import { examineMagnets } from "./doctor/magnets.ts";
import { noteCommand } from "./note.ts";

type DoctorOptions = Extract<Command, { name: "doctor" }>["options"];

type Write = (line: string) => void;

const EXIT_FAILED = 1;
const STATE_WIDTH = 6;

/** Looks at everything a server stands on, beside a running one too, and changes nothing unless asked to compact. */
export async function runDoctor(options: DoctorOptions, nowMs: number, write: Write): Promise<number> {
  if (options.compact) {
    compactFolder(options.data, write);
    noteCommand(options.data, { action: "compact" }, nowMs);
  }
  const { config, findings: configFindings } = examineConfig(options.config, options.origins);
  const folder = examineFolder(options.data);
  const isThere = !folder.some(({ check }) => check === "data folder");
  const findings = [
    ...folder,
    ...(isThere ? examineDatabase(options.data, options.full, nowMs) : []),
    ...configFindings,
    ...(config === null ? [] : await examineDestinations(config, options.data)),
    ...(config === null ? [] : examineMagnets(config, options.data)),
  ];
  const isWell = findings.every(({ state }) => state !== "fail");
  if (options.json) write(JSON.stringify({ ok: isWell, findings }, null, 2));
  else for (const line of linesOf(findings)) write(line);
  return isWell ? 0 : EXIT_FAILED;
}

function linesOf(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ check }) => check.length)) + 2;
  return findings.flatMap(({ check, state, says, remedy }) => [
    `${state.padEnd(STATE_WIDTH)}${check.padEnd(width)}${says}`,
    ...(remedy === null ? [] : [`${" ".repeat(STATE_WIDTH + width)}-> ${remedy}`]),
  ]);
}

/** Offline, since it writes the whole file anew: it takes the folder's lock. */
function compactFolder(folder: string, write: Write): void {
  const { database, close } = openAlone(folder);
  try {
    if (damagesOf(database, false).length > 0) throw damaged();
    const before = inspect(database);
    const { bavail, bsize } = statfsSync(folder);
    // The new file is written beside the old one, and through the log.
    const neededBytes = (before.bytes - before.freeBytes) * 2;
    if (bavail * bsize < neededBytes)
      throw new AppError("disk_full", `this takes ${sizeOf(neededBytes)} in the data folder; free that much`);
    compact(database);
    write(`the database was ${sizeOf(before.bytes)} and is ${sizeOf(inspect(database).bytes)}`);
  } finally {
    close();
  }
}
