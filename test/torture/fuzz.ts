import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { parseIntentConfig } from "../../src/config/intent.ts";
import { loadScript } from "../../src/features/tracker/routes.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startInstance } from "../support/instance.ts";
import { openLive } from "../support/live.ts";
import { MARKER } from "../support/secrecy.ts";
import { frames, sendFrames } from "./fuzz-frames.ts";
import { body, type Input, inputs, type Route } from "./fuzz-inputs.ts";
import { ENVIRONMENT, makeRiches, richInputs, writeRichConfig } from "./fuzz-rich.ts";
import { launch } from "./server.ts";
import { openWire, type Reply } from "./wire.ts";

export type FuzzFigures = {
  inputs: number;
  routes: number;
  /** Frames to sockets, a tenth as many sockets as inputs, and the answers to them. */
  frames: number;
  answers: number;
  statuses: { [status: string]: number };
  /** Of what was sent, whole requests get all their answers; these were none, or were closed upon. */
  unanswered: number;
  /** Resident memory after each twentieth of the inputs. */
  residentMb: number[];
  /** The same without what SQLite may keep of the database in memory. */
  ownMb: number[];
  wrongs: string[];
};

const SECRET_KEY = "sk_that_the_fuzzer_knows";
/** Whoever waits for an answer to a whole request gets one in this time, on a busy machine too. */
const ANSWER_MAX_MS = 20_000;
/** So long is waited for an answer to what is no request. */
const SILENCE_MAX_MS = 500;
const MEASURES = 20;
/** What the last quarter of the measures may lie above the second one, where that is many inputs. */
const GROWTH_MAX_MB = 16;
/** What was stored fills SQLite's cache; nothing else is left of a request. */
const CACHE_MB = 64;
const GROWTH_FROM_INPUTS = 20_000;
/** With fewer it has not warmed up. */
const WARMING_MAX_MB = 96;
/** What bun itself says to a request line that it cannot read. */
const UNREADABLE = 505;
const MB_PER_KB = 1 / 1_024;

/** All routes, taken from the app itself so that none is forgotten. */
export async function routesOf(): Promise<Route[]> {
  const parsed = parseIntentConfig("{}");
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join("\n"));
  await using house = startInstance({ script: await loadScript(parsed.config.tracker) });
  const routes = house.app.routes.map(({ method, path }) => ({ method, path }));
  return routes.filter(({ method }) => /^[A-Z]+$/.test(method));
}

/** Raw requests to the real executable: no 5xx, no echo, no growth, and at the end it is as well as before. */
export async function fuzz(options: {
  seed: number;
  inputs: number;
  tell: (line: string) => void;
}): Promise<FuzzFigures> {
  const { seed, inputs: numRuns, tell } = options;
  using folder = temporaryFolder();
  writeRichConfig(folder.path);
  const args = ["--config", "intent.json", "--durability", "normal"];
  const server = launch(folder.path, args, { DO_INTENT_SECRET_KEY: SECRET_KEY, ...ENVIRONMENT });
  const url = await server.url;
  if (url === null) throw new Error(`the server did not start: ${server.output()}`);
  const routes = await routesOf();
  const figures: FuzzFigures = {
    inputs: 0,
    routes: routes.length,
    frames: 0,
    answers: 0,
    statuses: {},
    unanswered: 0,
    residentMb: [],
    ownMb: [],
    wrongs: [],
  };
  const riches = await makeRiches(url, SECRET_KEY);
  const anything = fc.oneof(inputs(routes, SECRET_KEY), richInputs(riches));
  const wire = openWire(Number(new URL(url).port));
  const measure = (): void => {
    const resident = residentMb(server.pid);
    figures.residentMb.push(resident);
    figures.ownMb.push(resident - Math.min(CACHE_MB, Math.round(databaseMb(folder.path))));
  };
  const property = fc.asyncProperty(anything, async (input) => {
    const reply = await wire.ask(input.bytes, input.isHead, input.isComplete ? ANSWER_MAX_MS : SILENCE_MAX_MS);
    const wrong = whatIsWrong(input, reply);
    if (wrong !== null) throw new Error(`${wrong}: ${told(input)}`);
    figures.inputs += 1;
    if (reply === null) figures.unanswered += 1;
    else figures.statuses[reply.status] = (figures.statuses[reply.status] ?? 0) + 1;
    if (figures.inputs % Math.floor(numRuns / MEASURES) === 0) measure();
    if (figures.inputs % 10_000 === 0) tell(`${figures.inputs} inputs`);
  });
  const { failed, error, counterexample } = await fc
    .check(property, { seed, numRuns, endOnFailure: true })
    .then((run) => ({
      failed: run.failed,
      error: "errorInstance" in run ? run.errorInstance : null,
      counterexample: run.counterexample,
    }));
  if (failed) figures.wrongs.push(error instanceof Error ? error.message : String(counterexample));
  wire.close();
  await fuzzSockets(url, seed, numRuns, figures);
  if (isGrowing(figures.ownMb, numRuns)) figures.wrongs.push(`memory grows: ${figures.ownMb.join(", ")} MB`);
  const health = await fetch(`${url}/health`);
  if (health.status !== 200) figures.wrongs.push(`afterwards /health is ${health.status}`);
  server.kill("SIGTERM");
  if ((await server.ended) !== 0) figures.wrongs.push("it did not end well");
  if (server.output().toLowerCase().includes(MARKER)) figures.wrongs.push("the log repeats what was sent");
  const faults = server
    .output()
    .split("\n")
    .filter((line) => line.includes('"level":"error"'));
  if (faults.length > 0) figures.wrongs.push(`${faults.length} faults in the log, the first: ${faults[0]}`);
  return figures;
}

async function fuzzSockets(url: string, seed: number, inputs: number, figures: FuzzFigures): Promise<void> {
  const other = await openLive(url);
  const after = () => other.ask({ event: "page_view", anonymous_id: "other" });
  for (const sent of fc.sample(frames(body), { seed, numRuns: Math.ceil(inputs / 10) })) {
    const { frames: count, answers, wrong } = await sendFrames(Number(new URL(url).port), sent, after);
    figures.frames += count;
    figures.answers += answers;
    if (wrong !== null) figures.wrongs.push(wrong);
  }
  other.close();
}

function isGrowing(ownMb: readonly number[], inputs: number): boolean {
  const quarter = Math.floor(ownMb.length / 4);
  const median = (from: number): number =>
    ownMb.slice(from, from + quarter).toSorted((a, b) => a - b)[Math.floor(quarter / 2)] ?? 0;
  if (inputs < GROWTH_FROM_INPUTS) return (ownMb.at(-1) ?? 0) - (ownMb[0] ?? 0) > WARMING_MAX_MB;
  return median(3 * quarter) - median(quarter) > GROWTH_MAX_MB;
}

function whatIsWrong({ isSecret, isRepeating, isComplete, bytes }: Input, reply: Reply | null): string | null {
  if (reply === null) return isComplete ? "was not answered" : null;
  const { status, head, body } = reply;
  if (status >= 500 && !(status === UNREADABLE && body === "")) return `answered ${status} with ${body.slice(0, 300)}`;
  // With the secret key what is stored may be read, stored by these very requests; and a config is told what is wrong in it.
  const isConfig = Buffer.from(bytes.slice(0, 40)).includes(" /config/");
  const isRead = isRepeating || (isSecret && (status < 300 || isConfig));
  if (/^content-type: text\/html/im.test(head) && body.includes(`<${MARKER}`))
    return `answered ${status} with what was sent as it was: ${body.slice(0, 300)}`;
  if (
    !isRead &&
    MEANT.reduce((said, meant) => said.replace(meant, ""), head + body)
      .toLowerCase()
      .includes(MARKER)
  )
    return `answered ${status} with what was sent: ${head} ${body.slice(0, 300)}`;
  return null;
}

/** Meant to come back: the origin that CORS allows, and an event's own id. */
const MEANT = [/^access-control-allow-origin: .*$/gim, /"event_id":"(?:[^"\\]|\\.)*"/g];

function told({ bytes }: Input): string {
  return JSON.stringify(Buffer.from(bytes.slice(0, 1_500)).toString("latin1"));
}

function residentMb(pid: number): number {
  const said = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(said ?? 0) * MB_PER_KB);
}

function databaseMb(folder: string): number {
  return statSync(join(folder, "data", "do-intent.db")).size / 1_024 ** 2;
}
