import { describe, expect, test } from "bun:test";
import { keepCounts } from "../../../src/features/metrics/measure.ts";
import { createMetrics } from "../../../src/http/metrics.ts";
import { startInstance, type TestInstance } from "../../support/instance.ts";

const intent = {
  groups: { steps: { max: 100 } },
  rules: [{ name: "step", group: "steps", event: "step", points: 30 }],
  thresholds: { warm: 20 },
  destinations: [{ type: "http", name: "chat", url: "https://receiver.example/", body: "{{who}}" }],
};

/** Every sample by its name and labels, as Prometheus would read it. */
async function scrape(instance: TestInstance): Promise<Map<string, number>> {
  const { status, text, headers } = await instance.getSecret("/metrics");
  expect([status, headers.get("content-type")]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

describe("GET /metrics", () => {
  test("counts requests by route and status, events by outcome, crossings, and what there is", async () => {
    await using instance = startInstance({ intent });
    await instance.postSecret("/destinations/chat/pause", {});
    const step = { event: "step", event_id: "e1", anonymous_id: "laptop" };
    await instance.post("/track", step);
    await instance.post("/track", [step, { event: "step" }]);
    await instance.post("/track", { event: "step" });
    await instance.post("/track", step, { "sec-gpc": "1" });
    await instance.post("/identify", { anonymous_id: "laptop", identity: { email: "ada@acme.example" } });
    await instance.post("/track", "{");
    await instance.get("/wp-login.php");
    await instance.getSecret("/people/nobody");
    const samples = await scrape(instance);
    const table: [sample: string, value: number][] = [
      ['do_intent_requests_total{method="POST",route="/track",status="200"}', 3],
      ['do_intent_requests_total{method="POST",route="/track",status="422"}', 1],
      ['do_intent_requests_total{method="POST",route="/track",status="400"}', 1],
      ['do_intent_requests_total{method="POST",route="/identify",status="200"}', 1],
      ['do_intent_requests_total{method="GET",route="none",status="404"}', 1],
      ['do_intent_requests_total{method="GET",route="/people/:id",status="404"}', 1],
      ['do_intent_events_total{outcome="accepted"}', 1],
      ['do_intent_events_total{outcome="duplicate"}', 1],
      ['do_intent_events_total{outcome="rejected"}', 2],
      ['do_intent_events_total{outcome="not_processed"}', 1],
      ['do_intent_events_total{outcome="identified"}', 1],
      ['do_intent_signals_total{threshold="warm"}', 1],
      ["do_intent_transaction_commands_sum", 3],
      ["do_intent_people", 1],
      ["do_intent_known_people", 1],
      ['do_intent_deliveries{destination="chat",state="pending"}', 1],
      ['do_intent_deliveries{destination="chat",state="delivered"}', 0],
      ["do_intent_backlog_commands", 0],
      ["do_intent_storing", 1],
    ];
    for (const [sample, value] of table) expect([sample, samples.get(sample)]).toEqual([sample, value]);
    expect(samples.get("do_intent_database_bytes")).toBeGreaterThan(0);
    expect(samples.get("do_intent_transaction_seconds_count")).toBeGreaterThan(0);
  });

  test("counts a wrong method as what it was answered, by the route that it missed", async () => {
    await using instance = startInstance();
    const statuses: number[] = [];
    for (const [method, path] of [
      ["PUT", "/track"],
      ["PUT", "/people/nobody"],
      ["PUT", "/nothing"],
    ] as const) {
      const response = await instance.app.handle(new Request(`http://localhost${path}`, { method }));
      statuses.push(response.status);
    }
    expect(statuses).toEqual([405, 405, 404]);
    const counted = [...(await scrape(instance))].filter(([sample]) => sample.includes('method="PUT"'));
    expect(counted.sort()).toEqual([
      ['do_intent_requests_total{method="PUT",route="/people/:id",status="405"}', 1],
      ['do_intent_requests_total{method="PUT",route="/track",status="405"}', 1],
      ['do_intent_requests_total{method="PUT",route="none",status="404"}', 1],
    ]);
  });

  test("tells how long transactions took in buckets, each with those below it", async () => {
    await using instance = startInstance({ intent });
    for (const size of [1, 2, 7, 60]) {
      await instance.postSecret(
        "/track",
        Array.from({ length: size }, () => ({ event: "step", anonymous_id: "laptop" })),
      );
    }
    const samples = await scrape(instance);
    const bucket = (bound: string) => samples.get(`do_intent_transaction_commands_bucket{le="${bound}"}`);
    expect(["1", "2", "5", "10", "50", "100", "1000", "+Inf"].map(bucket)).toEqual([1, 2, 2, 3, 3, 4, 4, 4]);
    expect(samples.get("do_intent_transaction_commands_sum")).toBe(70);
    expect(samples.get("do_intent_transaction_seconds_count")).toBe(4);
  });

  test("writes a name as it has to stand in a label", () => {
    const metrics = createMetrics();
    metrics.countSignal('a"b\\c\nd');
    expect(metrics.render([])).toContain('do_intent_signals_total{threshold="a\\"b\\\\c\\nd"} 1');
  });

  test("keeps what it counted through everybody for some seconds", async () => {
    await using instance = startInstance({ intent });
    expect((await scrape(instance)).get("do_intent_people")).toBe(0);
    await instance.post("/track", { event: "step", anonymous_id: "laptop" });
    instance.clock.nowMs += 14_999;
    expect((await scrape(instance)).get("do_intent_people")).toBe(0);
    instance.clock.nowMs += 1;
    expect((await scrape(instance)).get("do_intent_people")).toBe(1);
  });

  test("is for a key that may read", async () => {
    await using instance = startInstance();
    expect((await instance.get("/metrics")).status).toBe(401);
  });
});

test("GET /ready is 200 until the server is told to stop", async () => {
  await using instance = startInstance();
  expect(await instance.get<unknown>("/ready")).toMatchObject({ status: 200, body: { status: "ready" } });
  instance.retire();
  const { status, headers, body } = await instance.get("/ready");
  expect([status, headers.get("retry-after"), body.error.code]).toEqual([503, "1", "unavailable"]);
});

describe("an answer", () => {
  test("says how long it took to whoever asks, and to nobody else", async () => {
    await using instance = startInstance();
    const event = { event: "page_view", anonymous_id: "laptop" };
    for (const body of [event, {}]) {
      const timed = await instance.post("/track", body, { "x-server-timing": "1" });
      expect(timed.headers.get("server-timing")).toMatch(/^total;dur=\d+\.\d+$/);
      expect((await instance.post("/track", body)).headers.get("server-timing")).toBeNull();
    }
  });
});

describe("what is counted for a scrape", () => {
  const counts = (people: number) => ({ people, knownPeople: 0, deliveries: [] });
  const NEVER = new Promise<never>(() => undefined);

  test("is counted once for all that ask meanwhile, and kept for a while", async () => {
    let counted = 0;
    let nowMs = 0;
    const keep = keepCounts(
      async () => counts(++counted),
      () => nowMs,
    );
    expect(await Promise.all([keep(), keep()])).toEqual([counts(1), counts(1)]);
    nowMs = 14_999;
    expect(await keep()).toEqual(counts(1));
    nowMs = 15_000;
    expect(await keep()).toEqual(counts(2));
  });

  test("is what it was when counting fails or takes too long, and nothing where there was nothing", async () => {
    const answers: (() => Promise<ReturnType<typeof counts>>)[] = [
      () => Promise.reject(new Error("disk I/O error")),
      async () => counts(1),
      () => Promise.reject(new Error("disk I/O error")),
      () => NEVER,
    ];
    let nowMs = 0;
    const keep = keepCounts(
      () => answers.shift()?.() ?? NEVER,
      () => (nowMs += 15_000),
      5,
    );
    expect(await keep()).toBeNull();
    for (let scrape = 0; scrape < 4; scrape += 1) expect(await keep()).toEqual(counts(1));
    expect(answers).toEqual([]);
  });
});
