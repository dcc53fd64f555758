import { describe, expect, test } from "bun:test";
import type { TrackAnswer } from "../../../src/features/track/track.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { startInstance, type TestInstance } from "../../support/instance.ts";

const pricing = { event: "page_view", anonymous_id: "visitor-1", url: "/pricing", event_id: "a" };
const DAY_MS = 86_400_000;

type Standing = { score: number; sums: string; sessionCount: number };

function standing(house: TestInstance): Standing[] {
  return house.rows<Standing>("select score, sums, session_count as sessionCount from intent_score order by person_id");
}

describe("an event_id counts once", () => {
  test("in one batch", async () => {
    await using house = startInstance();
    const { body } = await house.post<TrackAnswer>("/track", [
      pricing,
      pricing,
      { ...pricing, event_id: "b" },
      pricing,
    ]);
    expect(body).toMatchObject({ accepted: 2, duplicate: 2, rejected: 0 });
    expect(body.events.map(({ status }) => status)).toEqual(["accepted", "duplicate", "accepted", "duplicate"]);
    expect(house.rows("select event_id from event")).toEqual([{ event_id: "a" }, { event_id: "b" }]);
  });

  test("across requests, batches, addresses and keys", async () => {
    await using house = startInstance();
    await house.post("/track", pricing);
    const before = standing(house);
    const again = [
      await house.post<TrackAnswer>("/track", pricing),
      await house.post<TrackAnswer>("/v1/e", pricing),
      await house.post<TrackAnswer>("/track", [pricing]),
      await house.post<TrackAnswer>("/v1/e", { events: [pricing], sent_at: house.clock.nowMs }),
      await house.postSecret<TrackAnswer>("/track", pricing),
    ];
    for (const { status, body } of again) {
      expect(status).toBe(200);
      expect(body).toEqual({
        accepted: 0,
        duplicate: 1,
        rejected: 0,
        events: [{ event_id: "a", status: "duplicate" }],
      });
    }
    expect(standing(house)).toEqual(before);
  });

  test("whoever sends it and whatever it says the second time", async () => {
    await using house = startInstance();
    await house.post("/track", pricing);
    const before = standing(house);
    const other = { event: "form_submit", anonymous_id: "visitor-2", event_id: "a" };
    expect((await house.post<TrackAnswer>("/track", other)).body.duplicate).toBe(1);
    expect(standing(house)).toEqual(before);
    expect(house.rows("select 1 from identity")).toHaveLength(1);
  });

  test("months later and after a restart", async () => {
    using folder = temporaryFolder();
    {
      await using before = startInstance({ dataFolder: folder.path });
      await before.post("/track", pricing);
    }
    await using after = startInstance({ dataFolder: folder.path });
    after.clock.nowMs += 400 * DAY_MS;
    expect((await after.post<TrackAnswer>("/track", pricing)).body.duplicate).toBe(1);
    expect(after.rows("select 1 from event")).toHaveLength(1);
  });

  test("ids that differ by case, blanks, NUL or a combining mark are different", async () => {
    await using house = startInstance();
    const ids = ["a", "A", " a", "a ", "a\0", "a\0b", "\u00e9", "e\u0301", "0", "00"];
    const events = ids.map((event_id) => ({ ...pricing, event_id }));
    expect((await house.post<TrackAnswer>("/track", events)).body.accepted).toBe(ids.length);
    expect((await house.post<TrackAnswer>("/track", events)).body.duplicate).toBe(ids.length);
  });

  test("a refused event's id is not taken: mended, it counts", async () => {
    await using house = startInstance();
    expect((await house.post("/track", { ...pricing, url: 5 })).status).toBe(422);
    expect((await house.post<TrackAnswer>("/track", pricing)).body.accepted).toBe(1);
  });

  test("the same event 1,000 times at once", async () => {
    await using house = startInstance();
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        house.post<TrackAnswer>(index % 2 === 0 ? "/track" : "/v1/e", pricing),
      ),
    );
    const statuses = answers.map(({ body }) => body.events[0]?.status);
    expect(statuses.filter((status) => status === "accepted")).toHaveLength(1);
    expect(statuses.filter((status) => status === "duplicate")).toHaveLength(999);
    expect(house.rows("select 1 from event")).toHaveLength(1);
    expect(standing(house)).toMatchObject([{ score: 33, sessionCount: 1 }]);
  });
});

describe("what arrives at once", () => {
  test("is decided in its order, as if it had come one by one", async () => {
    await using together = startInstance();
    await using apart = startInstance();
    const events = Array.from({ length: 30 }, (_, index) => ({
      ...pricing,
      event: index % 3 === 0 ? "form_submit" : "page_view",
      event_id: `event-${index}`,
      session_id: `session-${index % 4}`,
    }));
    const ofTogether = await Promise.all(events.map((event) => together.postSecret<TrackAnswer>("/track", event)));
    const told = ofTogether.map(({ body }) => body.events[0]);
    const expected = [];
    for (const event of events) expected.push((await apart.postSecret<TrackAnswer>("/track", event)).body.events[0]);
    const essence = (events: typeof told) =>
      events.map((event) =>
        event !== undefined && "score" in event
          ? { ...event, person_id: null, signals: event.signals.map(({ threshold }) => threshold) }
          : event,
      );
    expect(essence(told)).toEqual(essence(expected));
    const signals = essence(told).flatMap((event) => (event !== undefined && "signals" in event ? event.signals : []));
    expect(signals).toEqual(["warm", "hot", "burning"]);
  });
});
