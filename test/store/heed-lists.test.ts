import { expect, test } from "bun:test";
import { createListHeeder } from "../../src/store/sqlite/heed-lists.ts";
import type { Suppressions } from "../../src/store/sqlite/suppression.ts";

const ERASED = "ada@acme.com";
const CELL_BYTES = 32 * 1_024;
const ALWAYS = {
  isAny: () => true,
  ask:
    ({ value }: { value: string }) =>
    () =>
      value === ERASED,
};

const rowOf = (cell: string) => ({
  email: "grace@acme.com",
  cells: JSON.stringify(["grace@acme.com", cell]),
  traits: JSON.stringify({ note: cell, name: "Grace" }),
});

function heeded(cell: string): string | undefined {
  const row = createListHeeder(ALWAYS)(rowOf(cell))();
  expect(JSON.parse(row.traits).note ?? "").toBe(JSON.parse(row.cells)[1]);
  return JSON.parse(row.cells)[1];
}

test.each([
  ["ada@acme.com", ""],
  ["https://x.example/'ADA%40acme.com.", ""],
  [`${"é".repeat(300)}/ada@acme.com${".".repeat(300)}`, ""],
  ["one@acme.com@ada@acme.com", ""],
  ["vada@acme.com", "vada@acme.com"],
  [`${"a".repeat(300)}ada@acme.com`, `${"a".repeat(300)}ada@acme.com`],
  ["ada@acme.community", "ada@acme.community"],
  ["ada @ acme.com", "ada @ acme.com"],
])("a cell that says %j is kept as %j", (cell, kept) => {
  expect(heeded(cell)).toBe(kept);
});

test.each(["a", "/", "a@", "a@.", ".", "@", "%40", "1@b.cd/", "\u0301\u0323", "\u00ad", " ", "a@b.c.-"])(
  "32 KB of %j hide no address behind them, and are read in milliseconds",
  (piece) => {
    const photo = piece.repeat(CELL_BYTES / piece.length);
    const startedMs = performance.now();
    expect(heeded(`${photo}x /ada@acme.com`)).toBe("");
    heeded(`x${photo}x`);
    expect(performance.now() - startedMs).toBeLessThan(250);
  },
);

test("a row is read and hashed before the file is held; within, hashes are looked up", () => {
  const steps: string[] = [];
  const suppressions: Pick<Suppressions, "isAny" | "ask"> = {
    isAny: () => true,
    ask: ({ value }) => {
      steps.push("hashes");
      return () => {
        steps.push("looks up");
        return value === ERASED;
      };
    },
  };
  const heed = createListHeeder(suppressions)(rowOf(ERASED));
  steps.push("begins");
  heed();
  expect(steps).toEqual(["hashes", "hashes", "begins", "looks up", "looks up"]);
});

test("whoever is erased as the first of all, while a row waits for the file, goes out of it as well", () => {
  let isAny = false;
  const heed = createListHeeder({ ...ALWAYS, isAny: () => isAny })(rowOf(ERASED));
  isAny = true;
  expect(JSON.parse(heed().cells)).toEqual(["grace@acme.com", ""]);
});
