import { describe, expect, test } from "bun:test";
import type { TrackAnswer } from "../../../src/features/track/track.ts";
import { NOON_MS, type StartOptions, startInstance } from "../../support/instance.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const sample = {
  event: "page_view",
  event_id: "3f1c2a90-1111-4c3e-9a5e-000000000001",
  session_id: "3f1c2a90-2222-4c3e-9a5e-000000000002",
  anonymous_id: "3f1c2a90-3333-4c3e-9a5e-000000000003",
  url: "/pricing",
  referrer: "google",
  timestamp: 1_700_000_000,
  metadata: { device: "mobile", country: "ZA" },
};
const visit = { event: "page_view", anonymous_id: "visitor-1" };

type EventRow = {
  event_id: string;
  name: string;
  occurred_at: number;
  received_at: number;
  session_id: string | null;
  url: string | null;
  referrer: string | null;
  properties: string | null;
};
const ALL_EVENTS =
  "select event_id, name, occurred_at, received_at, session_id, url, referrer, properties from event order by event_seq";

test("an event is stored as it was sent", async () => {
  await using house = startInstance();
  house.clock.nowMs = 1_700_000_030_000;
  const { status, body } = await house.post<TrackAnswer>("/track", sample);
  expect(status).toBe(200);
  expect(body).toEqual({
    accepted: 1,
    duplicate: 0,
    rejected: 0,
    events: [{ event_id: sample.event_id, status: "accepted" }],
  });
  expect(house.rows<EventRow>(ALL_EVENTS)).toEqual([
    {
      event_id: sample.event_id,
      name: "page_view",
      occurred_at: 1_700_000_000_000,
      received_at: 1_700_000_030_000,
      session_id: sample.session_id,
      url: "/pricing",
      referrer: "google",
      properties: '{"device":"mobile","country":"ZA"}',
    },
  ]);
});

describe("forms of a body", () => {
  const json = JSON.stringify(visit);
  const forms: [string, { path?: string; body: string; contentType?: string; accepted: number }][] = [
    ["one event", { body: json, accepted: 1 }],
    ["one event at /v1/e", { path: "/v1/e", body: json, accepted: 1 }],
    ["one event with blanks around it", { body: `\n  ${json}\t\n`, accepted: 1 }],
    ["a list", { body: `[${json},${json},${json}]`, accepted: 3 }],
    ["a list at /v1/e", { path: "/v1/e", body: `[${json}]`, accepted: 1 }],
    ["an empty list", { body: "[]", accepted: 0 }],
    ["an envelope", { body: `{"events":[${json},${json}],"sent_at":"2026-06-01T12:00:00Z"}`, accepted: 2 }],
    ["an envelope without sent_at", { body: `{"events":[${json}]}`, accepted: 1 }],
    ["an envelope whose sent_at is null", { body: `{"events":[${json}],"sent_at":null}`, accepted: 1 }],
    ["an empty envelope", { body: '{"events":[]}', accepted: 0 }],
    ["application/json", { body: json, contentType: "application/json", accepted: 1 }],
    ["application/json with a charset", { body: json, contentType: "application/json; charset=utf-8", accepted: 1 }],
    ["text/plain", { body: json, contentType: "text/plain", accepted: 1 }],
    [
      "a form's content type, as curl -d says it",
      { body: json, contentType: "application/x-www-form-urlencoded", accepted: 1 },
    ],
    ["a multipart content type that is none", { body: json, contentType: "multipart/form-data", accepted: 1 }],
    ["an unknown content type", { body: json, contentType: "x/y", accepted: 1 }],
  ];
  test.each(forms)("%s", async (_, { path = "/track", body, contentType = "text/plain", accepted }) => {
    await using house = startInstance();
    const answer = await house.post<TrackAnswer>(path, body, { "content-type": contentType });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ accepted, duplicate: 0, rejected: 0 });
    expect(answer.body.events.map(({ status }) => status)).toEqual(Array(accepted).fill("accepted"));
    expect(house.rows(ALL_EVENTS)).toHaveLength(accepted);
  });
});

describe("fields that may be missing", () => {
  const optional = ["event_id", "session_id", "url", "referrer", "timestamp", "metadata"] as const;
  const cases: [string, object][] = [
    ...optional.flatMap((field): [string, object][] => [
      [`${field} left out`, { ...sample, timestamp: NOON_MS, [field]: undefined }],
      [`${field} null`, { ...sample, timestamp: NOON_MS, [field]: null }],
    ]),
    ["all of them left out", visit],
    ["a blank session_id", { ...visit, session_id: "" }],
    ["a blank url and referrer", { ...visit, url: "", referrer: "" }],
  ];
  test.each(cases)("%s", async (_, event) => {
    await using house = startInstance();
    const { status, body } = await house.post<TrackAnswer>("/track", event);
    expect({ status, accepted: body.accepted }).toEqual({ status: 200, accepted: 1 });
  });

  test("an event without an id gets one, and a blank session id is none", async () => {
    await using house = startInstance();
    const { body } = await house.post<TrackAnswer>("/track", [
      { ...visit, session_id: "" },
      { ...visit, event_id: null },
    ]);
    const rows = house.rows<EventRow>(ALL_EVENTS);
    const ids = body.events.map((event) => ("event_id" in event ? event.event_id : null));
    expect(ids).toEqual(rows.map(({ event_id }) => event_id));
    expect(new Set(ids).size).toBe(2);
    expect(rows.map(({ session_id }) => session_id)).toEqual([null, null]);
  });
});

describe("when it happened", () => {
  type Timing = { timestamp?: unknown; sentAt?: unknown; agoMs: number };
  const iso = (agoMs: number): string => new Date(NOON_MS - agoMs).toISOString();
  const timings: [string, Timing][] = [
    ["not said: now", { agoMs: 0 }],
    ["seconds", { timestamp: NOON_MS / 1000 - 60, agoMs: MINUTE_MS }],
    ["seconds with a fraction", { timestamp: NOON_MS / 1000 - 0.25, agoMs: 250 }],
    ["milliseconds", { timestamp: NOON_MS - 1_234, agoMs: 1_234 }],
    ["ISO 8601", { timestamp: iso(90_500), agoMs: 90_500 }],
    ["ISO 8601 with an offset", { timestamp: "2026-06-01T13:00:00+02:00", agoMs: HOUR_MS }],
    ["ISO 8601 without a zone: UTC", { timestamp: "2026-06-01T11:59", agoMs: MINUTE_MS }],
    ["ISO 8601 to the microsecond", { timestamp: "2026-06-01T11:59:59.500250Z", agoMs: 500 }],
    ["a date", { timestamp: "2026-05-31", agoMs: 36 * HOUR_MS }],
    ["the future: now", { timestamp: NOON_MS + 5 * MINUTE_MS, agoMs: 0 }],
    ["the far future: now", { timestamp: "9999-12-31T23:59:59Z", agoMs: 0 }],
    ["the oldest that is taken", { timestamp: NOON_MS - 90 * DAY_MS, agoMs: 90 * DAY_MS }],
    [
      "a clock two hours ahead",
      { timestamp: NOON_MS + 2 * HOUR_MS - 30_000, sentAt: NOON_MS + 2 * HOUR_MS, agoMs: 30_000 },
    ],
    [
      "a clock two hours behind",
      { timestamp: NOON_MS - 2 * HOUR_MS - 30_000, sentAt: NOON_MS - 2 * HOUR_MS, agoMs: 30_000 },
    ],
    ["a clock a year behind", { timestamp: NOON_MS - 366 * DAY_MS, sentAt: NOON_MS - 365 * DAY_MS, agoMs: DAY_MS }],
    ["a clock at its beginning", { timestamp: 60, sentAt: 90, agoMs: 30_000 }],
    ["happened after it was sent: now", { timestamp: NOON_MS, sentAt: NOON_MS - MINUTE_MS, agoMs: 0 }],
    ["sent_at in seconds", { timestamp: NOON_MS / 1000 - 3_600, sentAt: NOON_MS / 1000 - 3_540, agoMs: MINUTE_MS }],
    ["sent_at in ISO 8601", { timestamp: iso(-HOUR_MS), sentAt: iso(-HOUR_MS - 5_000), agoMs: 5_000 }],
    ["sent_at alone", { sentAt: NOON_MS - HOUR_MS, agoMs: 0 }],
  ];
  test.each(timings)("%s", async (_, { timestamp, sentAt, agoMs }) => {
    await using house = startInstance();
    const { status } = await house.post("/track", { events: [{ ...visit, timestamp }], sent_at: sentAt });
    const [row] = house.rows<EventRow>(ALL_EVENTS);
    expect(status).toBe(200);
    expect(row?.occurred_at).toBe(NOON_MS - agoMs);
    expect(row?.received_at).toBe(NOON_MS);
  });
});

describe("older than accept_days", () => {
  const cases: [string, { options?: StartOptions; timestamp: number; sentAt?: number; days: number }][] = [
    ["by a millisecond", { timestamp: NOON_MS - 90 * DAY_MS - 1, days: 90 }],
    ["by years", { timestamp: 1_700_000_000, days: 90 }],
    ["by a clock that only seems right", { timestamp: NOON_MS, sentAt: NOON_MS + 91 * DAY_MS, days: 90 }],
    [
      "as configured",
      { options: { intent: { ingest: { accept_days: 2 } } }, timestamp: NOON_MS - 3 * DAY_MS, days: 2 },
    ],
  ];
  test.each(cases)("%s: refused and kept", async (_, { options, timestamp, sentAt, days }) => {
    await using house = startInstance(options);
    const event = { ...visit, timestamp };
    const { status, body } = await house.post<TrackAnswer>("/track", { events: [event, visit], sent_at: sentAt });
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: 1, rejected: 1 });
    expect(body.events[0]).toEqual({
      status: "rejected",
      error: {
        code: "invalid",
        message: `is older than the ${days} days that ingest.accept_days takes`,
        field: "timestamp",
      },
    });
    expect(house.rows("select rejected_at, code, field, body from rejected_event")).toEqual([
      { rejected_at: NOON_MS, code: "invalid", field: "timestamp", body: JSON.stringify(event) },
    ]);
    expect(house.rows(ALL_EVENTS)).toHaveLength(1);
  });
});
