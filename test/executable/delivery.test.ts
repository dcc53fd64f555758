import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { answering, startReceiver } from "../destinations/receiver.ts";
import { SECRET } from "../destinations/sample.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { buildExecutable, run, startServer } from "./executable.ts";

setDefaultTimeout(60_000);
beforeAll(buildExecutable, 120_000);

function writeIntent(folder: string, url: string): void {
  const intent = {
    destinations: [{ type: "webhook", name: "crm", url, secret: "env:CRM_SECRET", allow_private: true }],
    groups: { any: { max: 100 } },
    rules: [{ name: "asked", group: "any", event: "asked", points: 60 }],
    thresholds: { hot: 60 },
  };
  writeFileSync(join(folder, "intent.json"), JSON.stringify(intent));
}

const FLAGS = ["--config", "intent.json"];
const ENVIRONMENT = { CRM_SECRET: SECRET };

const cross = (url: string, visitor: string): Promise<Response> =>
  fetch(`${url}/track`, { method: "POST", body: JSON.stringify({ event: "asked", anonymous_id: visitor }) });

test("kill -9 between commit and delivery: the next start delivers, under the same webhook-id", async () => {
  using folder = temporaryFolder();
  await using receiver = await startReceiver(() => undefined);
  writeIntent(folder.path, receiver.url);
  const visitors = ["visitor-1", "visitor-2", "visitor-3", "visitor-4", "visitor-5", "visitor-6"];
  {
    await using server = await startServer(folder.path, FLAGS, ENVIRONMENT);
    for (const visitor of visitors) expect((await cross(server.url, visitor)).status).toBe(200);
    await eventually(() => receiver.received.length > 0, "the receiver to be asked");
    await server.end("SIGKILL");
  }
  const before = receiver.received.map(({ headers }) => headers["webhook-id"]);
  receiver.received.length = 0;
  receiver.behave(answering(200));
  await using _again = await startServer(folder.path, FLAGS, ENVIRONMENT);
  await eventually(() => receiver.received.length >= visitors.length, "all signals");
  const after = receiver.received.map(({ headers }) => headers["webhook-id"]);
  expect(new Set(after).size).toBe(visitors.length);
  expect(before.every((id) => after.includes(id))).toBe(true);
});

test("destinations: how each fares, a test signal and a replay, on the command line beside the server", async () => {
  using folder = temporaryFolder();
  await using receiver = await startReceiver(answering(200, "thanks"));
  writeIntent(folder.path, receiver.url);
  await using server = await startServer(folder.path, FLAGS, ENVIRONMENT);
  await cross(server.url, "visitor-1");
  await eventually(() => receiver.received.length === 1, "the signal");
  const tested = await run(folder.path, ["destinations", "test", "crm", ...FLAGS], ENVIRONMENT);
  expect(tested).toEqual({ code: 0, out: "crm: delivered (200 thanks)\n", err: "" });
  const listed = await run(folder.path, ["destinations", ...FLAGS], ENVIRONMENT);
  expect(listed.out).toMatch(/^crm +webhook +0 +0 +well$/m);
  const replayed = await run(folder.path, ["destinations", "replay", "--since", "2026-01-01", ...FLAGS], ENVIRONMENT);
  expect(replayed.out).toBe("crm: 1 to be sent again\n");
  await eventually(() => receiver.received.length === 3, "the replay");
  const [first, , third] = receiver.received;
  expect(third?.body).toBe(first?.body ?? "");
  expect(third?.headers["webhook-id"]).toBe(first?.headers["webhook-id"] ?? "");
});
