import { Database } from "bun:sqlite";
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseIntentConfig } from "../../src/config/intent.ts";
import { compileRules, type Rules } from "../../src/core/compile.ts";
import { answering, startReceiver } from "../destinations/receiver.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { comparePeople, differenceOf } from "../support/reference.ts";
import { buildExecutable, type Server, startServer } from "./executable.ts";
import { type Load, startLoad, storedIds } from "./load.ts";

setDefaultTimeout(60_000);
beforeAll(buildExecutable, 120_000);

const STOP_MAX_MS = 5_000;

function openData(folder: string): Database {
  return new Database(join(folder, "data", "do-intent.db"), { readonly: true, strict: true });
}

function defaultRules(): Rules {
  const parsed = parseIntentConfig("{}");
  if (parsed.problems !== undefined) throw new Error("the default config does not hold");
  return compileRules(parsed.config, parsed.hash);
}

function acknowledgedIds({ fates }: Load): string[] {
  return [...fates].flatMap(([id, fate]) => (fate === "unknown" ? [] : [id]));
}

/** Sends all of it once more, as a client does that got no answer. */
async function sendAgain({ url }: Server, { fates }: Load): Promise<{ accepted: number; duplicate: number }> {
  const total = { accepted: 0, duplicate: 0 };
  const events = [...fates.keys()].map((event_id) => ({ event: "page_view", anonymous_id: "late", event_id }));
  for (let from = 0; from < events.length; from += 500) {
    const body = JSON.stringify(events.slice(from, from + 500));
    const answer = (await (await fetch(`${url}/track`, { method: "POST", body })).json()) as typeof total;
    total.accepted += answer.accepted;
    total.duplicate += answer.duplicate;
  }
  return total;
}

describe("kill -9 under load", () => {
  test.each(["full", "normal"])(
    "loses nothing that was acknowledged, counts nothing twice: durability %s",
    async (durability) => {
      using folder = temporaryFolder();
      const loads: Load[] = [];
      for (const round of ["first", "second"]) {
        await using server = await startServer(folder.path, ["--durability", durability]);
        const load = startLoad(server.url, round, { workers: 8, isKeptAlive: true, isIdentifying: true });
        loads.push(load);
        await eventually(() => load.acknowledged() > 600, "enough acknowledged events");
        server.signal("SIGKILL");
        await load.done;
        expect(load.refusals).toEqual([]);
        using database = openData(folder.path);
        const stored = storedIds(database);
        for (const done of loads) expect(acknowledgedIds(done).filter((id) => !stored.has(id))).toEqual([]);
      }

      await using server = await startServer(folder.path, ["--durability", durability]);
      using database = openData(folder.path);
      const before = storedIds(database).size;
      const sent = loads.reduce((sum, { fates }) => sum + fates.size, 0);
      let again = { accepted: 0, duplicate: 0 };
      for (const load of loads) {
        const { accepted, duplicate } = await sendAgain(server, load);
        again = { accepted: again.accepted + accepted, duplicate: again.duplicate + duplicate };
      }
      expect(again).toEqual({ accepted: sent - before, duplicate: before });
      expect(storedIds(database).size).toBe(sent);

      const compared = comparePeople(database, defaultRules(), Date.now());
      expect(compared.length).toBeGreaterThan(0);
      for (const person of compared) expect(differenceOf(person)).toBeLessThan(1e-9);
      const repeated = "select person_id, threshold from signal group by 1, 2 having count(*) > 1";
      expect(database.query(repeated).all()).toEqual([]);
      expect(database.query("select 1 from signal").all().length).toBeGreaterThan(0);
      const strays = `select 1 from signal s left join intent_score i on i.person_id = s.person_id
      left join person p on p.person_id = s.person_id where i.person_id is null and p.merged_into is null`;
      expect(database.query(strays).all()).toEqual([]);
      expect(database.query("pragma integrity_check").values()).toEqual([["ok"]]);
      expect(await server.end("SIGTERM")).toBe(0);
    },
  );
});

describe("SIGTERM under load", () => {
  test.each([
    ["new connections", false],
    ["kept connections", true],
  ])("answers whatever it stored and leaves one clean file: %s", async (_, isKeptAlive) => {
    using folder = temporaryFolder();
    await using server = await startServer(folder.path, ["--durability", "normal"]);
    const load = startLoad(server.url, "only", { workers: 16, isKeptAlive });
    await eventually(() => load.acknowledged() > 300, "enough acknowledged events");
    const askedMs = Date.now();
    expect(await server.end("SIGTERM")).toBe(0);
    expect(Date.now() - askedMs).toBeLessThan(STOP_MAX_MS);
    await load.done;
    expect(load.refusals).toEqual([]);
    expect(server.output()).not.toContain('"level":"error"');
    using database = openData(folder.path);
    expect([...storedIds(database)].sort()).toEqual(acknowledgedIds(load).sort());
    const wal = Bun.file(join(folder.path, "data", "do-intent.db-wal"));
    expect(wal.size).toBe(0);
  });

  test("neither a client nor a receiver that never finishes keeps it; the signal goes out at the next start", async () => {
    using folder = temporaryFolder();
    await using receiver = await startReceiver(() => undefined);
    const secret = `whsec_${Buffer.from("a secret of thirty-two bytes !!!").toString("base64")}`;
    const destination = { type: "webhook", name: "crm", url: receiver.url, secret, allow_private: true };
    writeFileSync(join(folder.path, "intent.json"), JSON.stringify({ destinations: [destination] }));
    await using server = await startServer(folder.path, ["--config", "intent.json"]);
    const page = { event: "page_view", anonymous_id: "visitor-1", url: "/pricing" };
    await fetch(`${server.url}/track`, { method: "POST", body: JSON.stringify([page, page]) });
    const first = await eventually(() => receiver.received[0], "the webhook");
    const { hostname, port } = new URL(server.url);
    const socket = await Bun.connect({ hostname, port: Number(port), socket: { data: () => undefined } });
    socket.write("POST /track HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    const askedMs = Date.now();
    expect(await server.end("SIGTERM")).toBe(0);
    expect(Date.now() - askedMs).toBeLessThan(STOP_MAX_MS);
    socket.end();
    receiver.behave(answering(204));
    await using next = await startServer(folder.path, ["--config", "intent.json"]);
    const second = await eventually(() => receiver.received[1], "the webhook again");
    expect(second.headers["webhook-id"]).toBe(first.headers["webhook-id"] ?? "");
    expect(second.body).toBe(first.body);
    expect(await next.end("SIGTERM")).toBe(0);
  });
});
