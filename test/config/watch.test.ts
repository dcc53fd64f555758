import { afterEach, describe, expect, jest, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readIntentConfig } from "../../src/config/read.ts";
import { type ConfigWatch, type LoadedIntent, watchConfig } from "../../src/config/watch.ts";

const EVERY_MS = 5;
const WAIT_MAX_MS = 4_000;
const WRITTEN_AT = new Date(Date.UTC(2026, 0, 1));

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const configText = (warm: number, secret = "env:CRM") =>
  JSON.stringify({
    thresholds: { warm },
    destinations: [{ type: "webhook", name: "crm", url: "https://crm.example/", secret }],
  });

function load(path: string): LoadedIntent {
  const loaded = readIntentConfig(path);
  if (loaded.problems !== undefined) throw new Error(loaded.problems.join("\n"));
  return loaded;
}

/** A watched file with what the watch has told so far, oldest first. */
function watched(everyMs = EVERY_MS): { path: string; folder: string; told: (number | string)[]; watch: ConfigWatch } {
  const folder = mkdtempSync(join(tmpdir(), "do-intent-watch-"));
  const path = join(folder, "intent.json");
  writeFileSync(path, configText(40));
  utimesSync(path, WRITTEN_AT, WRITTEN_AT);
  const told: (number | string)[] = [];
  const watch = watchConfig({
    path,
    loaded: load(path),
    everyMs,
    onChange: ({ config }) => told.push(Number(config.thresholds.warm)),
    onBroken: (problems) => told.push(problems.join("; ")),
  });
  cleanups.push(watch.stop, () => rmSync(folder, { recursive: true, force: true }));
  return { path, folder, told, watch };
}

/** Lets the watch look when the test says so. */
function fakeTicks(): (count: number) => void {
  jest.useFakeTimers();
  cleanups.push(() => jest.useRealTimers());
  return (count) => jest.advanceTimersByTime(count * EVERY_MS);
}

async function until(told: readonly unknown[], count: number): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MAX_MS;
  while (told.length < count) {
    if (performance.now() > deadlineMs) throw new Error(`told ${JSON.stringify(told)} only`);
    await Bun.sleep(1);
  }
}

describe("a watched intent.json", () => {
  test("that is written anew takes hold", async () => {
    const { path, told } = watched();
    writeFileSync(path, configText(41));
    await until(told, 1);
    writeFileSync(path, configText(42));
    await until(told, 2);
    expect(told).toEqual([41, 42]);
  });

  test("that is replaced by a file of the same size and time takes hold", () => {
    const tick = fakeTicks();
    const { path, folder, told } = watched();
    tick(2);
    const other = join(folder, "other.json");
    writeFileSync(other, configText(41));
    utimesSync(other, WRITTEN_AT, WRITTEN_AT);
    renameSync(other, path);
    tick(2);
    expect(told).toEqual([41]);
  });

  test("that was changed before the watch began takes hold", async () => {
    const { path, told } = watched();
    const loaded = load(path);
    writeFileSync(path, configText(41));
    const late = watchConfig({
      path,
      loaded,
      everyMs: EVERY_MS,
      onChange: () => told.push("late"),
      onBroken: () => {},
    });
    cleanups.push(late.stop);
    await until(told, 2);
    expect(told).toContain("late");
  });

  test("whose secret is rotated takes hold, though the hash is the same", async () => {
    const { path, told } = watched();
    writeFileSync(path, configText(40, `whsec_${"A".repeat(32)}`));
    await until(told, 1);
    writeFileSync(path, configText(40, `whsec_${"B".repeat(32)}`));
    await until(told, 2);
    expect(told).toEqual([40, 40]);
  });

  test("that is broken is told once, and again when it is mended to what it was", async () => {
    const { path, told } = watched();
    writeFileSync(path, "{");
    await until(told, 1);
    writeFileSync(path, configText(40));
    await until(told, 2);
    expect(told).toEqual([
      "line 1, column 2: the file ends where a key in double quotes is expected; it was cut off",
      40,
    ]);
  });

  test("that vanishes and comes back is told of", async () => {
    const { path, told } = watched();
    rmSync(path);
    await until(told, 1);
    writeFileSync(path, configText(41));
    await until(told, 2);
    expect(told).toEqual(["the file is not there; put it in place or name another one", 41]);
  });

  test("that says the same in other words is no change", async () => {
    const { path, told } = watched();
    writeFileSync(path, ` ${configText(40)}\n`);
    rmSync(path);
    await until(told, 1);
    expect(told).toHaveLength(1);
  });

  test("that is being written is left alone until it rests", () => {
    const tick = fakeTicks();
    const { path, told } = watched();
    const text = configText(41);
    for (const length of [10, 20, 30, text.length]) {
      writeFileSync(path, text.slice(0, length));
      tick(1);
    }
    expect(told).toEqual([]);
    tick(1);
    expect(told).toEqual([41]);
  });

  test("is read at once by reload, and left alone after stop", () => {
    const { path, told, watch } = watched(60_000);
    watch.reload();
    expect(told).toEqual([]);
    writeFileSync(path, configText(41));
    watch.reload();
    writeFileSync(path, "[]");
    watch.reload();
    watch.reload();
    expect(told).toEqual([41, "the file must be an object", "the file must be an object"]);
  });
});

describe("what is no config file", () => {
  const cases: { what: string; make: (path: string) => void; below?: string; problem: string }[] = [
    { what: "nothing", make: () => {}, problem: "the file is not there; put it in place or name another one" },
    { what: "a folder", make: (path) => mkdirSync(path), problem: "the path is a folder; give the file in it" },
    {
      what: "a pipe",
      make: (path) => void Bun.spawnSync(["mkfifo", path]),
      problem: "the path is no regular file; give an intent.json",
    },
    {
      what: "binary garbage",
      make: (path) => writeFileSync(path, new Uint8Array([0xff, 0xfe, 0x00, 0x80])),
      problem: "the file is not UTF-8 text; save it as UTF-8",
    },
    {
      what: "an archive",
      make: (path) => writeFileSync(path, "PK\u0003\u0004"),
      problem: "line 1, column 1: a value is expected here",
    },
    {
      what: "a file of more than 1 MB",
      make: (path) => writeFileSync(path, " ".repeat(1_000_001)),
      problem: "the file is larger than 1000000 bytes; is it an intent.json?",
    },
    {
      what: "a file below a file",
      make: (path) => writeFileSync(path, "{}"),
      below: "intent.json",
      problem: "the file cannot be read (ENOTDIR); let the user that runs do-intent read it",
    },
  ];

  test.each(cases)("$what", ({ make, below = "", problem }) => {
    const folder = mkdtempSync(join(tmpdir(), "do-intent-read-"));
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "intent.json");
    make(path);
    expect(readIntentConfig(join(path, below))).toEqual({ problems: [problem] });
  });
});
