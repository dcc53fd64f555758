import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { temporaryFolder } from "../support/folder.ts";
import { buildExecutable, EXECUTABLE, run, startServer } from "./executable.ts";

setDefaultTimeout(60_000);
beforeAll(buildExecutable, 120_000);

describe("commands", () => {
  test.each([[["version"]], [["--version"]]])("%p prints the version", async (args) => {
    using folder = temporaryFolder();
    expect(await run(folder.path, args)).toEqual({ code: 0, out: `${packageJson.version}\n`, err: "" });
  });

  test.each([[["--help"]], [["-h"]], [["help"]], [["serve", "--help"]]])("%p prints the manual", async (args) => {
    using folder = temporaryFolder();
    const { code, out, err } = await run(folder.path, args);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    for (const word of ["serve", "config check", "--data", "DO_INTENT_SECRET_KEY", "/track", "SIGTERM", "Exit codes"]) {
      expect(out).toContain(word);
    }
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test.each([["help"], ["config print"], ["snippet --url https://intent.example.org"]])(
    "%s: output that could not be written is a failure; a reader that goes is none",
    async (args) => {
      const outcome = async (pipe: string) => {
        const { stderr, exited } = Bun.spawn(["bash", "-c", `set -o pipefail; ${EXECUTABLE} ${args} ${pipe}`], {
          stderr: "pipe",
        });
        return { err: await new Response(stderr).text(), code: await exited };
      };
      expect(await outcome("> /dev/full")).toEqual({ code: 1, err: expect.stringContaining("could not be written") });
      expect(await outcome("| head -c 1 > /dev/null")).toEqual({ code: 0, err: "" });
    },
  );

  test("config print: what it prints is a valid config with the same hash", async () => {
    using folder = temporaryFolder();
    const printed = await run(folder.path, ["config", "print"]);
    const { hash, config } = JSON.parse(printed.out);
    writeFileSync(join(folder.path, "intent.json"), JSON.stringify(config));
    const again = await run(folder.path, ["config", "print", "--config", "intent.json"]);
    expect(JSON.parse(again.out)).toEqual({ hash, config });
    const checked = await run(folder.path, ["config", "check", "intent.json"]);
    expect(checked).toEqual({ code: 0, out: `intent.json holds (${hash})\n`, err: "" });
  });

  test("config check: a broken file is exit code 1, with the place", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "intent.json"), '{"thresholds":{"warm":"soon"}}');
    const { code, out } = await run(folder.path, ["config", "check", "intent.json"]);
    expect(code).toBe(1);
    expect(out).toContain("thresholds");
    expect(out).toContain("warm");
  });

  test("config schema is JSON Schema", async () => {
    using folder = temporaryFolder();
    const { code, out } = await run(folder.path, ["config", "schema"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      properties: { thresholds: {}, rules: {}, destinations: {} },
    });
  });
});

describe("an error in a flag or a variable is exit code 2 and says which, and what it takes", () => {
  const cases: [string, string[], { [variable: string]: string }, string[]][] = [
    ["a flag's value", ["serve", "--port", "seven"], {}, ["--port", "0 to 65535"]],
    ["a variable's value", [], { DO_INTENT_DURABILITY: "maybe" }, ["DO_INTENT_DURABILITY", "full or normal"]],
    ["an unknown flag", ["--prot", "1"], {}, ["--prot", "--port"]],
    ["an unknown command", ["server"], {}, ["server", "serve"]],
    ["an unknown variable", [], { DO_INTENT_PROT: "1" }, ["DO_INTENT_PROT", "DO_INTENT_PORT"]],
    ["a flag without its value", ["serve", "--data"], {}, ["--data", "folder"]],
    ["an origin with a path", ["--origin", "https://acme.example/shop"], {}, ["--origin", "without a path"]],
    ["a secret key too short", [], { DO_INTENT_SECRET_KEY: "short" }, ["DO_INTENT_SECRET_KEY", "16"]],
  ];
  test.each(cases)("%s", async (_, args, env, words) => {
    using folder = temporaryFolder();
    const { code, out, err } = await run(folder.path, args, env);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err.startsWith("do-intent: ")).toBe(true);
    for (const word of words) expect(err).toContain(word);
    expect(err).not.toContain("    at ");
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

describe("a start that fails is exit code 1 and says why", () => {
  test("a broken config", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "intent.json"), "{");
    const { code, err } = await run(folder.path, ["serve", "--port", "0", "--config", "intent.json"]);
    expect(code).toBe(1);
    expect(err).toContain("intent.json does not hold");
  });

  test("a config that is not there", async () => {
    using folder = temporaryFolder();
    const { code, err } = await run(folder.path, ["serve", "--port", "0", "--config", "missing.json"]);
    expect(code).toBe(1);
    expect(err).toContain("missing.json");
  });

  test("a data folder that is a file", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "data"), "");
    const { code, err } = await run(folder.path, ["serve", "--port", "0"]);
    expect(code).toBe(1);
    expect(err).toMatch(/^do-intent: the data folder \.\/data cannot be used \(EEXIST\)[^\n]*--data\n$/);
  });

  test("a data folder whose database is none", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "do-intent.db"), "not a database, and long enough to have a header ".repeat(4));
    const { code, err } = await run(folder.path, ["serve", "--port", "0", "--data", "."]);
    expect(code).toBe(1);
    expect(err).toMatch(/^do-intent: the data folder \. cannot be used \(SQLITE_NOTADB\)[^\n]*--data\n$/);
  });

  test("a port that is taken", async () => {
    using folder = temporaryFolder();
    await using first = await startServer(folder.path, ["--data", "one"]);
    const { port } = new URL(first.url);
    const { code, err } = await run(folder.path, ["--data", "two", "--host", "127.0.0.1", "--port", port]);
    expect(code).toBe(1);
    expect(err).toContain(`127.0.0.1:${port}`);
    expect(err).toContain("--port");
  });

  test("a second instance on the same data folder", async () => {
    using folder = temporaryFolder();
    await using first = await startServer(folder.path);
    const { code, err } = await run(folder.path, ["serve", "--port", "0"]);
    expect(code).toBe(1);
    expect(err).toContain("another do-intent is running on ./data");
    expect(err).toContain("--data");
    expect((await fetch(`${first.url}/health`)).status).toBe(200);
  });
});
