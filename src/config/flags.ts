import type { z } from "zod";
import { COMMANDS, type Command, type CommandName } from "./commands.ts";
import { nearestOf } from "./nearest.ts";
import { type Option, options } from "./option.ts";

export type Environment = { readonly [variable: string]: string | undefined };

type Field = { name: string; schema: z.ZodType; option: Option };
type Words = { flags: Map<string, string[]>; operands: string[] };
type Given = { values: { [field: string]: string | string[] }; sources: Map<string, string> };

const SHORT_FORMS: ReadonlyMap<string, "help" | "version"> = new Map([
  ["--help", "help"],
  ["-h", "help"],
  ["--version", "version"],
]);
const PREFIX = "DO_INTENT_";
/** Secrets of destinations stand in variables of any name. */
const FREE_PREFIX = "DO_INTENT_SECRET_";
const SEE_HELP = "see do-intent --help";

/** What the command line and the environment ask for. A flag wins over its variable. */
export function parseCommand(
  argv: readonly string[],
  env: Environment,
): { command: Command; problem?: never } | { problem: string } {
  const end = argv.indexOf("--");
  for (const word of end < 0 ? argv : argv.slice(0, end)) {
    const name = SHORT_FORMS.get(word);
    if (name !== undefined) return { command: { name, options: {} } };
  }
  const found = commandOf(argv);
  if ("problem" in found) return found;
  const { name, rest } = found;
  const takes: z.ZodObject = COMMANDS[name].takes;
  const fields = fieldsOf(takes);
  const words = readWords(rest, name, fields);
  if ("problem" in words) return words;
  const given = gather(name, fields, words, env);
  if ("problem" in given) return given;
  const parsed = takes.safeParse(given.values, { jitless: true });
  if (parsed.success) return { command: { name, options: parsed.data } as Command };
  const field = fields.find((candidate) => candidate.name === parsed.error.issues[0]?.path[0]);
  const source = given.sources.get(field?.name ?? "") ?? field?.option.flag;
  return { problem: `${source} takes ${field?.option.takes}` };
}

export function fieldsOf(takes: z.ZodObject): Field[] {
  return Object.entries(takes.shape as { [field: string]: z.ZodType }).flatMap(([name, schema]) => {
    const option = options.get(schema);
    return option === undefined ? [] : [{ name, schema, option }];
  });
}

function commandOf(argv: readonly string[]): { name: CommandName; rest: readonly string[] } | { problem: string } {
  const [first, second] = argv;
  if (first === undefined || first.startsWith("-")) return { name: "serve", rest: argv };
  const names = Object.keys(COMMANDS) as CommandName[];
  const pair = names.find((name) => name === `${first} ${second}`);
  if (pair !== undefined) return { name: pair, rest: argv.slice(2) };
  const single = names.find((name) => name === first);
  if (single !== undefined) return { name: single, rest: argv.slice(1) };
  const below = names.flatMap((name) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []));
  if (below.length > 0) return { problem: `${first} takes one of ${below.join(", ")}${meant(second ?? "", below)}` };
  const known = [...new Set(names.flatMap((name) => name.split(" ")[0] ?? []))];
  return { problem: `"${first}" is no command${meant(first, known)}` };
}

function meant(typed: string, known: readonly string[], prefix = ""): string {
  const nearest = nearestOf(typed, known, prefix);
  return nearest === null ? `; ${SEE_HELP}` : `; "${nearest}" may be meant`;
}

/** Takes flags and other words apart; a flag's value may follow it or stand behind "=". */
function readWords(words: readonly string[], name: CommandName, fields: Field[]): Words | { problem: string } {
  const flags = new Map<string, string[]>();
  const operands: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "--") {
      operands.push(...words.slice(index + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      operands.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const flag = equals < 0 ? word : word.slice(0, equals);
    const option = fields.find((field) => field.option.flag === flag)?.option;
    if (option === undefined) {
      const known = fields.flatMap((field) => field.option.flag ?? []);
      return { problem: `${flag} is no flag of ${name}${meant(flag, known, "--")}` };
    }
    if (option.isToggle) {
      if (equals >= 0) return { problem: `${flag} takes no value` };
      flags.set(flag, ["true"]);
      continue;
    }
    const value = equals < 0 ? words[++index] : word.slice(equals + 1);
    if (value === undefined || (equals < 0 && value.startsWith("--"))) {
      return { problem: `${flag} takes ${option.takes}; nothing is given` };
    }
    const before = flags.get(flag);
    if (before !== undefined && !option.isRepeatable) return { problem: `${flag} stands twice; give it once` };
    flags.set(flag, [...(before ?? []), value]);
  }
  return { flags, operands };
}

function gather(
  name: CommandName,
  fields: Field[],
  { flags, operands }: Words,
  env: Environment,
): Given | { problem: string } {
  const given: Given = { values: {}, sources: new Map() };
  for (const { name: field, option } of fields) {
    const { flag, variable, isRepeatable } = option;
    const isOperand = flag === undefined && variable === undefined;
    const byFlag = isOperand ? operands.splice(0, 1) : (flags.get(flag ?? "") ?? []);
    if (isOperand && byFlag.length === 0 && option.otherwise === undefined)
      return { problem: `${name} takes ${option.takes}; nothing is given` };
    const said = env[variable ?? ""] ?? "";
    const byVariable = isRepeatable ? said.split(",").map((part) => part.trim()) : [said];
    const values = byFlag.length > 0 ? byFlag : byVariable.filter((part) => part !== "");
    const [first] = values;
    if (first === undefined) continue;
    given.values[field] = isRepeatable ? values : first;
    given.sources.set(field, isOperand ? name : String(byFlag.length > 0 ? flag : variable));
  }
  const [surplus] = operands;
  if (surplus !== undefined)
    return { problem: `${name} takes no further word, but "${surplus}" is given; ${SEE_HELP}` };
  const mistyped = mistypedVariable(env);
  return mistyped === null ? given : { problem: mistyped };
}

/** A setting that silently does not hold, because its name is a letter off, is found here rather than in production. */
function mistypedVariable(env: Environment): string | null {
  const known = Object.values(COMMANDS).flatMap(({ takes }) =>
    fieldsOf(takes).flatMap(({ option }) => option.variable ?? []),
  );
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith(PREFIX) || variable.startsWith(FREE_PREFIX) || known.includes(variable)) continue;
    const nearest = nearestOf(variable, known, PREFIX);
    if (nearest !== null) return `${variable} is not known; "${nearest}" may be meant`;
  }
  return null;
}
