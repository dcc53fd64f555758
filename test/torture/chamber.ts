import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseIntentConfig } from "../../src/config/intent.ts";
import type { Receiver } from "../destinations/receiver.ts";
import { SECRET } from "../destinations/sample.ts";
import { EIO, ENOSPC, type Faults, type Shim } from "../support/shim.ts";
import type { Chance } from "./chance.ts";
import type { Clients } from "./clients.ts";
import { createModel, type Model } from "./model.ts";
import { createReplay, type Replay } from "./replay.ts";
import type { Ruling } from "./rulings.ts";
import type { Server } from "./server.ts";
import { LEADS } from "./traffic.ts";
import { createVictims } from "./victims.ts";

/** One data folder and all that is done to it and known of it. */
export type Chamber = {
  chance: Chance;
  folder: string;
  args: string[];
  env: { [variable: string]: string };
  shim: Shim | null;
  model: Model;
  replay: Replay;
  receiver: Receiver;
  clock: ClockFault;
  /** What everybody is written to by; null until the campaign is made. */
  links: readonly string[] | null;
  rulings: Ruling[];
  intent: object;
};

/** `between requests`: what is sent before a jump is decided before it, so that signals can be compared. */
type ClockFault = "steady" | "between requests" | "at any moment";

type Disk = { isFailing: boolean; failedUntilMs: number };

export const SECRET_KEY = "sk_of_the_torture_chamber";
const DAY_MS = 86_400_000;
const UNLIMITED = { per_second: 1_000_000, burst: 1_000_000 };
/** So that all of it happens often, and no sum lands on a threshold to the millisecond. */
const THRESHOLDS = { warm: 17.3, hot: 41.7, burning: 71.9 };

const disks = new WeakMap<Chamber, Disk>();

export function openChamber(given: Pick<Chamber, "chance" | "folder" | "receiver" | "shim">): Chamber {
  const { chance, receiver, shim } = given;
  const intent = {
    thresholds: THRESHOLDS,
    limits: { network: UNLIMITED, network_events: UNLIMITED, key: UNLIMITED, visitor: UNLIMITED },
    destinations: [{ type: "webhook", name: "crm", url: receiver.url, secret: SECRET, allow_private: true }],
  };
  const parsed = parseIntentConfig(JSON.stringify(intent));
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join("\n"));
  const disk: Disk = { isFailing: false, failedUntilMs: Number.NEGATIVE_INFINITY };
  const model = createModel((sentAtMs) => disk.isFailing || sentAtMs <= disk.failedUntilMs, createVictims());
  const clock: ClockFault =
    shim === null
      ? "steady"
      : chance.pick(["steady", "steady", "between requests", "between requests", "at any moment"]);
  const chamber: Chamber = {
    ...given,
    args: ["--config", "intent.json", "--durability", chance.pick(["full", "normal"])],
    env: { DO_INTENT_SECRET_KEY: SECRET_KEY, ...shim?.env },
    model,
    replay: createReplay(parsed.config, model, { isClockSteady: clock !== "at any moment" }),
    clock,
    links: null,
    rulings: [],
    intent,
  };
  disks.set(chamber, disk);
  configure(chamber, JSON.stringify(intent));
  return chamber;
}

/** A campaign whose links the clients follow; its link ids. */
export async function makeCampaign(url: string, secretKey: string): Promise<string[]> {
  const headers = { authorization: `Bearer ${secretKey}` };
  const body = JSON.stringify({ name: "spring", base_url: "https://acme.example", landing: "/demo", leads: LEADS });
  await fetch(`${url}/campaigns`, { method: "POST", headers, body });
  const answer = await fetch(`${url}/campaigns/spring/leads`, { headers });
  const { leads } = (await answer.json()) as { leads: { link_id: string }[] };
  return leads.map(({ link_id }) => link_id);
}

/** Nothing fails, the clock is right, and the config is whole. */
export function calm(chamber: Chamber): void {
  configure(chamber, JSON.stringify(chamber.intent));
  setFaults(chamber, {});
}

/** Lets the server work for so long, while its config changes and, with a shim, its disk fails and its clock jumps. */
export async function disturb(chamber: Chamber, server: Server, clients: Clients, ms: number): Promise<void> {
  const { chance, shim, clock } = chamber;
  const steps = chance.between(1, 4);
  let offsetMs = 0;
  for (let step = 0; step < steps; step += 1) {
    if (chance.is(0.4)) reconfigure(chamber, server);
    if (clock !== "steady" && chance.is(0.6)) offsetMs = chance.between(-DAY_MS, DAY_MS);
    if (shim !== null) {
      const faults = faultsOf(chance, offsetMs);
      if (clock === "between requests") await clients.between(() => setFaults(chamber, faults));
      else setFaults(chamber, faults);
    }
    await Bun.sleep(ms / steps);
  }
}

function faultsOf(chance: Chance, clockOffsetMs: number): Faults {
  const faults: Faults = { every: chance.pick([1, 2, 7]), clockOffsetMs };
  const fault = chance.pick(["none", "none", "none", "write", "space", "sync"]);
  if (fault === "write") faults.writeErrno = EIO;
  if (fault === "space") faults.writeErrno = ENOSPC;
  if (fault === "sync") faults.syncErrno = EIO;
  return faults;
}

/** What was sent until the fault was over may be refused; what is sent later may not. */
function setFaults(chamber: Chamber, faults: Faults): void {
  const disk = disks.get(chamber);
  if (chamber.shim === null || disk === undefined) return;
  const { writeErrno = 0, syncErrno = 0 } = faults;
  const isFailing = writeErrno + syncErrno > 0;
  if (isFailing) disk.isFailing = true;
  chamber.shim.set(faults);
  if (!isFailing && disk.isFailing) disk.failedUntilMs = performance.now();
  disk.isFailing = isFailing;
}

/** Another config with the same scores, or none at all. */
function reconfigure(chamber: Chamber, server: Server): void {
  const { chance, intent } = chamber;
  const other = { ...intent, retain: { audit: `${chance.between(100, 999)}d` } };
  configure(chamber, chance.is(0.2) ? "{ half a" : JSON.stringify(other));
  server.kill("SIGHUP");
}

function configure({ folder }: Chamber, text: string): void {
  writeFileSync(join(folder, "intent.json.new"), text);
  renameSync(join(folder, "intent.json.new"), join(folder, "intent.json"));
}
