import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDestinations } from "../../src/commands/destinations.ts";
import type { Command } from "../../src/config/commands.ts";
import { parseCommand } from "../../src/config/flags.ts";
import { answering, startReceiver } from "../destinations/receiver.ts";
import { SECRET } from "../destinations/sample.ts";
import { NOON_MS, startInstance } from "../support/instance.ts";

/** A data folder and an intent.json beside it, as an operator has them. */
function openFolder(url: string) {
  const dataFolder = mkdtempSync(join(tmpdir(), "do-intent-"));
  const intent = {
    destinations: [
      { type: "webhook", name: "crm", url, secret: SECRET, allow_private: true },
      { type: "log", name: "log" },
    ],
    groups: { any: { max: 100 } },
    rules: [{ name: "asked", group: "any", event: "asked", points: 60 }],
    thresholds: { hot: 60 },
  };
  const path = join(dataFolder, "intent.json");
  writeFileSync(path, JSON.stringify(intent));
  return { dataFolder, intent, path, [Symbol.dispose]: () => rmSync(dataFolder, { recursive: true }) };
}

async function run(line: string, folder: { dataFolder: string; path: string }) {
  const argv = [
    ...line.split(" "),
    "--config",
    folder.path,
    ...(line.includes("test") ? [] : ["--data", folder.dataFolder]),
  ];
  const parsed = parseCommand(argv, {});
  if (parsed.problem !== undefined) throw new Error(parsed.problem);
  const lines: string[] = [];
  const code = await runDestinations(parsed.command as Extract<Command, { name: "destinations" }>, NOON_MS, (text) =>
    lines.push(text),
  );
  return { code, lines };
}

test("destinations lists how each fares, also beside a running server", async () => {
  await using receiver = await startReceiver();
  using folder = openFolder(receiver.url);
  await using instance = startInstance({ dataFolder: folder.dataFolder, intent: folder.intent });
  await instance.postSecret("/destinations/crm/pause", "");
  await instance.post("/track", { event: "asked", anonymous_id: "visitor-1" });
  const { code, lines } = await run("destinations", folder);
  expect(code).toBe(0);
  expect(lines[0]).toMatch(/^name +type +waiting +dead +state$/);
  expect(lines[1]).toMatch(/^crm +webhook +1 +0 +paused since .* \(manual\)$/);
});

const answers: [number, number, string][] = [
  [200, 0, "crm: delivered (200 fine)"],
  [500, 1, "crm: not delivered (500 fine)"],
];

for (const [status, code, said] of answers) {
  test(`destinations test ends with ${code} when ${status} answers, and says so`, async () => {
    await using receiver = await startReceiver(answering(status, "fine"));
    using folder = openFolder(receiver.url);
    expect(await run("destinations test crm", folder)).toEqual({ code, lines: [said] });
    expect(JSON.parse(receiver.received[0]?.body ?? "").data.test).toBe(true);
  });
}

test("destinations test names those there are when one is asked for that is not", async () => {
  using folder = openFolder("http://127.0.0.1:9/");
  await expect(run("destinations test nobody", folder)).rejects.toThrow("it has: crm, log");
});

test("destinations replay beside a running server makes it send again", async () => {
  await using receiver = await startReceiver();
  using folder = openFolder(receiver.url);
  await using instance = startInstance({ dataFolder: folder.dataFolder, intent: folder.intent });
  await instance.post("/track", { event: "asked", anonymous_id: "visitor-1" });
  const delivered = () => instance.rows("select 1 from delivery where state = 'delivered'").length;
  while (delivered() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const { lines } = await run("destinations replay --since 2026-01-01", folder);
  expect(lines).toEqual(["crm: 1 to be sent again", "log: 1 to be sent again"]);
  expect((await run("destinations replay crm --since 2026-06-02", folder)).lines).toEqual(["crm: 0 to be sent again"]);
  const noted = "select key_id, detail from audit where action = 'destination_replay' order by audit_id";
  expect(instance.rows(noted)).toEqual(
    ["crm", "log", "crm"].map((name) => ({ key_id: "command line", detail: `{"destination":"${name}"}` })),
  );
  // The next signal makes the server look; without one it looks every few seconds.
  await instance.post("/track", { event: "asked", anonymous_id: "visitor-2" });
  while (delivered() < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(receiver.received).toHaveLength(3);
});
