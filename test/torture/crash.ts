import { cpSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseIntentConfig } from "../../src/config/intent.ts";
import { type Receiver, startReceiver } from "../destinations/receiver.ts";
import { SECRET } from "../destinations/sample.ts";
import { temporaryFolder } from "../support/folder.ts";
import { EIO, ENOSPC, type Faults, openShim, type Shim } from "../support/shim.ts";
import { type Chance, createChance } from "./chance.ts";
import { openData, wrongsOf } from "./check.ts";
import { sendUntilGone } from "./clients.ts";
import { createModel, type Model } from "./model.ts";
import { createReplay } from "./replay.ts";
import { launch, type Server } from "./server.ts";

export type CrashOptions = {
  seed: number;
  iterations: number;
  minutes: number;
  /** Also lets the disk fail and the clock jump. */
  isFaulty: boolean;
  tell: (line: string) => void;
};

export type CrashFigures = {
  iterations: number;
  folders: number;
  killed: { starting: number; serving: number; stopping: number };
  requests: number;
  unanswered: number;
  accepted: number;
  duplicate: number;
  identifies: number;
  events: number;
  merges: number;
  switches: number;
  signals: number;
  webhooks: number;
  webhooksAgain: number;
  slowestStartMs: number;
  wrongs: string[];
};

const SECRET_KEY = "sk_of_the_torture_chamber";
const ROUNDS_MAX = 12;
const CLIENTS_MAX = 8;
const LOAD_MAX_MS = 250;
const START_MAX_MS = 90;
const DELIVERED_WITHIN_MS = 60_000;
const DAY_MS = 86_400_000;
const UNLIMITED = { per_second: 1_000_000, burst: 1_000_000 };
/** So that all of it happens often, and no sum lands on a threshold to the millisecond. */
const THRESHOLDS = { warm: 17.3, hot: 41.7, burning: 71.9 };

/** Load, kill -9 at a random moment, restart, compare; again and again, in folders of some rounds each. */
export async function crash(options: CrashOptions): Promise<CrashFigures> {
  const figures: CrashFigures = {
    iterations: 0,
    folders: 0,
    killed: { starting: 0, serving: 0, stopping: 0 },
    requests: 0,
    unanswered: 0,
    accepted: 0,
    duplicate: 0,
    identifies: 0,
    events: 0,
    merges: 0,
    switches: 0,
    signals: 0,
    webhooks: 0,
    webhooksAgain: 0,
    slowestStartMs: 0,
    wrongs: [],
  };
  const endsAt = Date.now() + options.minutes * 60_000;
  while (figures.iterations < options.iterations && Date.now() < endsAt && figures.wrongs.length === 0) {
    await tortureFolder(options, figures, endsAt);
    figures.folders += 1;
    if (figures.folders % 20 === 0) options.tell(`${figures.iterations} iterations, ${figures.events} events stored`);
  }
  return figures;
}

type Chamber = {
  chance: Chance;
  folder: string;
  args: string[];
  env: { [variable: string]: string };
  shim: Shim | null;
  model: Model;
  receiver: Receiver;
  isClockJumping: boolean;
  /** Whether the disk fails at the moment, or did a moment ago. */
  isFailing: boolean;
};

async function tortureFolder(options: CrashOptions, figures: CrashFigures, endsAt: number): Promise<void> {
  const chance = createChance(options.seed, figures.folders);
  using folder = temporaryFolder();
  await using receiver = await startReceiver((_, response) => {
    setTimeout(() => response.writeHead(204).end(), chance.below(12));
  });
  const intent = {
    thresholds: THRESHOLDS,
    limits: { network: UNLIMITED, network_events: UNLIMITED, key: UNLIMITED, visitor: UNLIMITED },
    destinations: [{ type: "webhook", name: "crm", url: receiver.url, secret: SECRET, allow_private: true }],
  };
  writeFileSync(join(folder.path, "intent.json"), JSON.stringify(intent));
  const parsed = parseIntentConfig(JSON.stringify(intent));
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join("\n"));
  using shim = options.isFaulty ? openShim(folder.path) : null;
  const chamber: Chamber = {
    chance,
    folder: folder.path,
    args: ["--config", "intent.json", "--durability", chance.pick(["full", "normal"])],
    env: { DO_INTENT_SECRET_KEY: SECRET_KEY, ...shim?.env },
    shim,
    model: createModel(() => chamber.isFailing),
    receiver,
    isClockJumping: options.isFaulty && chance.is(0.5),
    isFailing: false,
  };
  const replay = createReplay(parsed.config, chamber.model, { isClockSteady: !chamber.isClockJumping });
  using _kept = keepWhatIsWrong(folder.path, options, figures);
  const rounds = Math.min(ROUNDS_MAX, options.iterations - figures.iterations);
  for (let round = 0; round < rounds && Date.now() < endsAt; round += 1) {
    await iterate(chamber, `${figures.folders}-${round}`, options.seed, figures);
    using database = openDataIfThere(folder.path);
    if (database !== null) figures.wrongs.push(...wrongsOf(database, chamber.model, replay, Date.now() + DAY_MS));
    figures.iterations += 1;
    if (figures.wrongs.length > 0) return;
  }
  figures.wrongs.push(...(await finish(chamber, figures)));
  using database = openData(folder.path);
  figures.wrongs.push(...wrongsOf(database, chamber.model, replay, Date.now() + DAY_MS));
  count(database, chamber, figures);
}

/** Leaves the folder behind where something was wrong in it, for whoever looks into it. */
function keepWhatIsWrong(folder: string, { seed, tell }: CrashOptions, { wrongs }: CrashFigures): Disposable {
  return {
    [Symbol.dispose]: () => {
      if (wrongs.length === 0) return;
      const kept = join(tmpdir(), `do-intent-torture-${seed}`);
      cpSync(folder, kept, { recursive: true });
      tell(`what is wrong is kept in ${kept}`);
    },
  };
}

/** Null before the first start came as far as making the tables. */
function openDataIfThere(folder: string) {
  try {
    const database = openData(folder);
    if (database.query("select 1 from sqlite_schema where name = 'suppression'").get() !== null) return database;
    database.close();
  } catch {
    // Killed before there was a file.
  }
  return null;
}

/** One life of the server, from its start to its violent end. */
async function iterate(chamber: Chamber, round: string, seed: number, figures: CrashFigures): Promise<void> {
  const { chance, model } = chamber;
  setFaults(chamber, {});
  const startedAt = performance.now();
  const server = launch(chamber.folder, chamber.args, chamber.env);
  if (chance.is(0.1)) {
    await Bun.sleep(chance.below(START_MAX_MS));
    await kill(server);
    figures.killed.starting += 1;
    return;
  }
  const url = await server.url;
  if (url === null) {
    model.wrongs.push(`the server did not start: ${server.output()}`);
    return;
  }
  figures.slowestStartMs = Math.max(figures.slowestStartMs, performance.now() - startedAt);
  const done = sendUntilGone({
    url,
    secretKey: SECRET_KEY,
    model,
    seed,
    round,
    clients: chance.between(1, CLIENTS_MAX),
  });
  // Short ones more often than long ones: the first requests of a start are a moment of their own.
  const loadMs = LOAD_MAX_MS * (chance.below(1_000) / 1_000) ** 2;
  if (chamber.shim === null) await Bun.sleep(loadMs);
  else await sleepWithFaults(chamber, loadMs * 2);
  if (chance.is(0.15)) {
    server.kill("SIGTERM");
    await Bun.sleep(chance.below(20));
    figures.killed.stopping += 1;
  } else figures.killed.serving += 1;
  await kill(server);
  await done;
}

async function kill(server: Server): Promise<void> {
  server.kill("SIGKILL");
  await server.ended;
}

function setFaults(chamber: Chamber, faults: Faults): void {
  if (chamber.shim === null) return;
  const { writeErrno = 0, syncErrno = 0 } = faults;
  // An answer to what failed may still be on its way when it works again, so a folder that failed once stays excused.
  chamber.isFailing ||= writeErrno + syncErrno > 0;
  chamber.shim.set(faults);
}

async function sleepWithFaults(chamber: Chamber, ms: number): Promise<void> {
  const { chance } = chamber;
  const steps = chance.between(1, 4);
  for (let step = 0; step < steps; step += 1) {
    const faults: Faults = { every: chance.pick([1, 2, 7]) };
    if (chamber.isClockJumping) faults.clockOffsetMs = chance.between(-DAY_MS, DAY_MS);
    const fault = chance.pick(["none", "none", "none", "write", "space", "sync"]);
    if (fault === "write") faults.writeErrno = EIO;
    if (fault === "space") faults.writeErrno = ENOSPC;
    if (fault === "sync") faults.syncErrno = EIO;
    setFaults(chamber, faults);
    await Bun.sleep(ms / steps);
  }
}

/** A last life in peace: every signal reaches its receiver, and nothing else does. */
async function finish(chamber: Chamber, figures: CrashFigures): Promise<string[]> {
  setFaults(chamber, {});
  const server = launch(chamber.folder, chamber.args, chamber.env);
  if ((await server.url) === null) return [`the server did not start: ${server.output()}`];
  const deadline = Date.now() + DELIVERED_WITHIN_MS;
  using database = openData(chamber.folder);
  const waiting = database.query<{ count: number }, []>(
    "select count(*) as count from delivery where state <> 'delivered'",
  );
  while ((waiting.get()?.count ?? 0) > 0 && Date.now() < deadline) await Bun.sleep(5);
  const left = waiting.get()?.count ?? 0;
  server.kill("SIGTERM");
  const code = await server.ended;
  const wrongs = left === 0 ? [] : [`${left} deliveries never arrived`];
  if (code !== 0) wrongs.push(`SIGTERM ended it with ${code}`);
  return [...wrongs, ...compareWebhooks(chamber, database, figures)];
}

function compareWebhooks(
  { receiver }: Chamber,
  database: ReturnType<typeof openData>,
  figures: CrashFigures,
): string[] {
  const bodies = new Map<string, string>();
  const wrongs: string[] = [];
  for (const { headers, body } of receiver.received) {
    const id = headers["webhook-id"] ?? "";
    const known = bodies.get(id);
    if (known !== undefined) figures.webhooksAgain += 1;
    if (known !== undefined && known !== body) wrongs.push(`${id} came with two bodies`);
    bodies.set(id, body);
  }
  figures.webhooks += bodies.size;
  const told = [...bodies.values()].map((body) => (JSON.parse(body) as { data: { signal_id: string } }).data.signal_id);
  const stored = database.query<{ data: string }, []>("select data from signal").all();
  const expected = stored.map(({ data }) => (JSON.parse(data) as { signal_id: string }).signal_id);
  if (!Bun.deepEquals(told.sort(), expected.sort()))
    wrongs.push(`${expected.length} signals are stored, and the receiver knows ${told.length} by other ids`);
  return wrongs;
}

function count(database: ReturnType<typeof openData>, { model }: Chamber, figures: CrashFigures): void {
  const rows = (table: string): number =>
    database.query<{ count: number }, []>(`select count(*) as count from ${table}`).get()?.count ?? 0;
  figures.requests += model.counts.requests;
  figures.unanswered += model.counts.unanswered;
  figures.accepted += model.counts.accepted;
  figures.duplicate += model.counts.duplicate;
  figures.identifies += model.counts.identifies;
  figures.events += rows("event");
  figures.merges += rows("merge");
  figures.switches += rows("identity where retired_at is not null");
  figures.signals += rows("signal");
}
