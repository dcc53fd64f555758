import { describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runKeys } from "../../src/commands/keys.ts";
import type { Command } from "../../src/config/commands.ts";
import { parseCommand } from "../../src/config/flags.ts";
import { hashKey } from "../../src/http/keys.ts";
import { ensureKeys, givenSecretKey } from "../../src/instance/keys.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { createKeyStore } from "../../src/store/sqlite/keys.ts";
import { temporaryFolder } from "../support/folder.ts";
import { NOON_MS, startInstance } from "../support/instance.ts";

type KeysCommand = Extract<Command, { name: `keys ${string}` }>;

/** Runs a line as the command line would, on a data folder. */
function keys(folder: string, ...words: string[]): { out: string[]; beside: string[] } {
  const parsed = parseCommand(["keys", ...words, "--data", folder], {});
  if (parsed.problem !== undefined) throw new Error(parsed.problem);
  const out: string[] = [];
  const beside: string[] = [];
  runKeys(
    parsed.command as KeysCommand,
    NOON_MS,
    (line) => out.push(line),
    (line) => beside.push(line),
  );
  return { out, beside };
}

describe("keys from the command line, beside a running server", () => {
  test("create, use, list, revoke", async () => {
    using folder = temporaryFolder();
    await using house = startInstance({ dataFolder: folder.path });
    house.keys.persist();
    const { out, beside } = keys(folder.path, "create", "reports", "--scope", "read,ingest");
    expect(out).toHaveLength(1);
    const key = out[0] ?? "";
    expect(beside[0]).toMatch(/^key_[0-9a-f]{12}: may ingest, read; shown this once$/);
    const id = beside[0]?.split(":")[0] ?? "";
    house.clock.nowMs += 1_000;
    const authorization = `Bearer ${key}`;
    expect((await house.get("/people", { authorization })).status).toBe(200);
    expect((await house.get("/keys", { authorization })).status).toBe(403);

    const listed = keys(folder.path, "list").out.join("\n");
    expect(listed).toContain(`${id}  secret  ingest,read`);
    expect(listed).toContain(house.keys.writeKey);
    expect(listed).not.toContain(key);

    keys(folder.path, "revoke", id);
    house.clock.nowMs += 1_000;
    expect((await house.get("/people", { authorization })).status).toBe(401);
    expect(house.rows("select key_id, action, subject from audit where action like 'key%'")).toEqual([
      { key_id: "command line", action: "key_create", subject: id },
      { key_id: "command line", action: "key_revoke", subject: id },
    ]);
  });

  test("write keys", async () => {
    using folder = temporaryFolder();
    await using house = startInstance({ dataFolder: folder.path });
    const { out, beside } = keys(folder.path, "create", "shop", "--kind", "write");
    expect(out[0]).toMatch(/^wk_/);
    expect(beside[0]).toContain("script tag");
    house.clock.nowMs += 1_000;
    const events = [{ event: "page_view", anonymous_id: "visitor-1" }];
    expect((await house.post("/track", { events, write_key: out[0] })).status).toBe(200);
  });

  test("the last that may administer stays", async () => {
    using folder = temporaryFolder();
    await using house = startInstance({ dataFolder: folder.path });
    house.keys.persist();
    const id =
      keys(folder.path, "list")
        .out.find((line) => line.includes("admin"))
        ?.split(" ")[0] ?? "";
    expect(() => keys(folder.path, "revoke", id)).toThrow("last key with the scope admin");
    keys(folder.path, "create", "second", "--scope", "admin");
    keys(folder.path, "revoke", id);
    house.clock.nowMs += 1_000;
    expect((await house.getSecret("/people")).status).toBe(401);
  });

  const wrong: [string, string[], string][] = [
    ["a secret key without a scope", ["create", "a"], "one or more of ingest, read, admin"],
    ["a scope that there is none of", ["create", "a", "--scope", "write"], "--scope takes ingest, read or admin"],
    ["a write key with scopes", ["create", "a", "--kind", "write", "--scope", "read"], "for secret keys"],
    ["no name", ["create"], "takes what you call the key"],
    ["an id of another form", ["revoke", "sk_0123456789abcdef"], "takes a key's id"],
    ["an id that there is none of", ["revoke", "key_0123456789ab"], "no key has this id"],
  ];
  test.each(wrong)("%s", async (_, words, says) => {
    using folder = temporaryFolder();
    await using _house = startInstance({ dataFolder: folder.path });
    expect(() => keys(folder.path, ...words)).toThrow(says);
  });
});

describe("the first run's key", () => {
  const KEY = "sk_given_0123456789abcdef";

  function fileWith(folder: string, text: string): string {
    const path = join(folder, "secret-key");
    writeFileSync(path, text);
    return path;
  }

  test("from the variable, or from a file as systemd puts it", () => {
    using folder = temporaryFolder();
    expect(givenSecretKey({ secretKey: KEY, secretKeyFile: null })).toBe(KEY);
    expect(givenSecretKey({ secretKey: null, secretKeyFile: null })).toBeNull();
    for (const text of [KEY, `${KEY}\n`, `${KEY}\r\n`]) {
      const path = fileWith(folder.path, text);
      chmodSync(path, 0o400);
      expect(givenSecretKey({ secretKey: null, secretKeyFile: path })).toBe(KEY);
      chmodSync(path, 0o600);
    }
  });

  const broken: [string, (folder: string) => string, string][] = [
    ["is not there", (folder) => join(folder, "nothing"), "cannot be read (ENOENT)"],
    ["is a folder", (folder) => folder, "nothing but the key"],
    ["is no file", () => "/dev/zero", "nothing but the key"],
    ["is empty", (folder) => fileWith(folder, "\n"), "16 to 200 visible ASCII"],
    ["is too short", (folder) => fileWith(folder, "sk_short"), "16 to 200 visible ASCII"],
    ["holds more than a key", (folder) => fileWith(folder, `${KEY}\n${KEY}`), "16 to 200 visible ASCII"],
    ["is huge", (folder) => fileWith(folder, "a".repeat(5_000)), "nothing but the key"],
  ];
  test.each(broken)("a file that %s is refused, and not repeated", (_, pathIn, says) => {
    using folder = temporaryFolder();
    const give = () => givenSecretKey({ secretKey: null, secretKeyFile: pathIn(folder.path) });
    expect(give).toThrow(says);
    expect(give).not.toThrow(KEY);
  });

  test("both at once is refused", () => {
    expect(() => givenSecretKey({ secretKey: KEY, secretKeyFile: "/etc/hostname" })).toThrow("exclude each other");
  });

  test("is taken on the first run only, and told apart from those that hold", () => {
    using folder = temporaryFolder();
    const { database, close } = openDatabase(folder.path, "normal");
    const store = createKeyStore(database);
    const first = ensureKeys(store, KEY, NOON_MS);
    expect(first.freshSecretKey).toBe(KEY);
    first.persist();
    expect(ensureKeys(store, KEY, NOON_MS)).toMatchObject({ freshSecretKey: null, isGivenKeyIgnored: false });
    expect(ensureKeys(store, null, NOON_MS)).toMatchObject({ freshSecretKey: null, isGivenKeyIgnored: false });
    expect(ensureKeys(store, `${KEY}2`, NOON_MS)).toMatchObject({ freshSecretKey: null, isGivenKeyIgnored: true });
    store.revoke(hashKey(first.writeKey), NOON_MS);
    const again = ensureKeys(store, null, NOON_MS);
    expect(again.writeKey).not.toBe(first.writeKey);
    close();
  });
});
