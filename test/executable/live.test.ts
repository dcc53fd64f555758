import { Database } from "bun:sqlite";
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { TrackAnswer } from "../../src/features/track/track.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type LiveClient, openLive } from "../support/live.ts";
import { buildExecutable, startServer } from "./executable.ts";

setDefaultTimeout(60_000);
beforeAll(buildExecutable, 180_000);

const SOCKETS = 8;
/** On their way at once, per socket. */
const AHEAD = 20;

/** Frames as fast as they are answered, until the socket is closed. */
async function stream(client: LiveClient, socket: number): Promise<{ sent: number; acknowledged: string[] }> {
  const acknowledged: string[] = [];
  let sent = 0;
  const send = async (): Promise<void> => {
    while (client.isOpen()) {
      const event_id = `${socket}-${sent++}`;
      const answer = await client
        .ask<TrackAnswer>({ event: "page_view", event_id, anonymous_id: `visitor-${socket}`, url: "/pricing" })
        .catch(() => null);
      if (answer === null) return;
      expect(answer).toMatchObject({ status: 200, body: { events: [{ event_id }] } });
      acknowledged.push(event_id);
    }
  };
  await Promise.all(Array.from({ length: AHEAD }, send));
  return { sent, acknowledged };
}

function storedIds(folder: string): string[] {
  using database = new Database(join(folder, "data", "do-intent.db"), { readonly: true, strict: true });
  return database
    .query<{ id: string }, []>("select event_id as id from event")
    .all()
    .map(({ id }) => id);
}

describe("sockets of the executable", () => {
  test.each(["full", "normal"])(
    "kill -9 in the middle of it loses nothing that was answered; what is sent again counts once: durability %s",
    async (durability) => {
      using folder = temporaryFolder();
      await using server = await startServer(folder.path, ["--durability", durability]);
      const clients = await Promise.all(Array.from({ length: SOCKETS }, () => openLive(server.url)));
      const streams = clients.map(stream);
      await eventually(() => clients.every(({ answers }) => answers.length > 100), "a hundred answers on each");
      server.signal("SIGKILL");
      const done = await Promise.all(streams);
      const before = new Set(storedIds(folder.path));
      for (const { acknowledged } of done) expect(acknowledged.filter((id) => !before.has(id))).toEqual([]);

      await using again = await startServer(folder.path, ["--durability", durability]);
      const client = await openLive(again.url);
      let accepted = 0;
      let duplicate = 0;
      for (const [socket, { sent }] of done.entries()) {
        const events = Array.from({ length: sent }, (_, index) => `${socket}-${index}`);
        for (let from = 0; from < events.length; from += 200) {
          const batch = events.slice(from, from + 200);
          const { body } = await client.ask<TrackAnswer>(
            batch.map((event_id) => ({ event: "page_view", event_id, anonymous_id: `visitor-${socket}`, url: "/" })),
          );
          accepted += body.accepted;
          duplicate += body.duplicate;
        }
      }
      expect(duplicate).toBe(before.size);
      expect(accepted + duplicate).toBe(done.reduce((sum, { sent }) => sum + sent, 0));
      const after = storedIds(folder.path);
      expect(new Set(after).size).toBe(after.length);
      expect(await again.end("SIGTERM")).toBe(0);
    },
  );

  test("SIGTERM in the middle of it: what was taken is answered, then 1001, then a clean end", async () => {
    using folder = temporaryFolder();
    await using server = await startServer(folder.path);
    const clients = await Promise.all(Array.from({ length: SOCKETS }, () => openLive(server.url)));
    const streams = clients.map(stream);
    await eventually(() => clients.every(({ answers }) => answers.length > 50), "fifty answers on each");
    const ended = server.end("SIGTERM");
    const closed = await Promise.all(clients.map((client) => client.closed));
    expect(closed.map(({ code }) => code)).toEqual(Array(SOCKETS).fill(1001));
    const done = await Promise.all(streams);
    expect(await ended).toBe(0);
    const acknowledged = done.flatMap((one) => one.acknowledged);
    expect(storedIds(folder.path).sort()).toEqual(acknowledged.sort());
    expect(server.output()).not.toContain('"level":"error"');
  });
});
