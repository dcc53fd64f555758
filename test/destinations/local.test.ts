import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepable } from "../../src/destinations/answer.ts";
import { readSecret } from "../../src/destinations/secret.ts";
import { openHouse } from "../jobs/house.ts";
import { destination } from "./sample.ts";

const linesIn = (path: string): string[] => readFileSync(path, "utf8").trimEnd().split("\n");

test("the log gets a line a signal, in order", async () => {
  await using house = openHouse([destination({ type: "log", name: "log" })]);
  house.signal({ signalId: 1, personId: 1 }, { signalId: 2, personId: 2 });
  await house.deliverer.settled();
  expect(house.printed.map((line) => JSON.parse(line).signal_id)).toEqual(["sig_1", "sig_2"]);
  expect(house.deliveries().every(({ state }) => state === "delivered")).toBe(true);
});

test("a file begins anew above its size and keeps so many older ones", async () => {
  const folder = mkdtempSync(join(tmpdir(), "do-intent-"));
  const path = join(folder, "deep", "signals.jsonl");
  {
    await using house = openHouse([destination({ type: "file", name: "file", path, size_max_bytes: 2_500, keep: 2 })]);
    house.signal(...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((signalId) => ({ signalId, personId: signalId })));
    await house.deliverer.settled();
  }
  expect(readdirSync(join(folder, "deep")).toSorted()).toEqual(["signals.jsonl", "signals.jsonl.1", "signals.jsonl.2"]);
  const kept = [`${path}.2`, `${path}.1`, path].flatMap(linesIn).map((line) => JSON.parse(line).data.signal_id);
  expect(kept).toEqual(kept.toSorted());
  expect(kept.at(-1)).toBe("sig_9");
  rmSync(folder, { recursive: true });
});

test("a file that cannot be written is tried again", async () => {
  await using house = openHouse([destination({ type: "file", name: "file", path: "/dev/null/signals.jsonl" })]);
  house.signal({ signalId: 1, personId: 1 });
  await house.deliverer.settled();
  expect(house.deliveries()).toMatchObject([{ state: "pending", attempts: 1 }]);
});

test("a secret is itself, a variable or a file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "do-intent-"));
  const path = join(folder, "secret");
  writeFileSync(path, "from a file\n");
  expect(await readSecret("whsec_abc", {})).toBe("whsec_abc");
  expect(await readSecret("env:NAME", { NAME: "from a variable" })).toBe("from a variable");
  expect(await readSecret(`file:${path}`, {})).toBe("from a file");
  await expect(readSecret("env:NAME", {})).rejects.toThrow("the secret env:NAME is not set");
  await expect(readSecret("file:/nowhere/secret", {})).rejects.toThrow(
    "the secret file:/nowhere/secret cannot be read",
  );
  rmSync(folder, { recursive: true });
});

const kept: [string, string, string[], string][] = [
  ["what is new", "rate limit reached", ['{"a":"b"}'], "rate limit reached"],
  ["no echo of the body", 'bad: {"name":"Lovelace"}!', ['{"name":"Lovelace"}'], "bad: …!"],
  ["no echo of a secret", "token 123:abcdef is wrong", ["https://api/bot123:abcdef/x"], "token … is wrong"],
  ["no e-mail address", "ada@acme.com is invalid", [""], "… is invalid"],
  ["no more than 500 characters", "x".repeat(900), [""], "x".repeat(500)],
];

for (const [what, answer, sent, expected] of kept) {
  test(`of an answer is kept: ${what}`, () => {
    expect(keepable(answer, sent)).toBe(expected);
  });
}
