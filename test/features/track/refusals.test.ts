import { describe, expect, test } from "bun:test";
import type { TrackAnswer } from "../../../src/features/track/track.ts";
import { NOON_MS, startInstance } from "../../support/instance.ts";
import { expectRefusal, expectSecrecy, MARKER } from "../../support/secrecy.ts";

const good = { event: "page_view", anonymous_id: "visitor-1" };
const marked = {
  event: MARKER,
  event_id: MARKER,
  anonymous_id: MARKER,
  session_id: MARKER,
  url: `https://${MARKER}.example/${MARKER}?q=${MARKER}`,
  referrer: MARKER,
  metadata: { [MARKER]: MARKER },
};

function keys(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`${MARKER}${index}`, MARKER]));
}

function nested(depth: number): object {
  return depth === 1 ? { [MARKER]: MARKER } : { [MARKER]: nested(depth - 1) };
}

/** An event whose JSON has exactly so many bytes. */
function sized(bytes: number, filler = "x"): object {
  const empty = { ...marked, metadata: { filler: "" } };
  const room = bytes - Buffer.byteLength(JSON.stringify(empty));
  const count = Math.floor(room / Buffer.byteLength(filler));
  const padding = "x".repeat(room - count * Buffer.byteLength(filler));
  return { ...empty, metadata: { filler: filler.repeat(count) + padding } };
}

type Refused = { event: unknown; status?: number; code?: string; field?: string; says?: string };
const refused: [string, Refused][] = [
  ["text instead of an event", { event: MARKER, says: "object" }],
  ["a number", { event: 12, says: "object" }],
  ["null", { event: null, says: "object" }],
  ["true", { event: true, says: "object" }],
  ["a list in a list", { event: [marked], says: "object" }],
  ["event missing", { event: { ...marked, event: undefined }, field: "event", says: "missing" }],
  ["event null", { event: { ...marked, event: null }, field: "event" }],
  ["event a number", { event: { ...marked, event: 5 }, field: "event", says: "string" }],
  ["event an object", { event: { ...marked, event: { name: MARKER } }, field: "event", says: "string" }],
  ["event blank", { event: { ...marked, event: "" }, field: "event", says: "empty" }],
  ["event too long", { event: { ...marked, event: MARKER.repeat(17) }, field: "event", says: "100" }],
  ["event in broken Unicode", { event: { ...marked, event: "\ud800" }, field: "event", says: "Unicode" }],
  ["event_id a number", { event: { ...marked, event_id: 5 }, field: "event_id", says: "string" }],
  ["event_id blank", { event: { ...marked, event_id: "" }, field: "event_id", says: "empty" }],
  ["event_id too long", { event: { ...marked, event_id: MARKER.repeat(11) }, field: "event_id", says: "64" }],
  [
    "event_id in broken Unicode",
    { event: { ...marked, event_id: `${MARKER}\udc00` }, field: "event_id", says: "Unicode" },
  ],
  ["anonymous_id missing", { event: { ...marked, anonymous_id: undefined }, field: "anonymous_id", says: "missing" }],
  ["anonymous_id null", { event: { ...marked, anonymous_id: null }, field: "anonymous_id", says: "missing" }],
  ["anonymous_id a number", { event: { ...marked, anonymous_id: 5 }, field: "anonymous_id", says: "string" }],
  ["anonymous_id blank", { event: { ...marked, anonymous_id: " " }, field: "anonymous_id", says: "blank" }],
  [
    "anonymous_id a placeholder",
    { event: { ...marked, anonymous_id: "Undefined" }, field: "anonymous_id", says: "placeholder" },
  ],
  [
    "anonymous_id too long",
    { event: { ...marked, anonymous_id: MARKER.repeat(11) }, field: "anonymous_id", says: "64" },
  ],
  [
    "anonymous_id with NUL",
    { event: { ...marked, anonymous_id: `${MARKER}\0` }, field: "anonymous_id", says: "control" },
  ],
  [
    "anonymous_id in broken Unicode",
    { event: { ...marked, anonymous_id: `${MARKER}\ud800` }, field: "anonymous_id", says: "Unicode" },
  ],
  ["session_id a number", { event: { ...marked, session_id: 5 }, field: "session_id", says: "string" }],
  ["session_id too long", { event: { ...marked, session_id: MARKER.repeat(11) }, field: "session_id", says: "64" }],
  [
    "session_id in broken Unicode",
    { event: { ...marked, session_id: `${MARKER}\ud800` }, field: "session_id", says: "Unicode" },
  ],
  ["url a number", { event: { ...marked, url: 5 }, field: "url", says: "string" }],
  ["url too long", { event: { ...marked, url: MARKER.repeat(700) }, field: "url", says: "4096" }],
  ["referrer a list", { event: { ...marked, referrer: [MARKER] }, field: "referrer", says: "string" }],
  ["referrer too long", { event: { ...marked, referrer: MARKER.repeat(700) }, field: "referrer", says: "4096" }],
  ["timestamp a word", { event: { ...marked, timestamp: MARKER }, field: "timestamp", says: "ISO 8601" }],
  ["timestamp blank", { event: { ...marked, timestamp: "" }, field: "timestamp", says: "ISO 8601" }],
  ["timestamp a list", { event: { ...marked, timestamp: [NOON_MS] }, field: "timestamp", says: "ISO 8601" }],
  ["timestamp true", { event: { ...marked, timestamp: true }, field: "timestamp", says: "ISO 8601" }],
  ["timestamp negative", { event: { ...marked, timestamp: -1 }, field: "timestamp", says: "ISO 8601" }],
  [
    "timestamp no day of the calendar",
    { event: { ...marked, timestamp: "2026-13-45" }, field: "timestamp", says: "ISO 8601" },
  ],
  ["timestamp too old", { event: { ...marked, timestamp: 1 }, field: "timestamp", says: "90 days" }],
  ["metadata text", { event: { ...marked, metadata: MARKER }, field: "metadata", says: "object" }],
  ["metadata a list", { event: { ...marked, metadata: [MARKER] }, field: "metadata", says: "object" }],
  ["65 metadata keys", { event: { ...marked, metadata: keys(65) }, field: "metadata", says: "64" }],
  [
    "65 metadata keys in two objects",
    { event: { ...marked, metadata: { ...keys(32), inner: keys(32) } }, field: "metadata", says: "64" },
  ],
  ["metadata nested 6 deep", { event: { ...marked, metadata: nested(6) }, field: "metadata", says: "5" }],
  [
    "metadata lists nested 6 deep",
    { event: { ...marked, metadata: { a: [[[[[MARKER]]]]] } }, field: "metadata", says: "5" },
  ],
  ["a field that is not known", { event: { ...marked, [MARKER]: MARKER }, says: "not known" }],
  [
    "a field of __proto__",
    { event: JSON.parse(`{"event":"a","anonymous_id":"${MARKER}","__proto__":{"a":1}}`), says: "not known" },
  ],
  ["33 KB", { event: sized(33 * 1024), status: 413, code: "too_large", says: "32 KB" }],
  ["a byte more than 32 KB", { event: sized(32 * 1024 + 1), status: 413, code: "too_large", says: "32 KB" }],
  [
    "a byte more than 32 KB in few characters",
    { event: sized(32 * 1024 + 1, "語"), status: 413, code: "too_large", says: "32 KB" },
  ],
  [
    "user_id without the secret key",
    { event: { ...marked, user_id: MARKER }, status: 403, code: "forbidden", field: "user_id", says: "secret key" },
  ],
  [
    "email without the secret key",
    {
      event: { ...marked, anonymous_id: undefined, email: `${MARKER}@acme.example` },
      status: 403,
      code: "forbidden",
      field: "email",
      says: "secret key",
    },
  ],
];

describe("an event that is refused", () => {
  // A list by itself is a batch.
  const single = refused.filter(([, { event }]) => !Array.isArray(event));
  test.each(single)("%s: by itself", async (_, { event, status = 422, code = "invalid", field, says }) => {
    await using house = startInstance();
    expectRefusal(house, await house.post("/track", JSON.stringify(event)), { status, code, field, says });
    expect(house.rows("select 1 from event")).toEqual([]);
    expect(house.rows("select rejected_at, code, field from rejected_event")).toEqual([
      { rejected_at: NOON_MS, code, field: field ?? null },
    ]);
  });

  test.each(refused)("%s: in a batch, which it does not spoil", async (_, { event, code = "invalid", field, says }) => {
    await using house = startInstance();
    const answer = await house.post<TrackAnswer>("/track", [good, event, good]);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ accepted: 2, duplicate: 0, rejected: 1 });
    expect(answer.body.events.map(({ status }) => status)).toEqual(["accepted", "rejected", "accepted"]);
    const middle = answer.body.events[1];
    const error = middle?.status === "rejected" ? middle.error : undefined;
    expect({ code: error?.code, field: error?.field }).toEqual({ code: code as never, field });
    expect(error?.message).toContain(says ?? "");
    expectSecrecy(house, answer);
    expect(house.rows("select 1 from event")).toHaveLength(2);
    expect(house.rows("select code, message from rejected_event")).toEqual([{ code, message: error?.message }]);
  });
});

describe("what is just within the limits is taken", () => {
  const within: [string, object][] = [
    ["32 KB", sized(32 * 1024)],
    ["32 KB of three-byte characters", sized(32 * 1024, "語")],
    ["64 metadata keys", { ...good, metadata: keys(64) }],
    ["metadata nested 5 deep", { ...good, metadata: nested(5) }],
    ["the longest names", { ...good, event: "x".repeat(100), event_id: "x".repeat(64), anonymous_id: "x".repeat(64) }],
    [
      "the longest addresses",
      { ...good, url: "x".repeat(4_096), referrer: "x".repeat(4_096), session_id: "x".repeat(64) },
    ],
    ["numbers beyond every double", JSON.parse('{"event":"a","anonymous_id":"v","metadata":{"value":1e400}}')],
    ["NUL where nothing is told apart by it", { ...good, url: "/a\0b", metadata: { text: "a\0b" } }],
    [
      "broken Unicode where nothing is told apart by it",
      { ...good, url: "/\ud800", referrer: "\udc00", metadata: { "\ud800": "\udfff" } },
    ],
    ["emoji", { ...good, event: "🎉", event_id: "🎉", session_id: "🎉", metadata: { "🎉": "🎉" } }],
    [
      "metadata named like what every object has",
      { ...good, metadata: { constructor: 1, toString: "x", hasOwnProperty: null } },
    ],
  ];
  test.each(within)("%s", async (_, event) => {
    await using house = startInstance();
    const { status, body } = await house.post<TrackAnswer>("/track", [event, good]);
    expect({ status, accepted: body.accepted }).toEqual({ status: 200, accepted: 2 });
    expect(house.rows("select 1 from event")).toHaveLength(2);
  });

  test("500 events", async () => {
    await using house = startInstance();
    const { body } = await house.post<TrackAnswer>("/track", Array(500).fill(good));
    expect(body).toMatchObject({ accepted: 500, rejected: 0 });
    expect(house.rows("select 1 from event")).toHaveLength(500);
  });

  test("metadata cannot reach what objects inherit from", async () => {
    await using house = startInstance();
    const body =
      '{"event":"a","anonymous_id":"v","metadata":{"__proto__":{"polluted":true},"a":{"__proto__":{"polluted":true}}}}';
    expect((await house.post("/track", body)).status).toBe(200);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});

describe("a request that is refused as a whole", () => {
  const events = (count: number): unknown[] => Array(count).fill(marked);
  const deep = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);
  const requests: [string, { body: string; status?: number; code?: string; field?: string; says?: string }][] = [
    ["nothing", { body: "", status: 400, code: "invalid_json" }],
    ["blanks", { body: " \n", status: 400, code: "invalid_json" }],
    ["words", { body: `hello ${MARKER}`, status: 400, code: "invalid_json" }],
    ["half an event", { body: `{"event":"${MARKER}"`, status: 400, code: "invalid_json" }],
    ["single quotes", { body: `{'event':'${MARKER}'}`, status: 400, code: "invalid_json" }],
    ["a trailing comma", { body: `[{"event":"${MARKER}"},]`, status: 400, code: "invalid_json" }],
    [
      "two events without a list",
      { body: `{"event":"${MARKER}"}{"event":"${MARKER}"}`, status: 400, code: "invalid_json" },
    ],
    ["a form", { body: `event=${MARKER}&anonymous_id=${MARKER}`, status: 400, code: "invalid_json" }],
    ["NUL", { body: "\0", status: 400, code: "invalid_json" }],
    ["100,000 brackets that never close", { body: "[".repeat(100_000), status: 400, code: "invalid_json" }],
    ["100,000 nested lists", { body: deep("[", "]", 100_000), says: "nested" }],
    ["50,000 nested objects", { body: deep('{"a":', "}", 50_000), says: "nested" }],
    [
      "50,000 lists in metadata",
      { body: `{"event":"${MARKER}","metadata":{"a":${deep("[", "]", 50_000)}}}`, says: "nested" },
    ],
    [
      "5,000 lists in metadata",
      {
        body: `{"event":"a","anonymous_id":"v","metadata":{"a":${deep("[", "]", 5_000)}}}`,
        field: "metadata",
        says: "5",
      },
    ],
    [
      "501 events",
      { body: JSON.stringify(events(501)), status: 413, code: "too_large", field: "events", says: "500 events" },
    ],
    [
      "501 events in an envelope",
      {
        body: JSON.stringify({ events: events(501) }),
        status: 413,
        code: "too_large",
        field: "events",
        says: "500 events",
      },
    ],
    [
      "501 events that are none",
      {
        body: JSON.stringify(Array(501).fill(MARKER)),
        status: 413,
        code: "too_large",
        field: "events",
        says: "500 events",
      },
    ],
    [
      "events that are no list",
      { body: JSON.stringify({ events: marked }), field: "events", says: "must be an array" },
    ],
    ["events null", { body: JSON.stringify({ events: null }), field: "events", says: "must be an array" }],
    [
      "sent_at a word",
      { body: JSON.stringify({ events: [marked], sent_at: MARKER }), field: "sent_at", says: "ISO 8601" },
    ],
    [
      "sent_at an object",
      { body: JSON.stringify({ events: [marked], sent_at: {} }), field: "sent_at", says: "ISO 8601" },
    ],
    ["sent_at beyond every number", { body: `{"events":[],"sent_at":1e400}`, field: "sent_at", says: "ISO 8601" }],
    [
      "a field beside events that is not known",
      { body: JSON.stringify({ events: [marked], [MARKER]: MARKER }), says: "not known" },
    ],
    [
      "a wrong write key",
      {
        body: JSON.stringify({ events: [marked], write_key: `wk_${MARKER}` }),
        status: 401,
        code: "unauthorized",
        field: "write_key",
      },
    ],
    [
      "a write key that is a number",
      { body: JSON.stringify({ events: [marked], write_key: 5 }), field: "write_key", says: "string" },
    ],
  ];
  test.each(requests)("%s", async (_, { body, status = 422, code = "invalid", field, says }) => {
    await using house = startInstance();
    for (const path of ["/track", "/v1/e"]) {
      expectRefusal(house, await house.post(path, body), { status, code, field, says });
    }
    expect(house.rows("select 1 from event")).toEqual([]);
    expect(house.logged).toEqual([]);
  });
});

test("of what was refused, the latest 10,000 are kept, each cut short", async () => {
  await using house = startInstance();
  const long = { event: "x", metadata: { text: "y".repeat(10_000) } };
  expect((await house.post("/track", JSON.stringify(long))).status).toBe(422);
  expect(house.rows<{ length: number }>("select length(body) as length from rejected_event")).toEqual([
    { length: 2_000 },
  ]);
  for (let batch = 0; batch < 21; batch += 1) {
    const events = Array.from({ length: 500 }, (_, index) => ({ event: `${batch}-${index}` }));
    expect((await house.post<TrackAnswer>("/track", events)).body.rejected).toBe(500);
  }
  const [bounds] = house.rows<{ count: number; first: string; last: string }>(
    `select count(*) as count, (select body from rejected_event order by rejected_seq limit 1) as first,
       (select body from rejected_event order by rejected_seq desc limit 1) as last from rejected_event`,
  );
  expect(bounds).toEqual({ count: 10_000, first: '{"event":"1-0"}', last: '{"event":"20-499"}' });
});
