import { expect, test } from "bun:test";
import { startInstance, withSecret } from "../../support/instance.ts";
import { send } from "./house.ts";

type Exported = {
  people: { person_id: string; merged_into: string | null }[];
  identities: { kind: string; value: string }[];
  explanation: { score: number };
  merges: { undone_at: string | null; survivor: object | null; absorbed: object | null }[];
  campaigns: { email: string; lists: { campaign: string }[]; clicks: object[] }[];
  signals: { threshold: { name: string }; deliveries: { body: string }[] }[];
  sessions: { session_id: string }[];
  events: { event_id: string; anonymous_id?: string; metadata: object }[];
  rejected_events: { body: string }[];
  reviews: object[];
  clicks_elsewhere: object[];
  named_in_lists: object[];
  account_signals: object[];
};

const EMAIL = "ada@acme.com";
const view = (visitor: string, id: string) => ({
  event: "page_view",
  event_id: id,
  anonymous_id: visitor,
  session_id: `s-${visitor}`,
  url: "/pricing",
  metadata: { of: visitor },
});

test("an export holds everything about a person, those who were merged into them included, and nothing of others", async () => {
  await using instance = startInstance({
    intent: {
      destinations: [
        {
          type: "webhook",
          name: "crm",
          url: "https://crm.acme.example/",
          secret: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
        },
      ],
    },
  });
  await send(instance, "POST", "/destinations/crm/pause");
  const list = {
    name: "spring",
    base_url: "https://acme.example",
    landing: "/demo",
    leads: [{ email: EMAIL }, { email: "b@acme.com" }],
  };
  await instance.postSecret("/campaigns", list);
  for (const visitor of ["one", "two", "other"]) await instance.post("/track", view(visitor, `${visitor}-1`));
  await instance.postSecret("/identify", { anonymous_id: "one", identity: { email: EMAIL, name: "Ada" } });
  await instance.postSecret("/identify", { anonymous_id: "two", identity: { email: EMAIL } });
  await instance.post("/track", { event: "", anonymous_id: "one" });
  await instance.post("/track", { event: "", anonymous_id: "other" });
  const { status, body, headers } = await send<Exported>(instance, "GET", `/people/${EMAIL}/export`);
  expect(status).toBe(200);
  expect(headers.get("content-type")).toStartWith("application/json");
  expect(body.people.map(({ merged_into }) => merged_into === null)).toEqual([true, false]);
  expect(body.identities.map(({ value }) => value).sort()).toEqual([EMAIL, "one", "two"]);
  expect(body.explanation.score).toBeGreaterThan(0);
  expect(body.merges).toMatchObject([{ undone_at: null, survivor: { traits: {} }, absorbed: { traits: {} } }]);
  expect(body.campaigns).toMatchObject([{ email: EMAIL, lists: [{ campaign: "spring" }], clicks: [] }]);
  expect(body.signals.map(({ threshold }) => threshold.name)).toContain("warm");
  expect(body.signals[0]?.deliveries[0]?.body).toContain(EMAIL);
  expect(body.sessions.map(({ session_id }) => session_id)).toEqual(expect.arrayContaining(["s-one", "s-two"]));
  expect(
    body.events
      .filter(({ metadata }) => "of" in metadata)
      .map(({ event_id }) => event_id)
      .sort(),
  ).toEqual(["one-1", "two-1"]);
  expect(body.rejected_events).toHaveLength(1);
  expect(JSON.stringify(body)).not.toContain("other");
});

test("it holds as well what rows of others say of them, and nothing more of those rows", async () => {
  await using instance = startInstance({
    intent: {
      groups: { any: { max: 100 } },
      rules: [{ name: "asked", group: "any", event: "asked", points: 60 }],
      thresholds: { hot: 60 },
      accounts: { thresholds: { hot: 60 } },
    },
  });
  const identify = (visitor: string | null, identity: object) =>
    instance.postSecret<{ person_id: string }>("/identify", { anonymous_id: visitor, identity });
  // One address too many waits for somebody to look at it.
  for (const email of [EMAIL, "a2@acme.com", "a3@acme.com", "a4@acme.com", "a5@acme.com", "sixth@acme.com"])
    await identify("browser", { user_id: "u-1", email });
  await instance.postSecret("/campaigns", {
    name: "spring",
    base_url: "https://acme.example",
    landing: "/demo",
    leads: [{ email: "fred@else.example", personal_email: `Ada <${EMAIL}>`, note: "fred's" }],
  });
  const [lead] = instance.rows<{ link: string }>("select link_id as link from lead");
  await instance.post("/track", {
    event: "campaign_click",
    anonymous_id: "browser",
    url: `https://acme.example/demo?i=${lead?.link}`,
    metadata: { link: lead?.link, evidence: "moved" },
  });
  await identify("colleague", { email: "grace@acme.com" });
  await instance.post("/track", { event: "asked", anonymous_id: "colleague" });
  const { body, text } = await send<Exported>(instance, "GET", "/people/u-1/export");
  const personId = body.people[0]?.person_id;
  expect(body.reviews).toMatchObject([
    { reason: "too_many_identifiers", decision: null, claims: [{ kind: "email", value: "sixth@acme.com" }] },
  ]);
  expect(body.clicks_elsewhere).toEqual([
    {
      clicked_at: "2026-06-01T12:00:00.000Z",
      campaign: "spring",
      via: "direct",
      verdict: "human",
      reason: "other_person",
      times: 1,
    },
  ]);
  expect(body.named_in_lists).toMatchObject([{ campaign: "spring", columns: { personal_email: `Ada <${EMAIL}>` } }]);
  expect(body.account_signals).toMatchObject([
    {
      threshold: { name: "account.hot" },
      account: { domain: "acme.com", people: [{ person_id: personId, score: 0 }] },
    },
  ]);
  for (const other of ["fred", "grace", "colleague"]) expect(text).not.toContain(other);
});

test("an address that nothing but others' rows hold is exported by it; one that is nowhere is not", async () => {
  await using instance = startInstance();
  const leads = [{ email: "fred@else.example", personal_email: EMAIL }];
  await instance.postSecret("/campaigns", { name: "spring", base_url: "https://acme.example", leads });
  await instance.post("/track", { event: "", anonymous_id: "other", metadata: { email: EMAIL } });
  const { status, body } = await send<Exported>(instance, "GET", `/people/${EMAIL}/export`);
  expect(status).toBe(200);
  expect(body).toMatchObject({ people: [], named_in_lists: [{ campaign: "spring" }], rejected_events: [{}] });
  expect((await send(instance, "GET", "/people/nobody@else.example/export")).status).toBe(404);
});

test("the other side of an undone merge is somebody else", async () => {
  await using instance = startInstance();
  await instance.postSecret("/identify", { identity: { user_id: "u-1", name: "Ada" } });
  await instance.postSecret("/identify", { identity: { email: "grace@navy.mil", name: "Grace" } });
  await instance.postSecret("/identify", { identity: { user_id: "u-1", email: "grace@navy.mil" } });
  const { merges } = (await instance.getSecret<{ merges: { merge_id: string }[] }>("/merges")).body;
  await instance.postSecret(`/merges/${merges[0]?.merge_id}/undo`, {});
  const { body, text } = await send<Exported>(instance, "GET", "/people/u-1/export");
  expect(body.merges).toMatchObject([{ survivor: { traits: {} }, absorbed: null }]);
  expect(text).not.toContain("Grace");
});

test("events that come meanwhile are taken at once, and are not in it: it is how things stood", async () => {
  await using instance = startInstance();
  const events = Array.from({ length: 500 }, (_, index) => ({
    ...view("one", `e${index}`),
    metadata: { text: "x".repeat(800) },
  }));
  for (let batch = 0; batch < 4; batch += 1) {
    await instance.post(
      "/track",
      events.map((event) => ({ ...event, event_id: `${batch}-${event.event_id}` })),
    );
  }
  const response = await instance.app.handle(
    new Request("http://localhost/people/one/export", { headers: withSecret }),
  );
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = decoder.decode((await reader?.read())?.value);
  let largest = text.length;
  // Of the day before, so that the walk back through time would come by it.
  const late = { ...view("one", "late"), timestamp: instance.clock.nowMs - 86_400_000 };
  expect((await instance.post("/track", late)).status).toBe(200);
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
    largest = Math.max(largest, part.value.byteLength);
    text += decoder.decode(part.value);
  }
  const { events: exported } = JSON.parse(text) as Exported;
  expect(exported).toHaveLength(2_000);
  expect(text).not.toContain('"late"');
  expect(largest).toBeLessThan(text.length / 5);
});

test("only so many at a time; one that nobody takes any more makes room", async () => {
  await using instance = startInstance();
  await instance.post(
    "/track",
    Array.from({ length: 500 }, (_, index) => ({ ...view("one", `e${index}`), metadata: { text: "x".repeat(800) } })),
  );
  const ask = () => instance.app.handle(new Request("http://localhost/people/one/export", { headers: withSecret }));
  const open = await Promise.all(Array.from({ length: 4 }, ask));
  expect((await ask()).status).toBe(429);
  await open[0]?.body?.cancel();
  expect((await ask()).status).toBe(200);
});

test.each([
  ["/people/one/export", 200],
  ["/people/nobody/export", 404],
  ["/campaigns/spring/export.csv", 200],
  ["/campaigns/none/export.csv", 404],
])("HEAD %s says %d, reads nothing out, and is noted once as read", async (path, status) => {
  await using instance = startInstance({ intent: { public_url: "https://intent.acme.example" } });
  await instance.post("/track", view("one", "one-1"));
  const list = { name: "spring", base_url: "https://acme.example", leads: [{ email: EMAIL }] };
  await instance.postSecret("/campaigns", list);
  const before = instance.rows("select 1 from audit").length;
  for (let asked = 0; asked < 5; asked += 1) {
    const request = new Request(`http://localhost${path}`, { method: "HEAD", headers: withSecret });
    const answer = await instance.app.handle(request);
    expect([answer.status, await answer.text()]).toEqual([status, ""]);
  }
  const unkeyed = await instance.app.handle(new Request(`http://localhost${path}`, { method: "HEAD" }));
  expect(unkeyed.status).toBe(401);
  expect((await send(instance, "GET", "/audit")).status).toBe(200);
  const notes = instance.rows<{ action: string }>("select action from audit order by audit_id").slice(before);
  expect(notes.map(({ action }) => action)).toEqual(status === 200 ? Array(5).fill("read") : []);
  expect(instance.logged.filter((line) => line.includes("export_fault"))).toEqual([]);
  // All of them would be under way at once.
  expect((await send(instance, "GET", "/people/one/export")).status).toBe(200);
});
