import { expect, test } from "bun:test";
import { answering, startReceiver } from "../../destinations/receiver.ts";
import { SECRET } from "../../destinations/sample.ts";
import { startInstance, type TestInstance } from "../../support/instance.ts";

type Answer = { [field: string]: unknown };

const intentOf = (url: string) => ({
  public_url: "https://intent.acme.com/",
  destinations: [{ type: "webhook", name: "crm", url, secret: SECRET, allow_private: true }],
  groups: { any: { max: 100 } },
  rules: [{ name: "asked", group: "any", event: "asked", points: 60 }],
  thresholds: { hot: 60 },
});

const cross = (instance: TestInstance, visitor: string) =>
  instance.post("/track", { event: "asked", event_id: `${visitor}-asked`, anonymous_id: visitor });

/** Everything is quick but for the commit of results, which gather for a moment. */
async function until(isTrue: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const deliveriesOf = async (instance: TestInstance, query = ""): Promise<Answer[]> =>
  (await instance.getSecret<{ deliveries: Answer[] }>(`/deliveries${query}`)).body.deliveries;

const inState = (instance: TestInstance, state: string) => async (): Promise<boolean> =>
  (await deliveriesOf(instance, `?state=${state}`)).length > 0;

test("a crossing reaches the webhook, and /signals, /people and /deliveries tell where it went and what answered", async () => {
  await using receiver = await startReceiver(answering(200, "thanks"));
  await using instance = startInstance({ intent: intentOf(receiver.url) });
  await cross(instance, "visitor-1");
  await until(inState(instance, "delivered"));
  const expected = { destination: "crm", state: "delivered", attempts: 1, status: 200, answer: "thanks" };
  expect(await deliveriesOf(instance)).toMatchObject([expected]);
  const { body: listed } = await instance.getSecret<{ signals: { deliveries: Answer[] }[] }>("/signals");
  expect(listed.signals[0]?.deliveries).toMatchObject([expected]);
  const { body: person } = await instance.getSecret<{ signals: { deliveries: Answer[] }[] }>("/people/visitor-1");
  expect(person.signals[0]?.deliveries).toMatchObject([expected]);
});

test("what died is listed, replayed by id and by time, under the id it had", async () => {
  await using receiver = await startReceiver(answering(200));
  await using instance = startInstance({ intent: intentOf(receiver.url) });
  await cross(instance, "visitor-1");
  await until(inState(instance, "delivered"));
  const [delivery] = await deliveriesOf(instance);
  const id = String(delivery?.delivery_id);
  const { status, body } = await instance.postSecret<Answer>(`/deliveries/${id}/replay`, "");
  expect(status).toBe(200);
  expect(body).toMatchObject({ delivery_id: id, state: "pending", attempts: 0 });
  await until(() => receiver.received.length === 2);
  await until(inState(instance, "delivered"));
  const { body: replayed } = await instance.postSecret<Answer>("/destinations/crm/replay?since=2026-01-01", "");
  expect(replayed).toEqual({ replayed: 1 });
  await until(() => receiver.received.length === 3);
  expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"]))).toEqual(new Set([id]));
});

test("a test signal goes out at once, signed and marked, and its answer comes back", async () => {
  await using receiver = await startReceiver(answering(503, "busy"));
  await using instance = startInstance({ intent: intentOf(receiver.url) });
  const { body } = await instance.postSecret<Answer>("/destinations/crm/test", "");
  expect(body).toEqual({ delivered: false, outcome: "retry", status: 503, answer: "busy" });
  const [request] = receiver.received;
  expect(JSON.parse(request?.body ?? "").data.test).toBe(true);
  expect(request?.headers["webhook-id"]).toStartWith("dlv_test_");
  expect(request?.headers["webhook-signature"]).toStartWith("v1,");
  expect(request?.headers["x-do-intent-test"]).toBe("1");
  expect(await deliveriesOf(instance)).toEqual([]);
});

test("a test by a template is marked in its head, and what is no test is not", async () => {
  await using receiver = await startReceiver();
  const crm = { type: "http", name: "crm", url: receiver.url, allow_private: true, body: { to: "{{person.email}}" } };
  await using instance = startInstance({ intent: { destinations: [crm] } });
  await instance.postSecret("/destinations/crm/test", "");
  const events = ["/pricing", "/demo", "/pricing", "/demo"].map((url) => ({ event: "page_view", user_id: "u", url }));
  await instance.postSecret("/track", events);
  await until(() => receiver.received.length > 1);
  expect(receiver.received.map(({ headers }) => headers["x-do-intent-test"] ?? null).slice(0, 2)).toEqual(["1", null]);
});

test("a paused destination waits, says so, and gets what waited when it is resumed", async () => {
  await using receiver = await startReceiver();
  await using instance = startInstance({ intent: intentOf(receiver.url) });
  expect((await instance.postSecret("/destinations/crm/pause", "")).status).toBe(200);
  await cross(instance, "visitor-1");
  const listed = async () => (await instance.getSecret<{ destinations: Answer[] }>("/destinations")).body.destinations;
  expect(await listed()).toMatchObject([{ name: "crm", type: "webhook", pause_reason: "manual", pending: 1, dead: 0 }]);
  expect(receiver.received).toEqual([]);
  expect((await instance.postSecret("/destinations/crm/resume", "")).status).toBe(200);
  await until(inState(instance, "delivered"));
  expect(await listed()).toMatchObject([{ name: "crm", pause_reason: null, pending: 0 }]);
});

test("what waits for a destination that left the config shows up until it is back", async () => {
  await using receiver = await startReceiver();
  const intent = intentOf(receiver.url);
  await using instance = startInstance({ intent });
  await instance.postSecret("/destinations/crm/pause", "");
  await cross(instance, "visitor-1");
  instance.configureIntent({ ...intent, destinations: [] });
  const { body } = await instance.getSecret<{ destinations: Answer[] }>("/destinations");
  expect(body.destinations).toMatchObject([{ name: "crm", type: null, pending: 1 }]);
  await instance.postSecret("/destinations/crm/resume", "");
  instance.configureIntent(intent);
  await until(inState(instance, "delivered"));
});

const refused: [string, string, string, number][] = [
  ["GET", "/deliveries?state=lost", "a state there is not", 422],
  ["POST", "/deliveries/dlv_zzz/replay", "a delivery there is not", 404],
  ["POST", "/deliveries/nonsense/replay", "an id of no kind", 404],
  ["POST", "/destinations/other/test", "a destination there is not", 404],
  ["POST", "/destinations/other/pause", "a destination there is not", 404],
  ["POST", "/destinations/crm/replay", "a replay without since", 422],
];

for (const [method, path, what, status] of refused) {
  test(`${method} ${path}: ${what} answers ${status}`, async () => {
    await using instance = startInstance({ intent: intentOf("http://127.0.0.1:9/") });
    const answer = method === "GET" ? await instance.getSecret(path) : await instance.postSecret(path, "");
    expect(answer.status).toBe(status);
    expect(answer.body.error.message).not.toBe("");
  });
}

test("none of it is for those without the secret key", async () => {
  await using instance = startInstance({ intent: intentOf("http://127.0.0.1:9/") });
  for (const path of ["/deliveries", "/destinations"]) expect((await instance.get(path)).status).toBe(401);
  for (const path of ["/destinations/crm/test", "/destinations/crm/pause", "/deliveries/dlv_1/replay"]) {
    expect((await instance.post(path, "")).status).toBe(401);
  }
});

test("who pauses, resumes, tests and replays is noted before the answer, so that no kill loses it", async () => {
  await using receiver = await startReceiver(answering(200));
  await using instance = startInstance({ intent: intentOf(receiver.url) });
  await cross(instance, "visitor-1");
  await until(inState(instance, "delivered"));
  const id = String((await deliveriesOf(instance))[0]?.delivery_id);
  for (const path of ["pause", "resume", "test", "replay?since=2026-01-01"])
    expect((await instance.postSecret(`/destinations/crm/${path}`, "")).status).toBe(200);
  await until(inState(instance, "delivered"));
  expect((await instance.postSecret(`/deliveries/${id}/replay`, "")).status).toBe(200);
  expect((await instance.postSecret("/destinations/nobody/pause", "")).status).toBe(404);
  expect((await instance.postSecret("/deliveries/dlv_zz/replay", "")).status).toBe(404);
  const noted = instance.rows<{ action: string; subject: string | null; detail: string }>(
    "select action, subject, detail from audit where key_id like 'key_%' and action <> 'read' order by audit_id",
  );
  const detail = '{"destination":"crm"}';
  const steps = ["pause", "resume", "test", "replay"].map((what) => ({ action: `destination_${what}`, subject: null }));
  const all = [...steps, { action: "delivery_replay", subject: id }];
  expect(noted).toEqual(all.map((entry) => ({ ...entry, detail })));
});
