import { z } from "zod";
import { nearestOf } from "./nearest.ts";

const PROBLEMS_MAX = 50;

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];
type JsonSchema = z.core.JSONSchema.BaseSchema;
type Leaf = { path: Path; issue: Issue };

/**
 * How a problem names what the author chose, such as a key that is none of ours: whoever has the file before them is helped
 * by their own word, and whoever sent it is told where it stands, since an answer repeats nothing that was sent.
 */
export type Naming = "by word" | "by position";

const TYPE_NAMES: { readonly [expected: string]: string } = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};
const UNIT_NAMES: { readonly [origin: string]: string } = { string: " characters", array: " entries", object: " keys" };

/** One sentence per fault: where, what and the way out. Never a value, since any of them could be a secret. */
export function problemsOf(schema: z.ZodType, value: unknown, naming: Naming): string[] {
  const result = schema.safeParse(value, { error: messageOf });
  if (result.success) return [];
  const known = z.toJSONSchema(schema, { io: "input" });
  const leaves = result.error.issues.flatMap((issue) => leavesOf(issue, []));
  const byPlace = new Map<string, Leaf>();
  for (const leaf of leaves) {
    const place = `${leaf.issue.code === "unrecognized_keys"} ${leaf.path.join("\n")}`;
    if (!byPlace.has(place)) byPlace.set(place, leaf);
  }
  const problems = [...byPlace.values()]
    .slice(0, PROBLEMS_MAX + 1)
    .flatMap((leaf) => sentencesOf(leaf, known, naming === "by word" ? null : value));
  if (problems.length <= PROBLEMS_MAX) return problems;
  return [...problems.slice(0, PROBLEMS_MAX), `and more than these ${PROBLEMS_MAX}; mend them first`];
}

export function problemAt(path: Path, message: string): string {
  const place = path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
  return place === "" ? `the file ${message}` : `${place}: ${message}`;
}

function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return required(issue.input, TYPE_NAMES[issue.expected] ?? issue.expected);
    case "invalid_value":
      return required(issue.input, orList(issue.values));
    case "invalid_union": {
      const given = issue.input as { type?: unknown } | undefined;
      return "options" in issue
        ? required(given?.type, orList(issue.options as unknown[]))
        : required(given, "a value");
    }
    case "too_small":
      if (issue.minimum === 1 && issue.origin in UNIT_NAMES) return "must not be empty";
      return `must ${issue.inclusive === false ? "be above" : limitOf(issue.origin, "least")} ${issue.minimum}${UNIT_NAMES[issue.origin] ?? ""}`;
    case "too_big":
      return `must ${issue.inclusive === false ? "be below" : limitOf(issue.origin, "most")} ${issue.maximum}${UNIT_NAMES[issue.origin] ?? ""}`;
    case "invalid_format":
      return issue.format === "url" ? 'must be an absolute URL such as "https://example.com/hook"' : undefined;
    default:
      return undefined;
  }
}

function required(given: unknown, wanted: string): string {
  return given === undefined ? `is missing; give ${wanted}` : `must be ${wanted}`;
}

function orList(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(" or ");
}

function limitOf(origin: string, side: "least" | "most"): string {
  return `${origin in UNIT_NAMES ? "have" : "be"} at ${side}`;
}

/** Every issue under the path it is about, choices taken apart. */
function leavesOf(issue: Issue, base: Path): Leaf[] {
  const path = [...base, ...issue.path];
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [{ path, issue }];
  const branches = issue.errors.map((issues) => issues.flatMap((inner) => leavesOf(inner, path)));
  // Of a choice's branches those speak that the value resembles: whose kind of value it is, at least.
  const resembling = branches.filter((leaves) => leaves.every((leaf) => !isOtherKind(leaf, path)));
  const [only, ...others] = resembling.length > 0 ? resembling : branches;
  if (only === undefined || others.length === 0) return only ?? [];
  const messages = [only, ...others].flat().map((leaf) => leaf.issue.message);
  const [first, ...rest] = new Set(messages);
  const message = [first, ...rest.map((text) => text.replace(/^must be |^is missing; give /, ""))].join(" or ");
  return [{ path, issue: { ...issue, errors: [], message } }];
}

function isOtherKind({ path, issue }: Leaf, at: Path): boolean {
  return path.length === at.length && ["invalid_type", "invalid_value", "invalid_union"].includes(issue.code);
}

/** With what was sent, where its author must not be quoted. */
function sentencesOf({ path, issue }: Leaf, known: JsonSchema, sent: unknown): string[] {
  const place = sent === null ? path : positionsOf(path, known, sent);
  if (issue.code === "unrecognized_keys") {
    const keys = keysAt(known, path);
    return issue.keys.slice(0, PROBLEMS_MAX + 1).map((key) => {
      if (sent === null) return problemAt([...path, key], `is not known; ${insteadOf(key, keys)}`);
      const number = Object.keys(valueAt(sent, path)).indexOf(key) + 1;
      return problemAt(place, `has a key that is not known, number ${number} of its keys; ${insteadOf(key, keys)}`);
    });
  }
  if (issue.code === "invalid_key") return [problemAt(place, issue.issues[0]?.message ?? issue.message)];
  return [problemAt(place, issue.message)];
}

/** The path with numbers in the place of keys that the schema does not name. */
function positionsOf(path: Path, known: JsonSchema, sent: unknown): Path {
  return path.map((part, index) => {
    const before = path.slice(0, index);
    if (typeof part === "number" || keysAt(known, before).includes(String(part))) return part;
    return Object.keys(valueAt(sent, before)).indexOf(String(part));
  });
}

function valueAt(sent: unknown, path: Path): object {
  return path.reduce((value, part) => (value as { [part: PropertyKey]: unknown })[part], sent) as object;
}

function insteadOf(key: string, keys: string[]): string {
  const nearest = nearestOf(key, keys);
  return nearest === null ? `take it out (known here: ${keys.join(", ")})` : `"${nearest}" may be meant`;
}

/** The keys that the schema knows at a place. */
function keysAt(root: JsonSchema, path: Path): string[] {
  let nodes = [root];
  for (const part of path) {
    nodes = withBranches(nodes).flatMap((node) => {
      const below =
        typeof part === "number" ? node.items : (node.properties?.[String(part)] ?? node.additionalProperties);
      return [below].flat().filter((child) => typeof child === "object");
    });
  }
  return [...new Set(withBranches(nodes).flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

function withBranches(nodes: JsonSchema[]): JsonSchema[] {
  return nodes.flatMap((node) => [
    node,
    ...withBranches([...(node.anyOf ?? []), ...(node.oneOf ?? [])].filter((child) => typeof child === "object")),
  ]);
}
