import { cpSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startReceiver } from "../destinations/receiver.ts";
import { temporaryFolder } from "../support/folder.ts";
import { openShim } from "../support/shim.ts";
import { type Chamber, calm, disturb, makeCampaign, openChamber, SECRET_KEY } from "./chamber.ts";
import { createChance } from "./chance.ts";
import { openData, wrongsOf } from "./check.ts";
import { type Clients, startClients } from "./clients.ts";
import { beginRuling } from "./rulings.ts";
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
  killed: { starting: number; serving: number; ruling: number; stopping: number };
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
  undone: number;
  reviewed: number;
  erased: number;
  clicks: number;
  lists: number;
  reloads: number;
  slowestStartMs: number;
  wrongs: string[];
};

const ROUNDS_MAX = 12;
const CLIENTS_MAX = 8;
const LOAD_MAX_MS = 250;
const START_MAX_MS = 90;
const DELIVERED_WITHIN_MS = 60_000;
const DAY_MS = 86_400_000;
/** Lives that end while merges are undone. */
const RULING_SHARE = 0.3;
const RULING_MAX_MS = 25;

/** Load, kill -9 at a random moment, restart, compare; again and again, in folders of some rounds each. */
export async function crash(options: CrashOptions): Promise<CrashFigures> {
  const figures: CrashFigures = {
    iterations: 0,
    folders: 0,
    killed: { starting: 0, serving: 0, ruling: 0, stopping: 0 },
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
    undone: 0,
    reviewed: 0,
    erased: 0,
    clicks: 0,
    lists: 0,
    reloads: 0,
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

async function tortureFolder(options: CrashOptions, figures: CrashFigures, endsAt: number): Promise<void> {
  const chance = createChance(options.seed, figures.folders);
  using folder = temporaryFolder();
  await using receiver = await startReceiver((_, response) => {
    setTimeout(() => response.writeHead(204).end(), chance.below(12));
  });
  using shim = options.isFaulty ? openShim(folder.path) : null;
  const chamber = openChamber({ chance, folder: folder.path, receiver, shim });
  using _kept = keepWhatIsWrong(folder.path, options, figures);
  const rounds = Math.min(ROUNDS_MAX, options.iterations - figures.iterations);
  for (let round = 0; round < rounds && Date.now() < endsAt; round += 1) {
    await iterate(chamber, `${figures.folders}-${round}`, options.seed, figures);
    using database = openDataIfThere(folder.path);
    if (database !== null) figures.wrongs.push(...wrongsOf(database, chamber, Date.now() + DAY_MS));
    figures.iterations += 1;
    if (figures.wrongs.length > 0) return;
  }
  figures.wrongs.push(...(await finish(chamber, figures)));
  using database = openData(folder.path);
  figures.wrongs.push(...wrongsOf(database, chamber, Date.now() + DAY_MS));
  figures.wrongs.push(...chamber.model.victims.traces(database));
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
  calm(chamber);
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
  chamber.links ??= await makeCampaign(url, SECRET_KEY);
  const { links } = chamber;
  const asked = { url, secretKey: SECRET_KEY, model, links, seed, round, clients: chance.between(1, CLIENTS_MAX) };
  const clients = startClients(asked);
  // Short ones more often than long ones: the first requests of a start are a moment of their own.
  const loadMs = LOAD_MAX_MS * (chance.below(1_000) / 1_000) ** 2;
  await disturb(chamber, server, clients, chamber.shim === null ? loadMs : loadMs * 2);
  if (chance.is(RULING_SHARE)) {
    await ruleUntilGone(chamber, clients, server, asked);
    figures.killed.ruling += 1;
  } else if (chance.is(0.15)) {
    server.kill("SIGTERM");
    await Bun.sleep(chance.below(20));
    figures.killed.stopping += 1;
  } else figures.killed.serving += 1;
  await kill(server);
  await clients.done;
  figures.reloads += server.output().split('"config_changed"').length - 1;
}

/** What no event may follow: merges undone and questions answered, with the server killed while it does. */
async function ruleUntilGone(
  { chance, model, rulings }: Chamber,
  clients: Clients,
  server: Server,
  { url, secretKey }: { url: string; secretKey: string },
): Promise<void> {
  await clients.stop();
  const { done } = await beginRuling({ url, secretKey, chance, rulings, model });
  await Bun.sleep(chance.below(RULING_MAX_MS));
  await kill(server);
  await done;
}

async function kill(server: Server): Promise<void> {
  server.kill("SIGKILL");
  await server.ended;
}

/** A last life in peace: every signal reaches its receiver, and nothing else does. */
async function finish(chamber: Chamber, figures: CrashFigures): Promise<string[]> {
  calm(chamber);
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
  figures.undone += rows("merge where undone_at is not null");
  figures.reviewed += rows("merge_review where decision is not null");
  figures.erased += model.victims.erased();
  figures.clicks += rows("campaign_click");
  figures.lists += rows("campaign");
}
