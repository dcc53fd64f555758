import type { Command } from "../config/commands.ts";
import { TRY_NAMED_MAX } from "../core/what-if.ts";
import { type TryAnswer, tryConfig } from "../features/what-if/try.ts";
import { openReadOnly } from "../store/sqlite/database.ts";
import { createReaders } from "../store/sqlite/readers.ts";
import { scoresByAccount } from "../store/sqlite/scores.ts";
import { noteRead } from "./note.ts";
import { loadConfig } from "./serve.ts";

type TryOptions = Extract<Command, { name: "config try" }>["options"];

const RULES_SHOWN = 10;
const RULES_OF_ONE_SHOWN = 3;

/** What another config would change, from the file, also beside a running server. */
export function runConfigTry(
  { file, limit, data, config }: TryOptions,
  nowMs: number,
  write: (line: string) => void,
): number {
  const [today, tried] = [loadConfig(config), loadConfig(file)];
  const database = openReadOnly(data);
  try {
    noteRead(data, "config try", null, nowMs);
    const sources = { ...createReaders(database), scores: scoresByAccount(database) };
    write(
      tryText(
        tryConfig(
          { scoring: today.config, hash: today.hash },
          { scoring: tried.config, hash: tried.hash },
          sources,
          nowMs,
          limit,
        ),
      ),
    );
    return 0;
  } finally {
    database.close(false);
  }
}

function tryText(answer: TryAnswer): string {
  const { people, at, config_hash, tried_hash, recounted, levels, moves, rising, risers, rules, groups, accounts } =
    answer;
  const counted = recounted.length === 0 ? "what is stored" : `events for ${recounted.join(", ")}, else what is stored`;
  return [
    `${people} people at ${at}: config ${config_hash} in force, ${tried_hash} tried`,
    `counted from ${counted}`,
    "",
    ...levels.map(({ level, before, after }) => `${level}: ${before} -> ${after}`),
    "",
    moves.length === 0 ? "nobody moves to another level" : "who moves",
    ...moves.map((move) => `  ${move.from} -> ${move.to}: ${move.people}`),
    ...(rules.length + groups.length === 0 ? [] : ["what changed it, over all who move"]),
    ...rules.slice(0, RULES_SHOWN).map((one) => `  ${one.rule}: ${signed(one.points)} points, ${one.people} people`),
    ...groups.map((one) => `  group ${one.group}: ${signed(one.points)} points, ${one.people} people`),
    ...(rising === 0 ? [] : [`who rises: ${rising}`]),
    ...risers.map((riser) => {
      const why = riser.rules
        .slice(0, RULES_OF_ONE_SHOWN)
        .map(({ name, before, after }) => `${name} ${signed(after - before)}`)
        .join(", ");
      const scores = `${riser.score_before.toFixed(2)} -> ${riser.score_after.toFixed(2)}`;
      return `  ${riser.email ?? riser.person_id}: ${riser.from} -> ${riser.to}, ${scores}${why === "" ? "" : ` (${why})`}`;
    }),
    ...leftOff(answer.risers_left_off),
    ...(accounts.changed === 0 ? [] : [`accounts that move: ${accounts.changed}`]),
    ...accounts.moves.map((move) => `  ${move.from} -> ${move.to}: ${move.accounts}`),
    ...accounts.movers.map(
      ({ domain, from, to, score_before, score_after }) =>
        `  ${domain}: ${from} -> ${to}, ${score_before.toFixed(2)} -> ${score_after.toFixed(2)}`,
    ),
    ...leftOff(accounts.movers_left_off),
  ].join("\n");
}

function leftOff(number: number): string[] {
  return number === 0 ? [] : [`  and ${number} more; --limit names up to ${TRY_NAMED_MAX}`];
}

function signed(points: number): string {
  return `${points < 0 ? "" : "+"}${points.toFixed(2)}`;
}
