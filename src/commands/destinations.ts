import type { Command } from "../config/commands.ts";
import type { IntentConfig } from "../config/intent.ts";
import { AppError } from "../core/error.ts";
import { type DestinationAnswer, describeDestinations } from "../features/destinations/list.ts";
import { realPost } from "../jobs/deliver-attempt.ts";
import { sendTestSignal } from "../jobs/deliver-test-signal.ts";
import { COMMAND_LINE, createAuditStore } from "../store/sqlite/audit.ts";
import { openBeside, openReadOnly } from "../store/sqlite/database.ts";
import { createDeliveryStore } from "../store/sqlite/delivery.ts";
import { noteRead } from "./note.ts";
import { loadConfig } from "./serve.ts";

type DestinationsCommand = Extract<Command, { name: "destinations" | `destinations ${string}` }>;

type Write = (line: string) => void;

const EXIT_FAILED = 1;

/** Works on the file, also beside a running server, which looks every few seconds what it is to send. */
export async function runDestinations(command: DestinationsCommand, nowMs: number, write: Write): Promise<number> {
  const { config } = loadConfig(command.options.config);
  switch (command.name) {
    case "destinations":
      noteRead(command.options.data, command.name, null, nowMs);
      return list(config, command.options.data, write);
    case "destinations test":
      return test(config, command.options.destination, nowMs, write);
    case "destinations replay":
      return replay(config, command.options, nowMs, write);
  }
}

function list(config: IntentConfig, data: string, write: Write): number {
  const database = openReadOnly(data);
  try {
    const rows = describeDestinations(config.destinations, createDeliveryStore(database)).map(rowOf);
    const table = [["name", "type", "waiting", "dead", "state"], ...rows];
    const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
    for (const row of table)
      write(
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd(),
      );
    return 0;
  } finally {
    database.close(false);
  }
}

function rowOf({ name, type, pending, dead, ...state }: DestinationAnswer): string[] {
  return [name, type ?? "(not configured)", String(pending), String(dead), stateOf(state)];
}

function stateOf(state: Pick<DestinationAnswer, "paused_at" | "pause_reason" | "failing_since">): string {
  if (state.paused_at !== null) return `paused since ${state.paused_at} (${state.pause_reason})`;
  return state.failing_since === null ? "well" : `failing since ${state.failing_since}`;
}

async function test(config: IntentConfig, name: string, nowMs: number, write: Write): Promise<number> {
  const destination = config.destinations.find((candidate) => candidate.name === name);
  if (destination === undefined) throw unknown(name, config);
  const { public_url: publicUrl } = config;
  // Nobody is behind a test signal, so its link need not be signed.
  const context = { linkTo: publicUrl === undefined ? null : (path: string) => publicUrl + path, nowMs };
  const { verdict, status, answer } = await sendTestSignal(
    destination,
    context,
    realPost,
    new AbortController().signal,
  );
  const isDelivered = verdict.outcome === "delivered";
  const said = [status, answer].filter((part) => part !== null && part !== "").join(" ");
  write(`${name}: ${isDelivered ? "delivered" : "not delivered"}${said === "" ? "" : ` (${said})`}`);
  return isDelivered ? 0 : EXIT_FAILED;
}

type ReplayOptions = Extract<DestinationsCommand, { name: "destinations replay" }>["options"];

async function replay(config: IntentConfig, options: ReplayOptions, nowMs: number, write: Write): Promise<number> {
  const database = openBeside(options.data);
  try {
    const store = createDeliveryStore(database);
    const audit = createAuditStore(database);
    const known = describeDestinations(config.destinations, store).map(({ name }) => name);
    const names = options.someDestination === null ? known : [options.someDestination];
    for (const name of names) {
      if (!known.includes(name)) throw unknown(name, config);
      const entry = { occurredMs: nowMs, keyId: COMMAND_LINE, action: "destination_replay", subject: null };
      audit.record({ ...entry, detail: { destination: name } });
      write(`${name}: ${await store.replaySince(name, options.sinceMs, nowMs)} to be sent again`);
    }
    return 0;
  } finally {
    database.close(false);
  }
}

function unknown(name: string, { destinations }: IntentConfig): AppError {
  const known = destinations.map((config) => config.name).join(", ");
  return new AppError(
    "not_found",
    `there is no destination "${name}" in the config (--config); it has: ${known || "none"}`,
  );
}
