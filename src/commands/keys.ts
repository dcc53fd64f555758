import type { Command } from "../config/commands.ts";
import { createKey, type KeyAnswer, type KeyBook, listKeys, revokeKey } from "../features/keys/keys.ts";
import { COMMAND_LINE, createAuditStore } from "../store/sqlite/audit.ts";
import { openBeside, openReadOnly } from "../store/sqlite/database.ts";
import { createKeyStore } from "../store/sqlite/keys.ts";
import { noteRead } from "./note.ts";

type KeysCommand = Extract<Command, { name: `keys ${string}` }>;

type Write = (line: string) => void;

/** Works on the file, also beside a running server, which looks at the keys every second. */
export function runKeys(command: KeysCommand, nowMs: number, write: Write, writeBeside: Write): number {
  switch (command.name) {
    case "keys list":
      noteRead(command.options.data, command.name, null, nowMs);
      return list(command.options.data, write);
    case "keys create": {
      const { keyName: name, keyKind: kind, keyScopes: scopes, data } = command.options;
      const made = change(data, nowMs, (book) => createKey({ name, kind, scopes }, book));
      // The key alone on stdout, so that it can go into a file or another command.
      write(made.key ?? "");
      const may = kind === "secret" ? `may ${made.scopes.join(", ")}; shown this once` : "goes into the script tag";
      writeBeside(`${made.key_id}: ${may}`);
      return 0;
    }
    case "keys revoke": {
      const { keyId, data } = command.options;
      const { key_id, revoked_at } = change(data, nowMs, (book) => revokeKey(keyId, book));
      write(`${key_id}: revoked at ${revoked_at}; a running server refuses it within two seconds`);
      return 0;
    }
  }
}

function change(data: string, nowMs: number, work: (book: KeyBook) => KeyAnswer): KeyAnswer {
  const database = openBeside(data);
  try {
    const book = { store: createKeyStore(database), audit: createAuditStore(database), by: COMMAND_LINE, nowMs };
    return database.transaction(() => work(book)).immediate();
  } finally {
    database.close(false);
  }
}

const COLUMNS = ["id", "kind", "scopes", "name", "created", "last used", "revoked", "key"];

function list(data: string, write: Write): number {
  const database = openReadOnly(data);
  try {
    const table = [COLUMNS, ...listKeys(createKeyStore(database)).map(rowOf)];
    const widths = COLUMNS.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
    for (const row of table) {
      const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
      write(cells.join("  ").trimEnd());
    }
    return 0;
  } finally {
    database.close(false);
  }
}

function rowOf({ key_id, kind, scopes, name, key, created_at, last_used_at, revoked_at }: KeyAnswer): string[] {
  const minute = (at: string | null) => at?.slice(0, 16).replace("T", " ") ?? "-";
  return [
    key_id,
    kind,
    scopes.join() || "-",
    name ?? "-",
    minute(created_at),
    minute(last_used_at),
    minute(revoked_at),
    key ?? "",
  ];
}
