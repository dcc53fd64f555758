import { Database } from "bun:sqlite";
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseIntentConfig } from "../../src/config/intent.ts";
import { compileRules } from "../../src/core/compile.ts";
import { startReceiver } from "../destinations/receiver.ts";
import { SECRET } from "../destinations/sample.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { comparePeople, differenceOf } from "../support/reference.ts";
import { openShim } from "../support/shim.ts";
import { buildExecutable, startServer } from "./executable.ts";

setDefaultTimeout(60_000);
beforeAll(buildExecutable, 120_000);

const DAY_MS = 86_400_000;
/** Each some visitors do something; the clock runs on in between as it does. */
const OFFSETS_MS = [0, DAY_MS, 0, -DAY_MS, DAY_MS, 0];
const VISITORS = 10;

test("a clock that jumps back and forth by a day: nothing is refused, lost, counted or told twice, and nothing waits", async () => {
  using folder = temporaryFolder();
  await using receiver = await startReceiver();
  const intent = {
    thresholds: { warm: 30 },
    destinations: [{ type: "webhook", name: "crm", url: receiver.url, secret: SECRET, allow_private: true }],
  };
  writeFileSync(join(folder.path, "intent.json"), JSON.stringify(intent));
  using shim = openShim(folder.path);
  await using server = await startServer(folder.path, ["--config", "intent.json"], shim.env);
  for (const [round, clockOffsetMs] of OFFSETS_MS.entries()) {
    shim.set({ clockOffsetMs });
    const events = Array.from({ length: VISITORS * 2 }, (_, index) => ({
      event: "page_view",
      // Half of them were here in every round, half are new.
      anonymous_id: index % 2 === 0 ? `old-${index}` : `new-${round}-${index}`,
      session_id: `session-${round}`,
      url: "/pricing",
      event_id: `event-${round}-${index}`,
    }));
    for (const expected of [{ accepted: events.length }, { duplicate: events.length }]) {
      const response = await fetch(`${server.url}/track`, { method: "POST", body: JSON.stringify(events) });
      expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 200, body: expected });
    }
    const identify = { anonymous_id: "old-0", identity: { email: `p${round}@acme.example` } };
    const said = await fetch(`${server.url}/identify`, { method: "POST", body: JSON.stringify(identify) });
    expect(said.status).toBe(200);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  }

  using database = new Database(join(folder.path, "data", "do-intent.db"), { readonly: true, strict: true });
  const parsed = parseIntentConfig(JSON.stringify(intent));
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join());
  const rules = compileRules(parsed.config, parsed.hash);
  const compared = comparePeople(database, rules, Date.now() + DAY_MS);
  expect(compared.length).toBeGreaterThanOrEqual(VISITORS * (OFFSETS_MS.length + 1));
  for (const person of compared) expect(differenceOf(person)).toBeLessThan(1e-9);
  const signals = database.query<{ data: string }, []>("select data from signal").all();
  expect(signals.length).toBeGreaterThan(VISITORS);
  const ids = signals.map(({ data }) => (JSON.parse(data) as { signal_id: string }).signal_id);
  const told = () =>
    receiver.received.map(({ body }) => (JSON.parse(body) as { data: { signal_id: string } }).data.signal_id);
  await eventually(() => new Set(told()).size === ids.length, "every signal to arrive, also those of tomorrow");
  expect(told().sort()).toEqual(ids.sort());
  expect(await server.end("SIGTERM")).toBe(0);
});
