import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getTableColumns, getTableName, is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { AppError } from "../../src/core/error.ts";
import { openDatabase, openReadOnly } from "../../src/store/sqlite/database.ts";
import { MIGRATIONS } from "../../src/store/sqlite/migrations.ts";
import * as schema from "../../src/store/sqlite/schema.ts";
import { temporaryFolder } from "../support/folder.ts";

function refusalOf(work: () => unknown): { code: string; message: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("this was to be refused");
}

function pragma(database: Database, name: string): unknown {
  return Object.values(database.query<{ [name: string]: unknown }, []>(`pragma ${name}`).get() ?? {})[0];
}

describe("a data folder", () => {
  test("is made with all folders above it", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "a", "b");
    openDatabase(path, "full").close();
    expect(existsSync(join(path, "do-intent.db"))).toBe(true);
  });

  test.each([
    ["full", 2],
    ["normal", 1],
  ] as const)("syncs as durability %s says", (durability, synchronous) => {
    using folder = temporaryFolder();
    const { database, close } = openDatabase(folder.path, durability);
    expect(pragma(database, "journal_mode")).toBe("wal");
    expect(pragma(database, "synchronous")).toBe(synchronous);
    close();
  });

  test("belongs to one at a time, and to the next once it is closed", () => {
    using folder = temporaryFolder();
    const first = openDatabase(folder.path, "normal");
    const { code, message } = refusalOf(() => openDatabase(folder.path, "normal"));
    expect(code).toBe("conflict");
    expect(message).toContain("another do-intent is running");
    first.close();
    openDatabase(folder.path, "normal").close();
  });

  test("may be read meanwhile, as it was when the reading began", () => {
    using folder = temporaryFolder();
    const { database, close } = openDatabase(folder.path, "normal");
    database.run("insert into heartbeat (heartbeat_id, beaten_at) values (1, 5)");
    const reader = openReadOnly(folder.path);
    database.run("update heartbeat set beaten_at = 6");
    expect(reader.query("select beaten_at from heartbeat").all()).toEqual([{ beaten_at: 5 }]);
    expect(() => reader.run("delete from heartbeat")).toThrow("readonly");
    reader.close();
    close();
  });

  test("is left as one file without a journal", () => {
    using folder = temporaryFolder();
    const { database, close } = openDatabase(folder.path, "normal");
    database.run("insert into heartbeat (heartbeat_id, beaten_at) values (1, 5)");
    close();
    const journal = statSync(join(folder.path, "do-intent.db-wal"), { throwIfNoEntry: false });
    expect(journal?.size ?? 0).toBe(0);
  });

  test("that holds no database is named with the reason, and is free afterwards", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "do-intent.db");
    writeFileSync(file, "this is no database, however long it is ".repeat(8));
    expect(refusalOf(() => openDatabase(folder.path, "normal")).message).toContain("SQLITE_NOTADB");
    writeFileSync(file, "");
    openDatabase(folder.path, "normal").close();
  });

  test("that is not there cannot be read", () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "empty"));
    const { code, message } = refusalOf(() => openReadOnly(join(folder.path, "empty")));
    expect(code).toBe("not_found");
    expect(message).toContain("--data");
  });
});

describe("migrations", () => {
  test("make the tables, columns and indexes that the schema says", () => {
    using folder = temporaryFolder();
    const { database, close } = openDatabase(folder.path, "normal");
    const tables = Object.values(schema).filter((table) => is(table, SQLiteTable));
    expect(tables.length).toBeGreaterThan(10);
    for (const table of tables) {
      const name = getTableName(table);
      const columns = database.query<{ name: string; notnull: number }, []>(`pragma table_info("${name}")`).all();
      const said = Object.values(getTableColumns(table)).map((column) => column.name);
      expect({ name, columns: columns.map((column) => column.name).sort() }).toEqual({ name, columns: said.sort() });
      const indexes = database
        .query<{ name: string; origin: string }, []>(`pragma index_list("${name}")`)
        .all()
        .filter(({ origin }) => origin === "c")
        .map((index) => index.name);
      const saidIndexes = getTableConfig(table).indexes.map((index) => index.config.name);
      expect({ name, indexes: indexes.sort() }).toEqual({ name, indexes: saidIndexes.sort() });
    }
    close();
  });

  test("are applied once each, in their order", () => {
    using folder = temporaryFolder();
    openDatabase(folder.path, "normal").close();
    const { database, close } = openDatabase(folder.path, "normal");
    expect(database.query("select tag from migration order by rowid").all()).toEqual(
      MIGRATIONS.map(({ tag }) => ({ tag })),
    );
    close();
  });

  test.each(MIGRATIONS.map(({ tag }, index) => [tag, index] as const))(
    "bring a folder from before %s up to date",
    (_, count) => {
      using folder = temporaryFolder();
      const old = new Database(join(folder.path, "do-intent.db"));
      old.run("create table migration (tag text primary key, applied_at integer not null) strict");
      for (const { tag, statements } of MIGRATIONS.slice(0, count)) {
        for (const statement of statements) old.run(statement);
        old.query("insert into migration (tag, applied_at) values (?, 0)").run(tag);
      }
      old.close();
      const { database, close } = openDatabase(folder.path, "normal");
      expect(database.query("select tag from migration where applied_at > 0").all()).toHaveLength(
        MIGRATIONS.length - count,
      );
      close();
    },
  );

  test("of a newer version are refused, and nothing is touched", () => {
    using folder = temporaryFolder();
    const { database, close } = openDatabase(folder.path, "normal");
    database.run("insert into migration (tag, applied_at) values ('9999_future', 0)");
    close();
    const { code, message } = refusalOf(() => openDatabase(folder.path, "normal"));
    expect(code).toBe("conflict");
    expect(message).toContain("9999_future");
  });
});
