import { Database } from "bun:sqlite";
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { canMount, mountSmallDisk, type SmallDisk } from "../support/mount.ts";
import { EIO, ENOSPC, EROFS, openShim } from "../support/shim.ts";
import { buildExecutable, run, type Server, startServer } from "./executable.ts";

setDefaultTimeout(60_000);
beforeAll(buildExecutable, 120_000);

const DISK_MB = 12;
const EVENTS_MAX = 5_000;
const SECRET = { DO_INTENT_SECRET_KEY: "sk_of_the_fault_tests_only" };
const BEARER = { authorization: `Bearer ${SECRET.DO_INTENT_SECRET_KEY}` };

type Answer = { status: number; body: { error?: { code: string; message: string } } };

async function ask({ url }: Server, path: string, body?: object): Promise<Answer> {
  const init = body === undefined ? { headers: BEARER } : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(url + path, init);
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

/** Sends events of some size until one gets this status; returns that answer, and keeps who was acknowledged. */
async function sendUntil(server: Server, status: number, acknowledged: string[]): Promise<Answer> {
  const startedAt = acknowledged.length;
  for (let sent = 0; sent < EVENTS_MAX; sent += 1) {
    const event_id = `event-${startedAt}-${status}-${sent}`;
    const metadata = { text: "x".repeat(20_000) };
    const answer = await ask(server, "/track", {
      event: "page_view",
      anonymous_id: `visitor-${sent}`,
      event_id,
      metadata,
    });
    if (answer.status === 200) acknowledged.push(event_id);
    if (answer.status === status) return answer;
    if (status === 200) await Bun.sleep(20);
  }
  throw new Error(`none of ${EVENTS_MAX} events was answered with ${status}`);
}

function storedIds(data: string): string[] {
  using database = new Database(join(data, "do-intent.db"), { readonly: true, strict: true });
  expect(database.query("pragma integrity_check").values()).toEqual([["ok"]]);
  return database
    .query<{ id: string }, []>("select event_id as id from event")
    .all()
    .map(({ id }) => id);
}

/** Somebody else writes into the file, so what the server has of it in memory is none of it any more. */
function forgetPages(data: string): void {
  using database = new Database(join(data, "do-intent.db"), { readwrite: true, strict: true });
  database.run("insert into heartbeat (heartbeat_id, beaten_at) values (2, 1)");
}

type Fault = { setIn: () => void; mend: () => void; code: string; says: string };

/** Reads go on, writes are refused with the reason, and when it is over it is over, without a restart. */
async function expectToSurvive(server: Server, data: string, { setIn, mend, code, says }: Fault): Promise<void> {
  const acknowledged: string[] = [];
  await sendUntil(server, 200, acknowledged);
  setIn();
  const refused = await sendUntil(server, 503, acknowledged);
  expect(refused.body.error).toMatchObject({ code, message: expect.stringContaining(says) });
  const identify = { anonymous_id: "visitor-0", identity: { email: "ada@acme.example" } };
  expect(await ask(server, "/identify", identify)).toEqual(refused);
  expect(await ask(server, "/health")).toEqual(refused);
  expect(await ask(server, "/ready")).toEqual(refused);
  const read = await ask(server, "/people/visitor-0/explain");
  expect(read.status).toBe(200);
  expect((await ask(server, "/people?limit=5")).status).toBe(200);

  mend();
  await sendUntil(server, 200, acknowledged);
  expect((await ask(server, "/health")).status).toBe(200);
  expect((await ask(server, "/ready")).status).toBe(200);
  expect(await server.end("SIGTERM")).toBe(0);
  expect(storedIds(data).sort()).toEqual(acknowledged.sort());
}

describe.if(canMount)("on a disk of its own", () => {
  async function onDisk(work: (disk: SmallDisk, server: Server) => Promise<void>): Promise<void> {
    using folder = temporaryFolder();
    using disk = mountSmallDisk(DISK_MB);
    if (disk === null) throw new Error("it could be mounted a moment ago");
    await using server = await startServer(folder.path, ["--data", join(disk.path, "data")], SECRET);
    await work(disk, server);
  }

  test("that is full: reads work, writes get a 503 that says so, and space heals it", () =>
    onDisk((disk, server) =>
      expectToSurvive(server, join(disk.path, "data"), {
        setIn: disk.fill,
        mend: disk.free,
        code: "disk_full",
        says: "disk is full",
      }),
    ));

  test("that is full for kill -9 and start: what was acknowledged is there, and space heals it", async () => {
    using folder = temporaryFolder();
    using disk = mountSmallDisk(DISK_MB);
    if (disk === null) throw new Error("it could be mounted a moment ago");
    const data = join(disk.path, "data");
    const acknowledged: string[] = [];
    {
      await using server = await startServer(folder.path, ["--data", data], SECRET);
      await sendUntil(server, 200, acknowledged);
      disk.fill();
      await sendUntil(server, 503, acknowledged);
      await server.end("SIGKILL");
    }
    await using server = await startServer(folder.path, ["--data", data], SECRET);
    await sendUntil(server, 503, acknowledged);
    expect((await ask(server, "/people/visitor-0/explain")).status).toBe(200);
    disk.free();
    await sendUntil(server, 200, acknowledged);
    expect(await server.end("SIGTERM")).toBe(0);
    expect(storedIds(data).sort()).toEqual(acknowledged.sort());
  });

  test("that is read-only: a start says so, and goes well once it is writable", () =>
    onDisk(async (disk, server) => {
      const data = join(disk.path, "data");
      const acknowledged: string[] = [];
      await sendUntil(server, 200, acknowledged);
      // The system refuses this while files on the disk are open for writing; so a start finds it.
      expect(await server.end("SIGTERM")).toBe(0);
      disk.setReadOnly(true);
      const refused = await run(disk.path, ["serve", "--data", data, "--port", "0"]);
      expect(refused.code).toBe(1);
      expect(refused.err).toMatch(/^do-intent: the data folder .+ \((EROFS|SQLITE_\w+)\); look at its permissions/);
      disk.setReadOnly(false);
      await using again = await startServer(disk.path, ["--data", data], SECRET);
      await sendUntil(again, 200, acknowledged);
      expect(await again.end("SIGTERM")).toBe(0);
      expect(storedIds(data).sort()).toEqual(acknowledged.sort());
    }));
});

describe("with a system between that fails", () => {
  const faults: [string, Parameters<ReturnType<typeof openShim>["set"]>[0], string, string][] = [
    ["what is written finds no space", { writeErrno: ENOSPC }, "disk_full", "disk is full"],
    ["what is written fails (EIO)", { writeErrno: EIO }, "unavailable", "look at the disk"],
    ["the disk has become read-only", { writeErrno: EROFS }, "unavailable", "look at the disk"],
    ["every third write fails (EIO)", { writeErrno: EIO, every: 3 }, "unavailable", "look at the disk"],
    ["what is written does not reach the disk (EIO from fsync)", { syncErrno: EIO }, "unavailable", "look at the disk"],
  ];
  test.each(faults)("%s", async (_, set, code, says) => {
    using folder = temporaryFolder();
    using shim = openShim(folder.path);
    await using server = await startServer(folder.path, [], { ...SECRET, ...shim.env });
    await expectToSurvive(server, join(folder.path, "data"), {
      setIn: () => shim.set(set),
      mend: () => shim.set({}),
      code,
      says,
    });
  });

  test("a file that cannot be read is told at the start, with what to look at", async () => {
    using folder = temporaryFolder();
    using shim = openShim(folder.path);
    {
      await using server = await startServer(folder.path, [], SECRET);
      await sendUntil(server, 200, []);
      await server.end("SIGTERM");
    }
    shim.set({ readErrno: EIO });
    const refused = await run(folder.path, ["serve", "--port", "0"], { ...SECRET, ...shim.env });
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/^do-intent: the data folder .+ \(SQLITE_IOERR\w*\); look at its permissions/);
  });

  test("nothing can be read nor written while it serves (EIO): all is refused with the reason, and goes on when it can", async () => {
    using folder = temporaryFolder();
    using shim = openShim(folder.path);
    const acknowledged: string[] = [];
    await using server = await startServer(folder.path, [], { ...SECRET, ...shim.env });
    await sendUntil(server, 200, acknowledged);
    forgetPages(join(folder.path, "data"));
    shim.set({ readErrno: EIO, writeErrno: EIO });
    for (const [path, body] of [
      ["/people/visitor-0/explain"],
      ["/people/visitor-0/events"],
      ["/people?limit=200"],
      ["/track", { event: "page_view", anonymous_id: "visitor-9" }],
      ["/identify", { anonymous_id: "visitor-9", identity: { email: "ada@acme.example" } }],
      ["/health"],
      ["/ready"],
    ] as const) {
      const { status, body: said } = await ask(server, path, body);
      // SQLite takes a page that the disk does not give for a damaged one.
      expect([path, status, said.error?.code]).toEqual([path, 503, "damaged"]);
      expect(said.error?.message).toContain("run do-intent doctor");
    }
    shim.set({});
    await sendUntil(server, 200, acknowledged);
    for (const path of ["/people/visitor-0/explain", "/people?limit=200"])
      expect([path, (await ask(server, path)).status]).toEqual([path, 200]);
    // Whether a page is damaged is for somebody to look at, and a start looks.
    expect((await ask(server, "/health")).body.error?.code).toBe("damaged");
    expect(await server.end("SIGTERM")).toBe(0);
    expect(storedIds(join(folder.path, "data")).sort()).toEqual(acknowledged.sort());
    await using again = await startServer(folder.path, [], { ...SECRET, ...shim.env });
    for (const path of ["/people/visitor-0/explain", "/health", "/ready"])
      expect([path, (await ask(again, path)).status]).toEqual([path, 200]);
  });

  test("a sync that failed and then kill -9: what was refused may be gone, what was acknowledged is there", async () => {
    using folder = temporaryFolder();
    using shim = openShim(folder.path);
    const acknowledged: string[] = [];
    {
      await using server = await startServer(folder.path, [], { ...SECRET, ...shim.env });
      for (let round = 0; round < 5; round += 1) {
        await sendUntil(server, 200, acknowledged);
        shim.set({ syncErrno: EIO });
        await sendUntil(server, 503, acknowledged);
        shim.set({});
      }
      await server.end("SIGKILL");
    }
    const stored = new Set(storedIds(join(folder.path, "data")));
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  });
});
