import type { Command } from "../config/commands.ts";
import { printableConfig } from "../config/intent.ts";
import { type Calibration, calibrate, type RuleAdvice, SIDE_MIN } from "../core/calibrate.ts";
import { compileRules } from "../core/compile.ts";
import { AppError } from "../core/error.ts";
import { observeAll } from "../features/calibrate/observe.ts";
import { openReadOnly } from "../store/sqlite/database.ts";
import { createReaders } from "../store/sqlite/readers.ts";
import { allScores } from "../store/sqlite/scores.ts";
import { noteRead } from "./note.ts";
import { loadConfig } from "./serve.ts";

type CalibrateOptions = Extract<Command, { name: "calibrate" }>["options"];
type Write = (line: string) => void;

/**
 * Prints an intent.json with the points that the past suggests, and beside it, where a pipe does not take it, why. It
 * never applies itself.
 */
export function runCalibrate(
  { goal, withinMs, data, config }: CalibrateOptions,
  nowMs: number,
  write: Write,
  explain: Write,
): number {
  const loaded = loadConfig(config);
  const rules = compileRules(loaded.config, loaded.hash);
  const database = openReadOnly(data);
  try {
    noteRead(data, "calibrate", null, nowMs);
    const sources = { ...createReaders(database), scores: allScores(database) };
    const observations = observeAll(sources, goal, withinMs, rules, nowMs);
    const reached = observations.filter((one) => one.reached).length;
    if (Math.min(reached, observations.length - reached) < SIDE_MIN) {
      throw new AppError(
        "invalid",
        `${reached} people reached ${goal} after doing something else, ${observations.length - reached} did not; at least ${SIDE_MIN} of each are needed to learn from`,
      );
    }
    const calibration = calibrate(loaded.config, observations);
    explain(adviceText(goal, calibration));
    write(JSON.stringify(printableConfig({ ...loaded.config, rules: calibration.rules }), null, 2));
    return 0;
  } finally {
    database.close(false);
  }
}

const HEAD = ["rule", "today", "suggested", "lift", "people", "reached", "confidence", ""];

function adviceText(goal: string, { people, reached, heldOut, aucToday, aucSuggested, advice }: Calibration): string {
  const rows = [HEAD, ...advice.map(rowOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const [nameWidth = 0] = widths;
  const line = ([name = "", ...cells]: string[]) =>
    [name.padEnd(nameWidth), ...cells.map((cell, index) => cell.padStart(widths[index + 1] ?? 0))].join("  ").trimEnd();
  return [
    `${people} people, of whom ${reached} reached ${goal}; ${heldOut} of them held out`,
    `AUC on those held out: ${area(aucToday)} with today's points, ${area(aucSuggested)} with the suggested`,
    "",
    ...rows.map(line),
  ].join("\n");
}

function rowOf({ rule, points, suggested, lift, support, supportReached, confidence, kept }: RuleAdvice): string[] {
  return [
    rule,
    String(points),
    String(suggested),
    lift === null ? "-" : `${lift.toFixed(2)}x`,
    String(support),
    String(supportReached),
    `${Math.round(confidence * 100)} %`,
    kept === null ? "" : `kept: ${kept}`,
  ];
}

function area(value: number | null): string {
  return value === null ? "unknown" : value.toFixed(3);
}
