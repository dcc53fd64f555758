import { expect, test } from "bun:test";
import { Webhook } from "standardwebhooks";
import type { Answer, OutgoingRequest } from "../../src/destinations/interface.ts";
import { attempt } from "../../src/jobs/deliver-attempt.ts";
import { createLane } from "../../src/jobs/deliver-lane.ts";
import { answering, type Behaviour, startReceiver } from "../destinations/receiver.ts";
import { destination, NOON_MS, SECRET } from "../destinations/sample.ts";
import { eventually } from "../support/eventually.ts";
import { openHouse } from "./house.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const webhook = (url: string, changes: object = {}) =>
  destination({ type: "webhook", name: "crm", url, secret: SECRET, allow_private: true, ...changes });

const failing = (status: number | null, retryAfter: string | null = null): Answer => ({
  status,
  body: "down",
  retryAfter,
});

test("a signal arrives signed, with its delivery's id", async () => {
  await using receiver = await startReceiver();
  await using house = openHouse([webhook(receiver.url)]);
  house.signal({ signalId: 7, personId: 1 });
  await house.deliverer.settled();
  const [request] = receiver.received;
  expect(request?.method).toBe("POST");
  expect(request?.headers["webhook-id"]).toBe("dlv_7");
  expect(request?.headers["webhook-timestamp"]).toBe(String(NOON_MS / 1_000));
  expect(house.deliveries()).toMatchObject([
    { state: "delivered", attempts: 1, lastStatus: 200, lastAnswer: "ok", lastAttemptMs: NOON_MS },
  ]);
});

test("the signature is what the standardwebhooks package verifies, with each secret while rotating", async () => {
  const other = `whsec_${Buffer.from("another secret of thirty-two by!").toString("base64")}`;
  await using receiver = await startReceiver();
  await using house = openHouse([webhook(receiver.url, { secret: [SECRET, "env:OTHER"] })], {
    now: () => Date.now(),
    post: { environment: { OTHER: other } },
  });
  house.signal({ signalId: 7, personId: 1 });
  await house.deliverer.settled();
  for (const secret of [SECRET, other]) {
    const [request] = receiver.received;
    expect(new Webhook(secret).verify(request?.body ?? "", request?.headers ?? {})).toMatchObject({
      type: "intent.threshold_crossed",
    });
  }
});

test("further headers are sent, their references resolved, and none of them replaces one of ours", async () => {
  await using receiver = await startReceiver();
  const headers = { Authorization: "env:CRM_TOKEN", "X-Team": "growth", "Webhook-Id": "mine" };
  await using house = openHouse([webhook(receiver.url, { headers })], {
    post: { environment: { CRM_TOKEN: "Bearer 1" } },
  });
  house.signal({ signalId: 7, personId: 1 });
  await house.deliverer.settled();
  expect(receiver.received[0]?.headers).toMatchObject({
    authorization: "Bearer 1",
    "x-team": "growth",
    "webhook-id": "dlv_7",
  });
});

const permissions: [string, boolean | string[], string][] = [
  ["no permission", false, "pending"],
  ["permission for another host", ["localhost"], "pending"],
  ["permission for this host", ["127.0.0.1"], "delivered"],
  ["permission for all", true, "delivered"],
];

for (const [what, allowPrivate, state] of permissions) {
  test(`with ${what} a delivery to the loopback stays ${state}`, async () => {
    await using receiver = await startReceiver();
    await using house = openHouse([webhook(receiver.url, { allow_private: allowPrivate })]);
    house.signal({ signalId: 7, personId: 1 });
    await house.deliverer.settled();
    expect(house.deliveries()).toMatchObject([{ state }]);
    expect(receiver.received).toHaveLength(state === "delivered" ? 1 : 0);
  });
}

const behaviours: [string, Behaviour, { state: string; attempts: number; paused?: string }][] = [
  ["answers 204", answering(204), { state: "delivered", attempts: 1 }],
  ["answers 500", answering(500), { state: "pending", attempts: 1 }],
  ["answers 400", answering(400), { state: "pending", attempts: 1 }],
  ["answers 401", answering(401), { state: "pending", attempts: 1 }],
  ["redirects", answering(302, "", { location: "/elsewhere" }), { state: "pending", attempts: 1 }],
  ["answers 410", answering(410), { state: "pending", attempts: 1, paused: "gone" }],
  ["answers 429", answering(429), { state: "pending", attempts: 1 }],
  ["answers 429 until when", answering(429, "", { "retry-after": "0" }), { state: "pending", attempts: 0 }],
  ["closes at once", (_, __, socket) => socket.destroy(), { state: "pending", attempts: 1 }],
  ["answers no HTTP", (_, __, socket) => socket.end("?\r\n\r\n"), { state: "pending", attempts: 1 }],
  [
    "answers with much more than anybody reads",
    answering(200, "y".repeat(5_000_000)),
    { state: "delivered", attempts: 1 },
  ],
];

for (const [what, behaviour, { state, attempts, paused = null }] of behaviours) {
  test(`a receiver that ${what} leaves the delivery ${state}`, async () => {
    await using receiver = await startReceiver(behaviour);
    await using house = openHouse([webhook(receiver.url)]);
    house.signal({ signalId: 7, personId: 1 });
    await house.deliverer.settled();
    expect(house.deliveries()).toMatchObject([{ state, attempts }]);
    expect(house.store.health("crm").pauseReason).toBe(paused as never);
    expect(receiver.received).toHaveLength(1);
  });
}

test("a receiver that hangs holds up nobody else", async () => {
  await using hanging = await startReceiver(() => undefined);
  await using receiver = await startReceiver();
  await using house = openHouse([webhook(hanging.url, { name: "slow", concurrency_max: 2 }), webhook(receiver.url)]);
  house.signal(...Array.from({ length: 50 }, (_, index) => ({ signalId: index + 1, personId: index })));
  while (receiver.received.length < 50) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(hanging.received.length).toBeLessThanOrEqual(2);
});

test("what was tried in vain comes again after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, and is dead then", async () => {
  const atMs: number[] = [];
  await using house = openHouse([webhook("http://crm.example/")], {
    random: () => 0,
    post: {
      send: async () => {
        atMs.push(house.clock.nowMs);
        return failing(503);
      },
    },
  });
  house.signal({ signalId: 7, personId: 1 });
  while (await house.advance());
  const waits = atMs.slice(1).map((at, index) => at - (atMs[index] ?? 0));
  expect(waits).toEqual([5_000, 300_000, 1_800_000, ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR_MS)]);
  expect(house.deliveries()).toMatchObject([{ state: "dead", attempts: 10, lastStatus: 503, lastAnswer: "down" }]);
  expect(house.logged).toEqual(["destination_failing", "delivery_dead"]);
});

test("nobody comes before their time: the jitter is to later, by a tenth at most", async () => {
  await using house = openHouse([webhook("http://crm.example/")], {
    random: () => 0.999,
    post: { send: async () => failing(500) },
  });
  house.signal({ signalId: 7, personId: 1 });
  await house.deliverer.settled();
  expect(house.deliveries()).toMatchObject([{ nextAttemptMs: NOON_MS + 5_500 }]);
});

test("Retry-After is honoured for the whole destination, as seconds and as a date", async () => {
  for (const retryAfter of ["120", new Date(NOON_MS + 120_000).toUTCString()]) {
    const sent: OutgoingRequest[] = [];
    await using house = openHouse([webhook("http://crm.example/", { concurrency_max: 1 })], {
      post: {
        send: async (request) => {
          sent.push(request);
          return house.clock.nowMs < NOON_MS + 120_000 ? failing(429, retryAfter) : failing(200);
        },
      },
    });
    house.signal({ signalId: 7, personId: 1 }, { signalId: 8, personId: 2 });
    await house.deliverer.settled();
    expect(sent).toHaveLength(1);
    while (await house.advance());
    expect(house.clock.nowMs).toBe(NOON_MS + 120_000);
    expect(house.deliveries()).toMatchObject([{ state: "delivered" }, { state: "delivered" }]);
  }
});

test("at most so many are under way at once", async () => {
  let underWay = 0;
  let most = 0;
  await using house = openHouse([webhook("http://crm.example/", { concurrency_max: 3 })], {
    post: {
      send: async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setTimeout(resolve, 1));
        underWay -= 1;
        return failing(200);
      },
    },
  });
  house.signal(...Array.from({ length: 40 }, (_, index) => ({ signalId: index + 1, personId: index })));
  await house.deliverer.settled();
  expect(most).toBe(3);
  expect(house.deliveries().every(({ state }) => state === "delivered")).toBe(true);
});

test("while a destination fails it is asked one at a time, and at full width again once it answers", async () => {
  const widths: { isDown: boolean; underWay: number }[] = [];
  let underWay = 0;
  let sent = 0;
  await using house = openHouse([webhook("http://crm.example/", { concurrency_max: 4 })], {
    post: {
      send: async () => {
        underWay += 1;
        sent += 1;
        const isDown = sent <= 12;
        widths.push({ isDown: sent > 4 && isDown, underWay });
        await new Promise((resolve) => setTimeout(resolve, 1));
        underWay -= 1;
        return failing(isDown ? 500 : 200);
      },
    },
  });
  house.signal(...Array.from({ length: 30 }, (_, index) => ({ signalId: index + 1, personId: index })));
  while (await house.advance());
  expect(house.deliveries().every(({ state }) => state === "delivered")).toBe(true);
  expect(Math.max(...widths.filter(({ isDown }) => isDown).map((width) => width.underWay))).toBe(1);
  expect(Math.max(...widths.slice(12).map((width) => width.underWay))).toBe(4);
});

test("a later signal of a person waits for the earlier one, and others do not", async () => {
  const sent: string[] = [];
  let isDown = true;
  await using house = openHouse([webhook("http://crm.example/")], {
    post: {
      send: async ({ headers }) => {
        sent.push(headers["webhook-id"] ?? "");
        return failing(isDown ? 500 : 200);
      },
    },
  });
  house.signal({ signalId: 1, personId: 1 }, { signalId: 2, personId: 1 }, { signalId: 3, personId: 2 });
  await house.deliverer.settled();
  expect(sent.toSorted()).toEqual(["dlv_1", "dlv_3"]);
  isDown = false;
  while (await house.advance());
  expect(sent.filter((id) => id !== "dlv_3")).toEqual(["dlv_1", "dlv_1", "dlv_2"]);
});

test("what waited for its turn is sent also when newer ones were read while the turn came", async () => {
  const sent: string[] = [];
  await using house = openHouse([webhook("http://crm.example/")], {
    post: {
      send: async ({ headers }) => {
        sent.push(headers["webhook-id"] ?? "");
        return failing(200);
      },
    },
  });
  house.signal({ signalId: 1, personId: 1 }, { signalId: 2, personId: 1 });
  await eventually(() => sent.length === 1, "the first, whose mark is not stored yet");
  house.clock.nowMs += 1_000;
  house.signal({ signalId: 3, personId: 2 });
  await house.deliverer.settled();
  expect(sent.toSorted()).toEqual(["dlv_1", "dlv_2", "dlv_3"]);
});

test("what waits in thousands is made due in turns of five hundred, between which others have theirs", async () => {
  await using house = openHouse([webhook("http://crm.example/")], { post: { send: async () => failing(200) } });
  const many = 1_200;
  await house.deliverer.pause("crm");
  house.signal(...Array.from({ length: many }, (_, index) => ({ signalId: index + 1, personId: index })));
  const tried = { destination: "crm", state: "pending" as const, attempts: 1, status: 500, answer: "" };
  const later = { nextAttemptMs: NOON_MS + HOUR_MS, attemptedMs: NOON_MS };
  house.store.mark(house.deliveries().map(({ deliveryId }) => ({ deliveryId, ...tried, ...later })));
  const resumed = house.deliverer.resume("crm");
  expect(house.store.due("crm", NOON_MS, many)).toHaveLength(500);
  await resumed;
  while (await house.advance());
  expect(house.clock.nowMs).toBe(NOON_MS);
  expect(house.deliveries().every(({ state }) => state === "delivered")).toBe(true);
});

test("a paused destination gets nothing until it is resumed", async () => {
  const sent: OutgoingRequest[] = [];
  await using house = openHouse([webhook("http://crm.example/")], {
    post: {
      send: async (request) => {
        sent.push(request);
        return failing(200);
      },
    },
  });
  await house.deliverer.pause("crm");
  house.signal({ signalId: 1, personId: 1 });
  await house.deliverer.settled();
  expect(sent).toHaveLength(0);
  await house.deliverer.resume("crm");
  await house.deliverer.settled();
  expect(sent).toHaveLength(1);
});

test("what waits for a destination that is no longer configured is kept, said, and sent when it is back", async () => {
  await using house = openHouse([webhook("http://crm.example/")], { post: { send: async () => failing(200) } });
  const configured = house.configs;
  await house.deliverer.pause("crm");
  house.signal({ signalId: 1, personId: 1 });
  await house.deliverer.settled();
  house.configs = [];
  await house.deliverer.resume("crm");
  await house.deliverer.settled();
  expect(house.logged).toContain("destination_not_configured");
  expect(house.deliveries()).toMatchObject([{ state: "pending" }]);
  house.configs = configured;
  house.deliverer.wake();
  await house.deliverer.settled();
  expect(house.deliveries()).toMatchObject([{ state: "delivered" }]);
});

test("a replay sends the same body under the same id", async () => {
  await using receiver = await startReceiver();
  await using house = openHouse([webhook(receiver.url)]);
  house.signal({ signalId: 1, personId: 1 }, { signalId: 2, personId: 2 });
  await house.deliverer.settled();
  const [first] = house.deliveries();
  if (first === undefined) throw new Error("nothing was delivered");
  expect(house.store.replay(first, house.clock.nowMs)).toBe(true);
  house.deliverer.wake();
  await house.deliverer.settled();
  expect(await house.store.replaySince("crm", NOON_MS, house.clock.nowMs)).toBe(2);
  house.deliverer.wake();
  await house.deliverer.settled();
  const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
  expect(ids.toSorted()).toEqual(["dlv_1", "dlv_1", "dlv_1", "dlv_2", "dlv_2"]);
  expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(2);
});

test("killed between commit and delivery, the next start sends it", async () => {
  await using receiver = await startReceiver();
  await using house = openHouse([webhook(receiver.url)], {
    post: { send: () => new Promise<Answer>(() => undefined) },
  });
  house.signal({ signalId: 1, personId: 1 });
  await new Promise((resolve) => setImmediate(resolve));
  const { send } = await import("../../src/destinations/send.ts");
  house.restart({ post: { send } });
  await house.deliverer.settled();
  expect(receiver.received).toHaveLength(1);
  expect(house.deliveries()).toMatchObject([{ state: "delivered", attempts: 1 }]);
});

test("stopping lets what is under way finish, and waits for a hanging one no longer than two seconds", async () => {
  await using quick = await startReceiver((_, response) => void setTimeout(() => response.end("ok"), 50));
  await using hanging = await startReceiver(() => undefined);
  await using house = openHouse([webhook(quick.url), webhook(hanging.url, { name: "slow" })]);
  house.signal({ signalId: 1, personId: 1 });
  while (quick.received.length + hanging.received.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  const startMs = performance.now();
  await house.deliverer.stop();
  expect(performance.now() - startMs).toBeLessThan(10_000);
  expect(house.deliveries()).toMatchObject([{ state: "delivered" }, { state: "pending", attempts: 0 }]);
});

test("stopping ends as soon as what was under way has its answer", async () => {
  const { promise: answer, resolve } = Promise.withResolvers<Answer>();
  await using house = openHouse([webhook("http://crm.example/")], { post: { send: () => answer } });
  house.signal({ signalId: 1, personId: 1 });
  const settled = house.deliverer.settled();
  await new Promise((proceed) => setImmediate(proceed));
  const stopped = house.deliverer.stop();
  resolve(failing(200));
  // Nobody would say so any more once the wait of two seconds was over.
  await settled;
  await stopped;
  expect(house.deliveries()).toMatchObject([{ state: "delivered" }]);
});

/** As if a destination of this type failed while it is made. */
const unmakable = (name: string) => ({ ...webhook("http://crm.example/", { name }), type: "unmakable" }) as never;

test("a destination that cannot be made is a failed attempt, not a fault that ends the process", async () => {
  const post = { send: async () => failing(200), environment: {}, print: () => undefined };
  const parcel = { deliveryId: "dlv_1", body: "{}", nowMs: NOON_MS };
  const attempted = await attempt(unmakable("crm"), parcel, post, new AbortController().signal);
  expect(attempted).toMatchObject({ verdict: { outcome: "retry" }, status: null });
});

test("a destination that cannot be made keeps no other from its deliveries", async () => {
  await using house = openHouse([webhook("http://crm.example/")], { post: { send: async () => failing(200) } });
  house.signal({ signalId: 1, personId: 1 });
  house.configs = [unmakable("slow"), ...house.configs];
  await house.deliverer.settled();
  expect(house.logged).toContain("delivery_not_read");
  expect(house.deliveries()).toMatchObject([{ state: "delivered" }]);
});

test("an attempt that cannot be noted is reported, gives its place back, and is not sent again", async () => {
  await using house = openHouse([webhook("http://crm.example/")]);
  const faults: unknown[] = [];
  let sent = 0;
  const { promise: changed, resolve: onChange } = Promise.withResolvers<void>();
  const lane = createLane("crm", {
    store: { ...house.store, due: () => [1], toSend: () => ({ deliveryId: 1, body: "{}", attempts: 0 }) },
    now: () => NOON_MS,
    random: () => 0,
    attempt: async () => {
      sent += 1;
      return [{ verdict: { outcome: "delivered" }, status: 200, answer: "" }];
    },
    record: () => {
      throw new Error("no room");
    },
    onChange,
    onFault: (error) => faults.push(error),
  });
  lane.pump(webhook("http://crm.example/"));
  expect(lane.underWay()).toBe(1);
  await changed;
  lane.pump(webhook("http://crm.example/"));
  expect(faults).toEqual([new Error("no room")]);
  expect(lane.underWay()).toBe(0);
  expect(sent).toBe(1);
});

for (const [places, looks] of [
  [1, 1],
  [2, 0],
] as const) {
  test(`with one delivery and places for ${places} its answer is a reason for ${looks} more looks into the store`, async () => {
    await using house = openHouse([]);
    const waiting = [1];
    let asked = 0;
    const { promise: noted, resolve: record } = Promise.withResolvers<unknown>();
    const lane = createLane("crm", {
      store: {
        ...house.store,
        due: () => waiting.splice(0),
        toSend: (deliveryId) => ({ deliveryId, body: "{}", attempts: 0 }),
      },
      now: () => NOON_MS,
      random: () => 0,
      attempt: async () => [{ verdict: { outcome: "delivered" }, status: 200, answer: "" }],
      record,
      onChange: () => {
        asked += 1;
      },
      onFault: () => undefined,
    });
    lane.pump(webhook("http://crm.example/", { concurrency_max: places }));
    await noted;
    await new Promise((proceed) => setImmediate(proceed));
    expect(asked).toBe(looks);
  });
}

test("an answer is kept without what we sent", async () => {
  await using receiver = await startReceiver(({ body, headers }, response) => {
    response.writeHead(422).end(`unprocessable: ${body} ${headers["webhook-signature"]} ada@acme.com`);
  });
  await using house = openHouse([webhook(receiver.url)]);
  house.signal({ signalId: 1, personId: 1 });
  await house.deliverer.settled();
  const answer = house.deliveries()[0]?.lastAnswer ?? "";
  expect(answer).toStartWith("unprocessable: …");
  for (const secret of ["Lovelace", "ada@", "acme", "v1,"]) expect(answer).not.toContain(secret);
});

test("a secret that is missing keeps the delivery waiting and says which", async () => {
  await using house = openHouse([webhook("http://crm.example/", { secret: "env:NOT_THERE" })]);
  house.signal({ signalId: 1, personId: 1 });
  await house.deliverer.settled();
  expect(house.deliveries()).toMatchObject([{ state: "pending", lastAnswer: "the secret env:NOT_THERE is not set" }]);
});

test("a clock that is put back by a day keeps nothing waiting for a day: neither while it runs nor after a restart", async () => {
  await using receiver = await startReceiver();
  await using house = openHouse([webhook(receiver.url)], { lookAgainMs: 5, uptimeMs: () => 0 });
  house.clock.nowMs += DAY_MS;
  house.signal({ signalId: 1, personId: 1 }, { signalId: 2, personId: 1 });
  house.clock.nowMs -= DAY_MS;
  house.restart();
  await eventually(() => house.deliveries().every(({ state }) => state === "delivered"), "what waited for tomorrow");

  receiver.behave(answering(500));
  house.clock.nowMs += DAY_MS;
  house.signal({ signalId: 3, personId: 2 });
  await eventually(() => house.deliveries().at(-1)?.attempts === 1, "the first attempt");
  receiver.behave(answering(200));
  house.clock.nowMs -= DAY_MS;
  await eventually(() => house.deliveries().at(-1)?.state === "delivered", "the second attempt");
});
