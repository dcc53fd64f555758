import { expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { openBeside } from "../../src/store/sqlite/database.ts";
import { eventually } from "../support/eventually.ts";
import { startInstance, type TestInstance, withSecret } from "../support/instance.ts";

const EVENTS = 12_000;
const AT_ONCE = 4;

/** A person whose export is several megabytes: more than sockets and pieces on their way hold. */
async function withLongPast(): Promise<TestInstance> {
  const instance = startInstance();
  for (let sent = 0; sent < EVENTS; sent += 500) {
    const events = Array.from({ length: 500 }, (_, index) => ({
      event: "page_view",
      event_id: `e${sent + index}`,
      anonymous_id: "one",
      session_id: `s${Math.floor((sent + index) / 10)}`,
      url: "/pricing",
      metadata: { text: "x".repeat(880) },
    }));
    expect((await instance.post("/track", events)).status).toBe(200);
  }
  return instance;
}

function listen(instance: TestInstance): string {
  instance.app.listen({ port: 0, hostname: "127.0.0.1" });
  return `http://127.0.0.1:${instance.app.server?.port}`;
}

/** Whoever reads the file as it was keeps its log from being cut. */
function isRead(instance: TestInstance): boolean {
  const beside = openBeside(instance.dataFolder);
  try {
    beside.run("pragma busy_timeout = 0");
    return beside.query<{ busy: number }, []>("pragma wal_checkpoint(truncate)").get()?.busy !== 0;
  } finally {
    beside.close();
  }
}

/** A client that reads the beginning of its answer and no further. */
function begin(instance: TestInstance): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(instance.app.server?.port ?? 0, "127.0.0.1");
    socket.on("error", reject);
    socket.once("data", () => resolve(socket.pause()));
    socket.write(`GET /people/one/export HTTP/1.1\r\nhost: x\r\nauthorization: ${withSecret.authorization}\r\n\r\n`);
  });
}

const ask = (base: string, path = "/people/one/export") => fetch(`${base}${path}`, { headers: withSecret });

test("an export comes whole over a connection, and leaves no reader behind", async () => {
  await using instance = await withLongPast();
  const base = listen(instance);
  const response = await ask(base);
  expect(response.status).toBe(200);
  expect(((await response.json()) as { events: object[] }).events).toHaveLength(EVENTS);
  await instance.post("/track", { event: "page_view", anonymous_id: "one" });
  await eventually(() => !isRead(instance), "the reader to be closed");
});

test("what goes wrong in the middle breaks the connection off: half of it never looks whole", async () => {
  await using instance = await withLongPast();
  const base = listen(instance);
  const beside = openBeside(instance.dataFolder);
  beside.run("update session set counted = '{' where session_id = 's500'");
  beside.close();
  const response = await ask(base);
  expect(response.status).toBe(200);
  expect(response.text()).rejects.toThrow();
  await eventually(() => instance.logged.some((line) => line.includes("export_fault")), "a line of the fault");
  expect(instance.logged.join("\n")).not.toContain("xxxx");
  // Its thread is of use again.
  expect((await ask(base, "/people/one")).status).toBe(200);
  await eventually(() => !isRead(instance), "the reader to be closed");
});

test("what cannot be begun is refused like anything else", async () => {
  await using instance = startInstance();
  await instance.post("/track", { event: "page_view", anonymous_id: "one" });
  expect((await instance.getSecret("/people/nobody/export")).status).toBe(404);
  expect((await instance.getSecret("/people/%E0%A4%A/export")).status).toBe(422);
  expect((await instance.get("/people/one/export")).status).toBe(401);
  // As often as there is room for, and once more.
  for (let again = 0; again <= AT_ONCE; again += 1) {
    expect((await instance.getSecret("/people/nobody/export")).status).toBe(404);
  }
  expect((await instance.getSecret("/people/one/export")).status).toBe(200);
});

test("an export that cannot be noted is not given out, and keeps neither thread nor reader", async () => {
  await using instance = await withLongPast();
  const beside = openBeside(instance.dataFolder);
  beside.run("create trigger full before insert on audit begin select raise(abort, 'no'); end");
  for (let again = 0; again <= AT_ONCE; again += 1) {
    expect((await instance.getSecret("/people/one/export")).status).toBe(500);
  }
  beside.run("drop trigger full");
  beside.close();
  expect((await instance.getSecret("/people/one/export")).status).toBe(200);
});

test("who goes away makes room for the next; who is there beyond that is told when to come again", async () => {
  await using instance = await withLongPast();
  const base = listen(instance);
  const clients = await Promise.all(Array.from({ length: AT_ONCE }, () => begin(instance)));
  const refused = await ask(base);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
  for (const client of clients) client.destroy();
  await instance.post("/track", { event: "page_view", anonymous_id: "one" });
  await eventually(() => !isRead(instance), "the readers to be closed");
  expect((await ask(base)).status).toBe(200);
});

test("events are taken while nobody takes an export further", async () => {
  await using instance = await withLongPast();
  listen(instance);
  const client = await begin(instance);
  expect((await instance.post("/track", { event: "page_view", anonymous_id: "one" })).status).toBe(200);
  expect(isRead(instance)).toBe(true);
  client.destroy();
  await eventually(() => !isRead(instance), "the reader to be closed");
});

test("who gives up before their export begins is no fault of ours", async () => {
  await using instance = startInstance();
  await instance.post("/track", { event: "page_view", anonymous_id: "one" });
  const leaving = new AbortController();
  const asked = new Request("http://localhost/people/one/export", { headers: withSecret, signal: leaving.signal });
  const answered = instance.app.handle(asked);
  leaving.abort();
  expect((await answered).status).toBe(499);
  expect(instance.logged.filter((line) => line.includes("error"))).toEqual([]);
  expect((await instance.getSecret("/people/one/export")).status).toBe(200);
});

test("a server that is stopped while an export is not taken says nothing of it", async () => {
  let client: Socket;
  let logged: readonly string[];
  {
    await using instance = await withLongPast();
    listen(instance);
    client = await begin(instance);
    logged = instance.logged;
  }
  const broken = new Promise((resolve) => client.on("close", resolve).on("error", resolve));
  client.resume();
  await broken;
  expect(logged.filter((line) => line.includes("export_fault"))).toEqual([]);
});
