import { expect, spyOn, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runAudit } from "../../src/commands/audit.ts";
import { runBackup } from "../../src/commands/backup.ts";
import { runCalibrate } from "../../src/commands/calibrate.ts";
import { runCampaignCreate, runCampaignExport } from "../../src/commands/campaign.ts";
import { runConfigTry } from "../../src/commands/config-try.ts";
import { runDestinations } from "../../src/commands/destinations.ts";
import { runDoctor } from "../../src/commands/doctor.ts";
import { runExplain } from "../../src/commands/explain.ts";
import { runExport } from "../../src/commands/export.ts";
import { runKeys } from "../../src/commands/keys.ts";
import { runMerges } from "../../src/commands/merges.ts";
import { noteCommand } from "../../src/commands/note.ts";
import { runPeopleErase, runPeopleExport } from "../../src/commands/people.ts";
import { runReport } from "../../src/commands/report.ts";
import { runRescore } from "../../src/commands/rescore.ts";
import { runRestore } from "../../src/commands/restore.ts";
import type { Command, CommandName } from "../../src/config/commands.ts";
import { parseCommand } from "../../src/config/flags.ts";
import { openReadOnly } from "../../src/store/sqlite/database.ts";
import { temporaryFolder } from "../support/folder.ts";
import { NOON_MS, startInstance } from "../support/instance.ts";

const EMAIL = "ada@acme.com";
const silent = () => undefined;
const taken = async () => true;

type Place = { data: string; out: string; personId: string; mergeId: string; keyId: string; reviewIds: string[] };
type Case = { say: (place: Place) => string[]; noted: string; about?: (place: Place) => string | RegExp };
type Named<Name extends CommandName> = Extract<Command, { name: Name }>;

/** Each command that looks into a data folder, and what the audit says of it; of the others, why it says nothing. */
const CASES: { readonly [Name in CommandName]: Case | string } = {
  serve: "its config is noted, and what keys do there",
  "config check": "reads a config file",
  "config print": "reads a config file",
  "config schema": "reads nothing",
  "destinations test": "sends a test signal about nobody, and opens no folder",
  demo: "has a folder of its own for as long as it runs",
  snippet: "prints the public write key",
  "install-service": "opens no folder",
  version: "reads nothing",
  help: "reads nothing",
  "config try": { say: () => ["config", "try", "intent.json"], noted: "read" },
  explain: { say: () => ["explain", EMAIL], noted: "read", about: ({ personId }) => personId },
  rescore: { say: () => ["rescore"], noted: "rescore" },
  calibrate: { say: () => ["calibrate", "--goal", "asked"], noted: "read" },
  destinations: { say: () => ["destinations"], noted: "read" },
  "destinations replay": {
    say: () => ["destinations", "replay", "chat", "--since", "2026-05-01"],
    noted: "destination_replay",
  },
  "keys list": { say: () => ["keys", "list"], noted: "read" },
  "keys create": {
    say: () => ["keys", "create", "other", "--scope", "read"],
    noted: "key_create",
    about: () => /^key_/,
  },
  "keys revoke": { say: ({ keyId }) => ["keys", "revoke", keyId], noted: "key_revoke", about: () => /^key_/ },
  "campaign create": {
    say: ({ out }) =>
      ["campaign", "create", "--name", "fall", "--leads", join(out, "leads.csv"), "--out", out].concat(URLS),
    noted: "campaign_create",
    about: () => /^cmp_/,
  },
  "campaign export": {
    say: () => ["campaign", "export", "spring", "--url", "https://intent.example"],
    noted: "campaign_export",
    about: () => /^cmp_/,
  },
  report: { say: () => ["report", "recent-sessions"], noted: "read" },
  merges: { say: () => ["merges"], noted: "read" },
  "merges undo": {
    say: ({ mergeId }) => ["merges", "undo", mergeId],
    noted: "merge_undo",
    about: ({ mergeId }) => mergeId,
  },
  reviews: { say: () => ["reviews"], noted: "read" },
  "reviews approve": {
    say: ({ reviewIds }) => ["reviews", "approve", reviewIds[0] ?? ""],
    noted: "review_approve",
    about: ({ reviewIds }) => reviewIds[0] ?? "",
  },
  "reviews reject": {
    say: ({ reviewIds }) => ["reviews", "reject", reviewIds[1] ?? ""],
    noted: "review_reject",
    about: ({ reviewIds }) => reviewIds[1] ?? "",
  },
  doctor: { say: () => ["doctor", "--compact"], noted: "compact" },
  "people erase": { say: () => ["people", "erase", EMAIL], noted: "person_erase", about: ({ personId }) => personId },
  "people export": {
    say: () => ["people", "export", EMAIL],
    noted: "person_export",
    about: ({ personId }) => personId,
  },
  audit: { say: () => ["audit"], noted: "read" },
  export: { say: () => ["export", "people", "--format", "csv"], noted: "table_export" },
  backup: { say: ({ out }) => ["backup", join(out, "b.db")], noted: "backup" },
  restore: { say: ({ out }) => ["restore", join(out, "older.db"), "--replace"], noted: "restore" },
};
const URLS = ["--base-url", "https://acme.example", "--url", "https://intent.example"];

const RUN: { readonly [Name in CommandName]?: (command: Named<Name>) => unknown } = {
  "config try": ({ options }) => runConfigTry(options, NOON_MS, silent),
  explain: ({ options }) => runExplain(options, NOON_MS, silent),
  rescore: ({ options }) => runRescore(options, NOON_MS, silent),
  // Who were looked at were too few to learn from, and were looked at.
  calibrate: ({ options }) => expect(() => runCalibrate(options, NOON_MS, silent, silent)).toThrow("are needed"),
  destinations: (command) => runDestinations(command, NOON_MS, silent),
  "destinations replay": (command) => runDestinations(command, NOON_MS, silent),
  "keys list": (command) => runKeys(command, NOON_MS, silent, silent),
  "keys create": (command) => runKeys(command, NOON_MS, silent, silent),
  "keys revoke": (command) => runKeys(command, NOON_MS, silent, silent),
  "campaign create": ({ options }) => runCampaignCreate(options, () => NOON_MS, silent, null),
  "campaign export": ({ options }) => runCampaignExport(options, silent),
  report: ({ options }) => runReport(options, NOON_MS, silent),
  merges: (command) => runMerges(command, silent, silent),
  "merges undo": (command) => runMerges(command, silent, silent),
  reviews: (command) => runMerges(command, silent, silent),
  "reviews approve": (command) => runMerges(command, silent, silent),
  "reviews reject": (command) => runMerges(command, silent, silent),
  doctor: ({ options }) => runDoctor(options, NOON_MS, silent),
  "people erase": ({ options }) => runPeopleErase(options, NOON_MS, silent),
  "people export": ({ options }) => runPeopleExport(options, NOON_MS, async () => undefined),
  audit: ({ options }) => runAudit(options, silent),
  export: ({ options }) => runExport(options, NOON_MS, taken, null),
  backup: ({ options }) => runBackup(options, silent),
  restore: ({ options }) => runRestore(options, NOON_MS, silent),
};

async function live(data: string, out: string): Promise<Place> {
  const intent = { destinations: [{ type: "log", name: "chat" }] };
  writeFileSync(join(out, "intent.json"), JSON.stringify(intent));
  writeFileSync(join(out, "leads.csv"), `email\n${EMAIL}\n`);
  await using instance = startInstance({ dataFolder: data, intent });
  const identify = (identity: object, visitor: string | null = null) =>
    instance.postSecret<{ person_id: string }>("/identify", { anonymous_id: visitor, identity });
  await identify({ user_id: "u-1" });
  await identify({ email: EMAIL });
  await identify({ user_id: "u-1", email: EMAIL });
  for (const user of ["u-2", "u-3"]) {
    for (let address = 0; address < 6; address += 1)
      await identify({ user_id: user, email: `${user}-${address}@b.example` });
  }
  await instance.postSecret("/campaigns", {
    name: "spring",
    base_url: "https://acme.example",
    leads: [{ email: EMAIL }],
  });
  const { body: made } = await instance.postSecret<{ key_id: string }>("/keys", { name: "crm", scopes: ["read"] });
  await runBackup({ backupFile: join(out, "older.db"), data }, silent);
  const get = async <Body>(path: string) => (await instance.getSecret<Body>(path)).body;
  const { merges } = await get<{ merges: { merge_id: string }[] }>("/merges");
  const { reviews } = await get<{ reviews: { review_id: string }[] }>("/reviews");
  return {
    data,
    out,
    personId: (await get<{ person_id: string }>(`/people/${EMAIL}`)).person_id,
    keyId: made.key_id,
    mergeId: merges[0]?.merge_id ?? "",
    reviewIds: reviews.map(({ review_id: id }) => id),
  };
}

function notes(data: string): { key_id: string; action: string; subject: string | null; detail: string | null }[] {
  const database = openReadOnly(data);
  try {
    return database.query("select key_id, action, subject, detail from audit order by audit_id").all() as never;
  } finally {
    database.close(false);
  }
}

function parsed(words: string[], { data, out }: Place): Command {
  const command = words[0] === "config" ? ["config", "try", join(out, "intent.json")] : words;
  const takesConfig = !["keys", "audit", "merges", "reviews", "backup", "restore"].includes(words[0] ?? "");
  const isLone = words[0] === "merges" || words[0] === "reviews" ? words.length > 2 : takesConfig;
  const withConfig = isLone && words[1] !== "erase" ? ["--config", join(out, "intent.json")] : [];
  const found = parseCommand([...command, "--data", data, ...withConfig], {});
  if (found.problem !== undefined) throw new Error(found.problem);
  return found.command;
}

test.each(
  Object.entries(CASES).flatMap(([name, known]) =>
    typeof known === "string" ? [] : [[name as CommandName, known] as const],
  ),
)("%s is in the audit, as done from the command line", async (name, { say, noted, about }) => {
  using folder = temporaryFolder();
  using out = temporaryFolder();
  const place = await live(folder.path, out.path);
  const before = notes(folder.path).length;
  const command = parsed(say(place), place);
  expect(command.name).toBe(name);
  const run = RUN[name] as (command: Command) => unknown;
  await run(command);
  const fresh = name === "restore" ? notes(folder.path).slice(-1) : notes(folder.path).slice(before);
  expect(fresh.map(({ key_id, action }) => [key_id, action])).toContainEqual(["command line", noted]);
  const note = fresh.find(({ action }) => action === noted);
  const expected = about?.(place) ?? null;
  if (expected instanceof RegExp) expect(note?.subject).toMatch(expected);
  else expect(note?.subject ?? null).toBe(expected);
  expect(JSON.stringify(fresh)).not.toContain(EMAIL);
});

test("whoever may not write the file reads it all the same, and is told that no note was left", async () => {
  using folder = temporaryFolder();
  using out = temporaryFolder();
  const place = await live(folder.path, out.path);
  const before = notes(folder.path).length;
  const said: string[] = [];
  const database = openReadOnly(place.data);
  // As a file system that is mounted read-only answers.
  const query = spyOn(Object.getPrototypeOf(database), "query").mockImplementation(() => {
    throw Object.assign(new Error("attempt to write a readonly database"), { code: "SQLITE_READONLY" });
  });
  try {
    noteCommand(place.data, { action: "read" }, NOON_MS, (line) => said.push(line));
  } finally {
    query.mockRestore();
    database.close();
  }
  expect(said).toHaveLength(1);
  expect(said[0]).toContain("the audit has no note of this");
  expect(notes(folder.path)).toHaveLength(before);
});

test("without a folder nothing is made and nothing said: the command itself says so", () => {
  using folder = temporaryFolder();
  const said: string[] = [];
  noteCommand(join(folder.path, "none"), { action: "read" }, NOON_MS, (line) => said.push(line));
  expect(said).toEqual([]);
});
