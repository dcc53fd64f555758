import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { runInstallService } from "../src/commands/install-service.ts";
import defaultIntent from "../src/config/default-intent.json" with { type: "json" };
import { parseCommand } from "../src/config/flags.ts";
import { parseIntentConfig } from "../src/config/intent.ts";
import { conclude } from "../src/jobs/deliver-schedule.ts";
import { addressesIn, servedAddresses } from "./readme/addresses.ts";
import { constantOf, limitOf } from "./readme/limits.ts";
import { type Block, blocksOf, tableOf } from "./readme/markdown.ts";
import { differences, differingLines, jsonValues } from "./readme/resembles.ts";
import { runTour, type TourResult } from "./readme/tour.ts";
import { temporaryFolder } from "./support/folder.ts";
import { ensureProgram } from "./support/program.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = blocksOf(readme);
const commands = blocks.filter(({ language }) => language === "sh");
const TOUR_TIMEOUT_MS = 120_000;

const named = (name: string): Block => {
  const found = blocks.find(({ words }) => words.includes(name));
  if (found === undefined) throw new Error(`the page has no block ${name}`);
  return found;
};

describe("the tour", () => {
  let tour: TourResult;
  beforeAll(async () => {
    ensureProgram("curl");
    tour = await runTour(commands);
  }, TOUR_TIMEOUT_MS);

  test("every command of it succeeds", () => {
    expect(tour.errors).toBe("");
    expect(tour.exitCode).toBe(0);
  });

  // An answer stands right behind the commands that it answers.
  const answered = commands.flatMap((block, index): { at: string; index: number; answer: Block }[] => {
    const next = blocks[blocks.indexOf(block) + 1];
    const isAnswer = next !== undefined && ["json", "text"].includes(next.language) && next.words.length === 0;
    return isAnswer ? [{ at: `line ${next.line}`, index, answer: next }] : [];
  });

  test.each(answered)("the answer in $at is what comes out", ({ index, answer }) => {
    const output = tour.outputs[index] ?? null;
    // Left out, since this machine lacks a program that the block names.
    if (output === null) return;
    const isJson = answer.language === "json";
    const found = isJson
      ? differences(jsonValues(answer.text), jsonValues(output))
      : differingLines(answer.text, output);
    expect(found).toEqual([]);
  });
});

describe("what the page says of the code", () => {
  test("its blocks are commands, answers or examples of a known kind", () => {
    const languages = new Set(blocks.map(({ language }) => language));
    expect([...languages].sort()).toEqual(["console", "html", "ini", "js", "json", "sh", "text", "yaml"]);
  });

  test("the scripts it names exist, and bun is the one we build with", () => {
    const runs = [...readme.matchAll(/npx --yes bun@(\S+) run (\w+)/g)];
    expect(runs.length).toBeGreaterThan(3);
    for (const [, version = "", script = ""] of runs) {
      expect(Object.keys(packageJson.scripts)).toContain(script);
      expect(packageJson.engines.bun).toBe(`>=${version}`);
    }
  });

  const spans = [...readme.matchAll(/`do-intent ([^`]+)`/g)].map(([, rest = ""]) => rest.split(" > ")[0] ?? "");
  test.each([...new Set(spans)])("do-intent %s is a command", (rest) => {
    const words = rest.replaceAll(/[[\]]/g, "").replace("TIME", "0").split(" ");
    expect(parseCommand(words, {}).problem).toBeUndefined();
  });

  test("the example of intent.json holds", () => {
    expect(parseIntentConfig(named("intent").text).problems).toBeUndefined();
  });

  test("the example of every destination holds, and there is one for each type", () => {
    const { config, problems } = configOf(`{"destinations":${named("destinations").text}}`);
    expect(problems).toBeUndefined();
    const types = readdirSync(join(root, "src/destinations")).map((file) => file.replace(/\.ts$/, ""));
    const shown = (config?.destinations ?? []).map(({ type }): string => type);
    const inRegistry = types.filter((type) => registry.includes(`case "${type}":`));
    expect([...shown].sort()).toEqual(inRegistry.sort());
  });

  test("the example of a magnet holds", () => {
    expect(configOf(`{"magnets":${named("magnets").text}}`).problems).toBeUndefined();
  });

  test("the schedule of deliveries is the one in force", () => {
    const waits: string[] = [];
    for (let attempts = 0; ; attempts += 1) {
      const { state, nextAttemptMs } = conclude(
        { outcome: "retry" },
        attempts,
        { nowMs: 0, failingSinceMs: null },
        () => 0,
      );
      if (state === "dead") break;
      waits.push(inWords(nextAttemptMs));
    }
    const sentence = `${waits.slice(0, -1).join(", ")} and ${waits.at(-1)}`;
    expect(readme.replaceAll(/\s+/g, " ")).toContain(`tried again after ${sentence}, each`);
  });

  test("a step of the retention has as many rows as it says", () => {
    const [, rows] = /in steps of at most (\d+) rows/.exec(readme) ?? [];
    expect(Number(rows)).toBe(constantOf("`store/` STEP_ROWS_MAX"));
  });

  const worked = named("worked").text.split("\n");
  test.each(worked)("worked example: %s", (line) => {
    const [, name, points, count, days, halfLife, result] =
      /^(\w+) +(\d+) · (\d+)(?: · 2\^\(−(\d+)\/(\d+)\))? += +([\d.]+)$/.exec(line) ?? [];
    const value = Number(points) * Number(count) * 2 ** (days === undefined ? 0 : -Number(days) / Number(halfLife));
    expect(value.toFixed(2)).toBe(result ?? "");
    const rule = defaultIntent.rules.find((candidate) => candidate.name === name);
    expect(rule?.points).toBe(Number(points));
    expect(rule?.half_life).toBe(halfLife === undefined ? undefined : `${halfLife}d`);
  });

  test("there are limits", () => {
    expect(tableOf(readme, "what").length).toBeGreaterThan(20);
  });
  const limits = tableOf(readme, "what").map(([what = "", shown = "", where = ""]) => ({ what, shown, where }));
  test.each(limits)("limit: $what", ({ shown, where }) => {
    expect(limitOf(shown)).toBe(constantOf(where));
  });

  test("its list of addresses is the one that is served, topic by topic", async () => {
    const [, after = ""] = readme.split("\n## Every address\n");
    const [section = ""] = after.split("\n## ");
    const shown = Object.fromEntries(
      [...section.matchAll(/^- \*\*(.+?)\*\*:([\s\S]*?)(?=\n- |\n\n)/gm)].map(([, topic = "", text = ""]) => [
        topic,
        [...addressesIn(text)].sort(),
      ]),
    );
    const served: { [topic: string]: string[] } = {};
    for (const { address, topic = "none" } of await servedAddresses())
      served[topic] = [...(served[topic] ?? []), address];
    for (const addresses of Object.values(served)) addresses.sort();
    expect(shown).toEqual(served);
  });

  test("Prometheus is pointed at the numbers, with a key", () => {
    const { scrape_configs: jobs } = Bun.YAML.parse(named("prometheus.yml").text) as {
      scrape_configs: { [key: string]: unknown }[];
    };
    expect(jobs).toHaveLength(1);
    expect(jobs[0]).toMatchObject({ metrics_path: "/metrics", authorization: { type: "Bearer" } });
  });

  test("the rooms it shows are there, and none is left out", () => {
    const shown = tableOf(readme, "room").flatMap(([paths = ""]) =>
      [...paths.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path),
    );
    for (const path of shown) expect(existsSync(join(root, path))).toBe(true);
    const rooms = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of rooms) expect(shown).toContain(`src/${name}/`);
  });

  test("what it says of the tracker is in the tracker", () => {
    const types = readFileSync(join(root, "tracker/types.ts"), "utf8");
    for (const [, method = ""] of readme.matchAll(/doIntent\.(\w+)\(/g))
      expect(types).toMatch(new RegExp(`^  ${method}[(<]`, "m"));
    for (const [, words = ""] of readme.matchAll(/^\| `data-([\w-]+)/gm)) {
      const option = words.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
      expect(types).toMatch(new RegExp(`^  ${option}\\??: `, "m"));
    }
  });
});

const registry = readFileSync(join(root, "src/destinations/registry.ts"), "utf8");

function configOf(text: string) {
  const parsed = parseIntentConfig(text);
  return parsed.problems === undefined ? { config: parsed.config } : { problems: parsed.problems };
}

function inWords(durationMs: number): string {
  const seconds = durationMs / 1_000;
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3_600 ? `${seconds / 60} min` : `${seconds / 3_600} h`;
}

describe("the server it describes", () => {
  const unit = named("do-intent.service").text;

  test("the unit is the one that the program prints", () => {
    const [, command = ""] = /`do-intent (install-service [^`]+)`/.exec(readme) ?? [];
    const parsed = parseCommand(command.split(" "), {});
    if (parsed.problem !== undefined || parsed.command.name !== "install-service")
      throw new Error("the page does not say how to print the unit");
    const printed: string[] = [];
    const steps: string[] = [];
    runInstallService(
      parsed.command.options,
      (line) => printed.push(line),
      (line) => steps.push(line),
    );
    expect(printed.join("\n")).toBe(unit);
    expect(steps.join("\n")).toContain("systemctl enable --now do-intent");
  });

  test("the unit starts what the program takes", () => {
    const [, line = ""] = /^ExecStart=(.+)$/m.exec(unit) ?? [];
    const [program, ...words] = line.split(" ");
    expect(program).toBe("/usr/local/bin/do-intent");
    expect(parseCommand(words, {}).problem).toBeUndefined();
  });

  test.skipIf(Bun.which("systemd-analyze") === null)("systemd finds no fault with the unit", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "do-intent.service");
    // The program need not be installed on the machine that runs this.
    writeFileSync(path, unit.replace("/usr/local/bin/do-intent", process.execPath));
    const { exitCode, stderr } = Bun.spawnSync(["systemd-analyze", "verify", path]);
    expect(stderr.toString()).not.toContain("do-intent.service");
    expect(exitCode).toBe(0);
  });
});
