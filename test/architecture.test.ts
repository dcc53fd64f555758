import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import journal from "../drizzle/meta/_journal.json" with { type: "json" };
import { MIGRATIONS } from "../src/store/sqlite/migrations.ts";

const ROOT = join(import.meta.dir, "..");
const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;

/** What each room may import besides itself. Imports run down only. */
const BELOW: { readonly [room: string]: readonly string[] } = {
  core: [],
  store: ["core"],
  http: ["core"],
  sources: ["core"],
  destinations: ["core"],
  config: ["core", "destinations"],
  engine: ["core", "store"],
  features: ["core", "store", "http", "engine"],
  jobs: ["core", "store", "http", "engine", "destinations"],
  threads: ["core", "store", "http", "config", "features"],
  instance: ["core", "store", "http", "engine", "config", "features", "jobs", "threads", "app"],
  commands: [
    "core",
    "store",
    "http",
    "engine",
    "destinations",
    "config",
    "features",
    "jobs",
    "sources",
    "instance",
    "threads",
  ],
};

type Source = { path: string; text: string; imports: string[] };

const sources: Source[] = ["src", "tracker"]
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  )
  .filter((path) => /\.ts$/.test(path) && !path.startsWith(join("tracker", "dist")))
  .map((path) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    return { path, text, imports: importsOf(path, text) };
  });

/** Files of ours that a file names, types included, as paths from the root. */
function importsOf(path: string, text: string): string[] {
  const statements = withoutComments(text).matchAll(
    /(?:^|\n)(?:import|export)\b[^;"]*"([^"]+)"|\bimport\(\s*"([^"]+)"/g,
  );
  return [...statements]
    .map(([, named, called]) => named ?? called ?? "")
    .filter((name) => name.startsWith("."))
    .map((name) => normalize(join(dirname(path), name)));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}

/** The folder below src/, or the name of a root file. */
function roomOf(path: string): string {
  return relative("src", path).split("/")[0]?.replace(/\.ts$/, "") ?? "";
}

function edges(isWrong: (from: string, to: string) => boolean): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports.filter((imported) => isWrong(path, imported)).map((imported) => `${path} imports ${imported}`),
  );
}

const inSource = (path: string): boolean => path.startsWith("src/");
const inTracker = (path: string): boolean => path.startsWith("tracker/");

describe("imports", () => {
  test("are found at all", () => {
    const app = sources.find(({ path }) => path === "src/app.ts");
    expect(app?.imports).toContain("src/http/errors.ts");
    expect(app?.imports).toContain("src/features/track/routes.ts");
    const engine = sources.find(({ path }) => path === "src/engine/engine.ts");
    expect(engine?.imports).toContain("src/store/port.ts");
  });

  test("run down only", () => {
    const isUpward = (from: string, to: string): boolean => {
      const room = roomOf(from);
      const isRootFile = from === `src/${room}.ts`;
      if (!inSource(from) || !inSource(to) || isRootFile || roomOf(to) === room) return false;
      return !(BELOW[room] ?? []).includes(roomOf(to));
    };
    expect(edges(isUpward)).toEqual([]);
  });

  test("every room is known", () => {
    const rooms = sources
      .filter(({ path }) => path.split("/").length > 2 && inSource(path))
      .map(({ path }) => roomOf(path));
    expect([...new Set(rooms)].filter((room) => !(room in BELOW))).toEqual([]);
  });

  test("do not lead from one feature to another", () => {
    const featureOf = (path: string): string | undefined => path.match(/^src\/features\/([^/]+)/)?.[1];
    const isAcross = (from: string, to: string): boolean => {
      const [mine, theirs] = [featureOf(from), featureOf(to)];
      return mine !== undefined && theirs !== undefined && mine !== theirs;
    };
    expect(edges(isAcross)).toEqual([]);
  });

  test("do not lead from the server to the tracker or back, but for the built script", () => {
    const isBuilt = (from: string, to: string): boolean =>
      from.startsWith("src/features/tracker/") && to.startsWith("tracker/dist/");
    const isAcross = (from: string, to: string): boolean =>
      (inSource(from) && inTracker(to) && !isBuilt(from, to)) || (inTracker(from) && inSource(to));
    expect(edges(isAcross)).toEqual([]);
  });

  test("form no cycle, types included", () => {
    const imports = new Map(sources.map((source) => [source.path, source.imports]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(" > "));
      if (trail.includes(path) || done.has(path)) return;
      for (const imported of imports.get(path) ?? []) visit(imported, [...trail, path]);
      done.add(path);
    };
    for (const { path } of sources) visit(path, []);
    expect(cycles).toEqual([]);
  });
});

test("the core knows no clock, no chance, no waiting and no outside", () => {
  const outside =
    /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bcrypto\b|\bperformance\b|\bawait\b|\basync\b|\bPromise\b|\bset(?:Timeout|Interval|Immediate)\b|\bprocess\.|\bBun\.|\bconsole\b|\bfetch\(|"(?:node|bun):/g;
  const found = sources
    .filter(({ path }) => path.startsWith("src/core/"))
    .flatMap(({ path, text }) => [...withoutComments(text).matchAll(outside)].map(([word]) => `${path}: ${word}`));
  expect(found).toEqual([]);
});

test("what takes long to load waits for its first use", () => {
  const eager = /^import (?!type\b)[^;"]*"(?:tldts|jose|email-providers[^"]*)"/gm;
  const found = sources.flatMap(({ path, text }) =>
    [...text.matchAll(eager)].map(([statement]) => `${path}: ${statement}`),
  );
  expect(found).toEqual([]);
});

/**
 * Functions with the lines they have for themselves: what stands in functions inside them is theirs. It leans on the
 * formatter, which ends a block where the indentation of its beginning comes back.
 */
function functionsOf({ path, text }: Source): { name: string; lines: number }[] {
  const lines = text.split("\n");
  const indentOf = (line: string): number => line.length - line.trimStart().length;
  const isBeginning = (line: string): boolean =>
    /(?:=>|\)|\): [^=]+) \{$/.test(line) && !/^\s*(?:\} )?(?:if|else|for|while|switch|catch|return \w+\()\b/.test(line);
  const found = lines.flatMap((line, start) => {
    if (!isBeginning(line)) return [];
    const length = lines.slice(start + 1).findIndex((next) => indentOf(next) === indentOf(line) && /^\s*\}/.test(next));
    return length < 0 ? [] : [{ start, end: start + length + 1 }];
  });
  return found.map(({ start, end }) => {
    const inner = found.filter((other) => other.start > start && other.end < end);
    const own = lines.slice(start, end + 1).filter((_, offset) => {
      const at = start + offset;
      return !inner.some((other) => at > other.start && at < other.end);
    });
    return { name: `${path}:${start + 1}`, lines: own.length };
  });
}

describe("sizes", () => {
  test(`no file has more than ${FILE_LINES_MAX} lines`, () => {
    const long = sources.filter(({ text }) => text.trimEnd().split("\n").length > FILE_LINES_MAX);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  test(`no function has more than ${FUNCTION_LINES_MAX} lines of its own`, () => {
    const functions = sources.flatMap(functionsOf);
    expect(functions.length).toBeGreaterThan(sources.length);
    expect(functions.filter(({ lines }) => lines > FUNCTION_LINES_MAX)).toEqual([]);
  });
});

test("the embedded migrations are drizzle's journal, and every file of it", () => {
  const files = readdirSync(join(ROOT, "drizzle")).filter((name) => name.endsWith(".sql"));
  const tags = MIGRATIONS.map(({ tag }) => tag);
  expect(tags).toEqual(journal.entries.map(({ tag }) => tag));
  expect(tags).toEqual(files.map((name) => name.replace(/\.sql$/, "")).sort());
  for (const { tag, statements } of MIGRATIONS) {
    const text = readFileSync(join(ROOT, "drizzle", `${tag}.sql`), "utf8");
    expect(statements.join("--> statement-breakpoint")).toBe(text);
  }
});

test("at the top of the repository there is what belongs there", () => {
  const made = ["package.json", "bunfig.toml", "tsconfig.json", "README.md", "bun.lock", "LICENSE"];
  const rooms = ["src", "drizzle", "tracker", "test", ".ci", ".biome.json", ".gitignore"];
  const ignored = [".git", ...readFileSync(join(ROOT, ".gitignore"), "utf8").split("\n")].filter((line) => line !== "");
  const isIgnored = (name: string): boolean => ignored.some((pattern) => new Bun.Glob(pattern).match(name));
  const strangers = readdirSync(ROOT).filter(
    (name) => !made.includes(name) && !rooms.includes(name) && !isIgnored(name),
  );
  expect(strangers).toEqual([]);
});
