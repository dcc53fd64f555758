import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { temporaryFolder } from "../support/folder.ts";
import { startInstance } from "../support/instance.ts";
import { openLive } from "../support/live.ts";
import { MARKER } from "../support/secrecy.ts";
import { frames, sendFrames } from "./fuzz-frames.ts";
import { body, type Input, inputs, type Route } from "./fuzz-inputs.ts";
import { launch } from "./server.ts";
import { openWire, type Reply } from "./wire.ts";

export type FuzzFigures = {
  inputs: number;
  routes: number;
  /** Frames to sockets, a tenth as many sockets as inputs, and the answers to them. */
  frames: number;
  answers: number;
  statuses: { [status: string]: number };
  /** Without an answer: the connection was closed, or what was sent was no whole request. */
  unanswered: number;
  /** Resident memory after a tenth, half and all of the inputs. */
  residentMb: number[];
  wrongs: string[];
};

const SECRET_KEY = "sk_that_the_fuzzer_knows";
const UNLIMITED = { per_second: 1_000_000, burst: 1_000_000 };
/** What a server may take on after it has warmed up: caches have bounds, and they fill. */
const GROWTH_MAX_MB = 96;
/** What bun itself says to a request line that it cannot read. */
const UNREADABLE = 505;
const MB_PER_KB = 1 / 1_024;

/** All routes, taken from the app itself so that none is forgotten. */
export async function routesOf(): Promise<Route[]> {
  await using house = startInstance();
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
  const limits = { network: UNLIMITED, key: UNLIMITED, visitor: UNLIMITED };
  writeFileSync(join(folder.path, "intent.json"), JSON.stringify({ limits }));
  const args = ["--config", "intent.json", "--durability", "normal"];
  const server = launch(folder.path, args, { DO_INTENT_SECRET_KEY: SECRET_KEY });
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
    wrongs: [],
  };
  const wire = openWire(Number(new URL(url).port));
  const isMeasured = (run: number): boolean => [numRuns / 10, numRuns / 2].map(Math.floor).includes(run);
  const property = fc.asyncProperty(inputs(routes, SECRET_KEY), async (input) => {
    const reply = await wire.ask(input.bytes, input.isHead);
    const wrong = whatIsWrong(input, reply);
    if (wrong !== null) throw new Error(`${wrong}: ${told(input)}`);
    figures.inputs += 1;
    if (reply === null) figures.unanswered += 1;
    else figures.statuses[reply.status] = (figures.statuses[reply.status] ?? 0) + 1;
    if (isMeasured(figures.inputs)) figures.residentMb.push(residentMb(server.pid));
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
  figures.residentMb.push(residentMb(server.pid));
  const [warm = 0] = figures.residentMb;
  if (residentMb(server.pid) - warm > GROWTH_MAX_MB) figures.wrongs.push("memory grows");
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

function whatIsWrong({ isSecret, bytes }: Input, reply: Reply | null): string | null {
  if (reply === null) return null;
  const { status, head, body } = reply;
  if (status >= 500 && !(status === UNREADABLE && body === "")) return `answered ${status} with ${body.slice(0, 300)}`;
  // With the secret key what is stored may be read, stored by these very requests; and a config is told what is wrong in it.
  const isConfig = Buffer.from(bytes.slice(0, 40)).includes(" /config/");
  const isRead = isSecret && (status < 300 || isConfig);
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
