import { describe, expect, test } from "bun:test";
import type { TrackAnswer } from "../../../src/features/track/track.ts";
import { startInstance, withSecret } from "../../support/instance.ts";
import { expectRefusal, MARKER } from "../../support/secrecy.ts";

const pricing = { event: "page_view", anonymous_id: "visitor-1", url: "/pricing" };

describe("what a caller learns", () => {
  test("the public: what became of the event, and nothing of who did it", async () => {
    await using house = startInstance();
    const { body } = await house.post<TrackAnswer>("/track", [
      { ...pricing, event_id: "a" },
      { ...pricing, event_id: "a" },
      { ...pricing, event_id: "b" },
    ]);
    expect(body).toEqual({
      accepted: 2,
      duplicate: 1,
      rejected: 0,
      events: [
        { event_id: "a", status: "accepted" },
        { event_id: "a", status: "duplicate" },
        { event_id: "b", status: "accepted" },
      ],
    });
    expect(house.rows("select 1 from signal")).toHaveLength(1);
  });

  test("the secret key: score, level, delta and signals", async () => {
    await using house = startInstance();
    const { body } = await house.postSecret<TrackAnswer>("/track", [
      { ...pricing, event_id: "a" },
      { ...pricing, event_id: "b" },
      { ...pricing, event_id: "b" },
    ]);
    const [person] = house.rows<{ data: string }>("select data from signal");
    const { signal_id, person: told } = JSON.parse(person?.data ?? "{}");
    const person_id = told.person_id;
    expect(body.events).toEqual([
      { event_id: "a", status: "accepted", person_id, score: 33, level: "cold", delta: 33, signals: [] },
      {
        event_id: "b",
        status: "accepted",
        person_id,
        score: 41,
        level: "warm",
        delta: 8,
        signals: [{ signal_id, threshold: "warm" }],
      },
      { event_id: "b", status: "duplicate" },
    ]);
  });

  test("whatever a visitor's past, the public answer is the same", async () => {
    await using house = startInstance();
    await house.post("/track", Array(10).fill(pricing));
    await house.postSecret("/identify", { anonymous_id: "visitor-1", identity: { email: "ada@acme.example" } });
    const [known, unknown] = await Promise.all([
      house.post("/track", { ...pricing, event_id: "same-length-1" }),
      house.post("/track", { ...pricing, event_id: "same-length-2", anonymous_id: "visitor-2" }),
    ]);
    expect(known.text.replace("same-length-1", "")).toBe(unknown.text.replace("same-length-2", ""));
  });
});

describe("user_id and email stand in for anonymous_id with the secret key", () => {
  const actors: [string, object, { kind: string; value: string; is_verified: number }][] = [
    ["user_id", { user_id: "u-1" }, { kind: "user_id", value: "u-1", is_verified: 1 }],
    ["user_id as a number", { user_id: 17 }, { kind: "user_id", value: "17", is_verified: 1 }],
    ["email", { email: " Ada@Acme.example " }, { kind: "email", value: "ada@acme.example", is_verified: 1 }],
    ["anonymous_id", { anonymous_id: "v-1" }, { kind: "anonymous_id", value: "v-1", is_verified: 1 }],
    [
      "user_id beside nulls",
      { user_id: "u-1", anonymous_id: null, email: null },
      { kind: "user_id", value: "u-1", is_verified: 1 },
    ],
  ];
  test.each(actors)("%s", async (_, actor, identity) => {
    await using house = startInstance();
    const event = { event: "page_view", url: "/demo", ...actor };
    const { body } = await house.postSecret<TrackAnswer>("/track", [event, event]);
    expect(body.accepted).toBe(2);
    expect(house.rows("select kind, value, is_verified from identity")).toEqual([identity]);
  });

  const refused: [string, object, string][] = [
    ["two identifiers", { anonymous_id: MARKER, user_id: MARKER }, "user_id"],
    ["all three", { anonymous_id: MARKER, user_id: MARKER, email: `${MARKER}@acme.example` }, "user_id"],
    ["none", {}, "anonymous_id"],
    ["an e-mail that is none", { email: MARKER }, "email"],
    ["a placeholder", { user_id: "null" }, "user_id"],
    ["a user_id with a fraction", { user_id: 1.5 }, "user_id"],
    ["a user_id that is true", { user_id: true }, "user_id"],
  ];
  test.each(refused)("refused: %s", async (_, actor, field) => {
    await using house = startInstance();
    const answer = await house.postSecret("/track", { event: MARKER, ...actor });
    expectRefusal(house, answer, { status: 422, code: "invalid", field });
  });
});

test("a staging site's password, which browsers send along by themselves, makes nobody unwelcome", async () => {
  await using house = startInstance();
  const headers = { authorization: "Basic c3RhZ2luZzpwYXNz" };
  const { status } = await house.post("/track", { event: "page_view", anonymous_id: "visitor-1" }, headers);
  expect(status).toBe(200);
});

describe("a secret key that is not valid is refused instead of passing for the public", () => {
  const headers: [string, string][] = [
    ["another key", `Bearer sk_${MARKER}`],
    ["no key", "Bearer"],
    ["an empty key", "Bearer "],
    ["another scheme", `Key ${MARKER}`],
    ["the key alone", withSecret.authorization.slice("Bearer ".length)],
    ["the key and more", `${withSecret.authorization}${MARKER}`],
    ["the beginning of the key", withSecret.authorization.slice(0, -1)],
  ];
  test.each(headers)("%s", async (_, authorization) => {
    await using house = startInstance();
    for (const path of ["/track", "/identify"]) {
      const body = path === "/track" ? pricing : { anonymous_id: "v", identity: { email: "ada@acme.example" } };
      const answer = await house.post(path, body, { authorization });
      expectRefusal(house, answer, { status: 401, code: "unauthorized", field: "authorization" });
    }
    expect(house.rows("select 1 from event")).toEqual([]);
  });

  test("the scheme is read in any case", async () => {
    await using house = startInstance();
    const authorization = withSecret.authorization.replace("Bearer", "bearer");
    const { body } = await house.post<TrackAnswer>("/track", pricing, { authorization });
    expect(body.events[0]).toMatchObject({ score: 33 });
  });
});

describe("the write key", () => {
  const isRequired = { intent: { ingest: { require_write_key: true } } };
  const identity = { email: "ada@acme.example" };

  test("where it is required, the public needs it", async () => {
    await using house = startInstance(isRequired);
    const write_key = house.keys.writeKey;
    const envelope = { events: [pricing] };
    const refused = { status: 401, code: "unauthorized", field: "write_key" };
    expectRefusal(house, await house.post("/track", pricing), refused);
    expectRefusal(house, await house.post("/track", [pricing]), refused);
    expectRefusal(house, await house.post("/track", envelope), refused);
    expectRefusal(house, await house.post("/track", { ...envelope, write_key: null }), refused);
    expectRefusal(house, await house.post("/track", { ...envelope, write_key: `wk_${MARKER}` }), refused);
    expectRefusal(house, await house.post("/identify", { anonymous_id: "v", identity }), refused);
    expectRefusal(house, await house.post("/identify", { anonymous_id: "v", identity, write_key: "wk_" }), refused);
    expect(house.rows("select 1 from event")).toEqual([]);
    expect((await house.post("/track", { ...envelope, write_key })).status).toBe(200);
    expect((await house.post("/identify", { anonymous_id: "v", identity, write_key })).status).toBe(200);
    expect(house.rows("select 1 from event")).toHaveLength(2);
  });

  test("the secret key needs none beside it", async () => {
    await using house = startInstance(isRequired);
    expect((await house.postSecret("/track", pricing)).status).toBe(200);
    expect((await house.postSecret("/identify", { anonymous_id: "v", identity })).status).toBe(200);
  });

  test("where it is not required, a right one passes and a wrong one does not", async () => {
    await using house = startInstance();
    const right = { events: [pricing], write_key: house.keys.writeKey };
    expect((await house.post("/track", right)).status).toBe(200);
    const wrong = await house.post("/track", { ...right, write_key: `wk_${MARKER}` });
    expectRefusal(house, wrong, { status: 401, code: "unauthorized", field: "write_key" });
  });

  test("whether it is required is read from the config in force", async () => {
    await using house = startInstance();
    expect((await house.post("/track", pricing)).status).toBe(200);
    house.configureIntent(isRequired.intent);
    expect((await house.post("/track", pricing)).status).toBe(401);
    house.configureIntent({});
    expect((await house.post("/track", pricing)).status).toBe(200);
  });
});

describe("the first-party cookie", () => {
  const origin = "https://acme.example";
  const anonymous_id = `visitor-${MARKER}`;

  test("goes with what was taken from a page of the same site", async () => {
    await using house = startInstance();
    const answer = await house.post("/track", { ...pricing, anonymous_id }, { origin, "sec-fetch-site": "same-site" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("set-cookie")).toContain(`_di=${anonymous_id};`);
  });

  test("does not go with what was refused", async () => {
    await using house = startInstance();
    const broken = { ...pricing, anonymous_id, url: 5 };
    const answer = await house.post("/track", broken, { origin, "sec-fetch-site": "same-site" });
    expectRefusal(house, answer, { status: 422, code: "invalid", field: "url" });
    expect(answer.headers.get("set-cookie")).toBeNull();
  });
});
