import { describe, expect, test } from "bun:test";
import type { SignalData } from "../../../src/core/signal.ts";
import { withSecret } from "../../support/instance.ts";
import { type Form, GUIDE, READING_MS, type Refused, startMagnets, type Taken } from "./magnets.ts";

const ADA = { email: "ada@acme.com", name: "Ada Lovelace", team_size: 70, timing: "Now" };
const CONTEXT = {
  anonymous_id: "visitor-1",
  session_id: "session-1",
  url: "https://www.example.com/guide?utm_source=google",
  referrer: "https://www.google.com/",
};
const PERSONAL = /^(?:ada|Ada|Lovelace)/;

type EventRow = { name: string; kind: string; session_id: string; url: string; properties: string };
const EVENTS = `select name, kind, session_id, url, properties from event join identity using (identity_id)
  order by event_seq`;
const leadsOf = (house: { rows<Row>(sql: string): Row[] }) =>
  house
    .rows<{ threshold: string; data: string }>("select threshold, data from signal order by signal_id")
    .filter(({ threshold }) => threshold.startsWith("lead_magnet."))
    .map(({ data }) => JSON.parse(data) as SignalData);

describe("a form that is sent", () => {
  test("is an identify and a form_submit, tells names of fields and never their values, and makes one lead", async () => {
    await using house = startMagnets();
    await house.post("/track", {
      event: "page_view",
      anonymous_id: "visitor-1",
      session_id: "session-1",
      url: "/pricing",
    });
    const { started } = await house.form();
    const { status, body } = await house.send({ ...ADA, ...CONTEXT, started });
    expect(status).toBe(200);
    expect(body).toEqual({
      download_url: expect.stringMatching(/^\/m\/roi-guide\/file\?/),
      booking_url: "https://cal.example/ada",
      message: expect.any(String),
    });
    const events = house.rows<EventRow>(EVENTS);
    expect(events.map(({ name, kind, session_id, url }) => [name, kind, session_id, url]).slice(1)).toEqual([
      ["identify", "anonymous_id", "session-1", CONTEXT.url],
      ["form_submit", "email", "session-1", CONTEXT.url],
    ]);
    const properties = JSON.parse(events[2]?.properties ?? "");
    expect(properties).toEqual({
      form: "roi-guide",
      magnet: "roi-guide",
      fields: ["email", "name", "team_size", "timing"],
    });
    const [lead] = leadsOf(house);
    expect(lead).toMatchObject({
      threshold: { name: "lead_magnet.roi-guide" },
      magnet: { slug: "roi-guide", title: "The ROI guide", level: "hot" },
      person: { email: "ada@acme.com", traits: { name: "Ada Lovelace", team_size: 70, timing: "Now" } },
      account: { domain: "acme.com" },
    });
    expect(lead?.attribution?.last.source).toBe("google");
    expect(house.rows("select distinct person_id from identity")).toHaveLength(1);
    expect(house.logged.join("\n")).not.toMatch(PERSONAL);
  });

  test("may be rules' business by what was answered", async () => {
    const rule = {
      name: "large",
      group: "fit",
      event: "identify",
      when: { traits: { team_size: { gte: 50 } } },
      points: 30,
      once: true,
    };
    await using house = startMagnets([GUIDE], { intent: { groups: { fit: { max: 40 } }, rules: [rule] } });
    const { started } = await house.form();
    await house.send({ ...ADA, started });
    const { body } = await house.getSecret<{ score: number }>("/people/ada@acme.com/explain");
    expect(body.score).toBe(30);
  });

  test("sent twice is one lead, and gives the same both times", async () => {
    await using house = startMagnets();
    const { started } = await house.form();
    const both = await Promise.all([house.send({ ...ADA, started }), house.send({ ...ADA, started })]);
    expect(both.map(({ body }) => body.booking_url)).toEqual([GUIDE.booking.url, GUIDE.booking.url]);
    expect(house.rows<EventRow>(EVENTS).map(({ name }) => name)).toEqual(["identify", "form_submit"]);
    expect(leadsOf(house)).toHaveLength(1);
  });

  test("again another day counts as a visit, and still as one lead", async () => {
    await using house = startMagnets();
    await house.send({ ...ADA, started: (await house.form()).started });
    await house.send({ ...ADA, started: (await house.form()).started });
    expect(house.rows<EventRow>(EVENTS).filter(({ name }) => name === "form_submit")).toHaveLength(2);
    expect(leadsOf(house)).toHaveLength(1);
  });

  test("with another address makes another lead, of the one who is named", async () => {
    await using house = startMagnets();
    const { started } = await house.form();
    await house.send({ ...ADA, ...CONTEXT, started });
    await house.send({ ...ADA, ...CONTEXT, email: "bob@other.com", started });
    expect(leadsOf(house).map(({ person }) => person.email)).toEqual(["ada@acme.com", "bob@other.com"]);
  });

  test("stays one lead when two of them turn out to be one person", async () => {
    await using house = startMagnets();
    await house.send({ ...ADA, email: "ada@acme.com", started: (await house.form()).started });
    await house.send({ ...ADA, email: "ada@home.example", started: (await house.form()).started });
    expect(leadsOf(house)).toHaveLength(2);
    const both = { email: "ada@acme.com", user_id: "7" };
    await house.postSecret("/identify", { anonymous_id: "browser-1", identity: both });
    await house.postSecret("/identify", { identity: { email: "ada@home.example", user_id: "7" } });
    expect(house.rows("select merge_id from merge")).not.toHaveLength(0);
    await house.send({ ...ADA, email: "ada@home.example", started: (await house.form()).started });
    expect(leadsOf(house)).toHaveLength(2);
  });

  test.each([
    { what: "is a lead of the side that never asked, once a merge is undone", hasAsked: false, leads: 2 },
    { what: "is no second lead of the side that had asked during the merge", hasAsked: true, leads: 1 },
  ])("$what", async ({ hasAsked, leads }) => {
    await using house = startMagnets();
    const bob = { email: "bob@acme.com" };
    const send = async (who: object) => house.send({ ...ADA, ...who, started: (await house.form()).started });
    await send(ADA);
    await house.postSecret("/identify", { anonymous_id: "browser-2", identity: bob });
    await house.postSecret("/identify", { identity: { ...bob, user_id: "7" } });
    await house.postSecret("/identify", { identity: { email: ADA.email, user_id: "7" } });
    if (hasAsked) await send(bob);
    expect(leadsOf(house)).toHaveLength(1);
    const { body } = await house.getSecret<{ merges: { merge_id: string }[] }>("/merges");
    expect((await house.postSecret(`/merges/${body.merges[0]?.merge_id}/undo`, {})).status).toBe(200);
    await send(ADA);
    expect(leadsOf(house)).toHaveLength(1);
    expect((await send(bob)).status).toBe(200);
    expect(leadsOf(house)).toHaveLength(leads);
  });

  test("binds no browser that asks not to be known", async () => {
    await using house = startMagnets();
    const { started } = await house.form();
    const { body } = await house.send({ ...ADA, ...CONTEXT, started }, { headers: { "sec-gpc": "1" } });
    expect(body.download_url).not.toBeNull();
    expect(house.rows("select kind from identity")).toEqual([{ kind: "email" }]);
  });

  test("knows the visitor by the cookie", async () => {
    await using house = startMagnets();
    const { started } = await house.form();
    await house.send({ ...ADA, started }, { headers: { cookie: "_di=visitor-1; _di.s=session-1.1.2" } });
    expect(house.rows("select value from identity where kind = 'anonymous_id'")).toEqual([{ value: "visitor-1" }]);
    expect(house.rows<EventRow>(EVENTS).map(({ session_id }) => session_id)).toEqual(["session-1", "session-1"]);
  });

  test("is told to destinations that want to hear of it", async () => {
    const log = (name: string, filter: object) => ({ type: "log", name, filter });
    const destinations = [
      log("all", {}),
      log("requests", { types: ["lead_magnet.requested"] }),
      log("this-one", { thresholds: ["lead_magnet.roi-guide"] }),
      log("people", { types: ["intent.threshold_crossed"] }),
      log("burning", { thresholds: ["burning"] }),
    ];
    await using house = startMagnets([GUIDE], { intent: { destinations, thresholds: { hot: 99 } } });
    await house.send({ ...ADA, started: (await house.form()).started });
    const told = house.rows<{ destination: string }>("select destination from delivery order by destination");
    expect(told.map(({ destination }) => destination)).toEqual(["all", "requests", "this-one"]);
  });
});

test("somebody who was erased gets the file, and becomes nobody's lead", async () => {
  await using house = startMagnets();
  await house.send({ ...ADA, started: (await house.form()).started });
  const erase = new Request("http://localhost/people?email=ada@acme.com", { method: "DELETE", headers: withSecret });
  expect((await house.app.handle(erase)).status).toBe(200);
  const { body } = await house.send({ ...ADA, started: (await house.form()).started });
  expect(body).toMatchObject({ download_url: expect.any(String), booking_url: null });
  expect(house.rows("select identity_id from identity")).toEqual([]);
  expect(leadsOf(house)).toEqual([]);
});

describe("who is shown the booking", () => {
  const cases: { what: string; when?: object; fields?: object; shown: boolean }[] = [
    { what: "everybody, where nothing is asked for", shown: true },
    { what: "a score that is reached by sending", when: { score: 30 }, shown: true },
    { what: "no lower score", when: { score: 31 }, shown: false },
    { what: "a level", when: { level: "warm" }, shown: true },
    { what: "no lower level", when: { level: "hot" }, shown: false },
    { what: "an answer", when: { traits: { team_size: { gte: 50 } } }, shown: true },
    { what: "no other answer", when: { traits: { timing: "This year" } }, shown: false },
    {
      what: "no answer left out",
      when: { traits: { team_size: { gte: 0 } } },
      fields: { team_size: "" },
      shown: false,
    },
    { what: "only both at once", when: { level: "hot", traits: { timing: "Now" } }, shown: false },
  ];
  test.each(cases)("$what", async ({ when, fields, shown }) => {
    const booking = { url: "https://cal.example/ada", ...(when === undefined ? {} : { when }) };
    const intent = { thresholds: { warm: 20, hot: 60 } };
    await using house = startMagnets([{ ...GUIDE, booking }], { intent });
    const { body } = await house.send({ ...ADA, ...fields, started: (await house.form()).started });
    expect(body.booking_url).toBe(shown ? booking.url : null);
  });
});

describe("what is refused", () => {
  const cases: { what: string; fields: object; errors: { [field: string]: string } }[] = [
    { what: "nothing", fields: { email: "", name: " " }, errors: { email: "fill this in", name: "fill this in" } },
    { what: "no address", fields: { email: "ada@" }, errors: { email: "e-mail address such as" } },
    { what: "a placeholder", fields: { email: "null" }, errors: { email: "e-mail address such as" } },
    { what: "no number", fields: { team_size: "many" }, errors: { team_size: "a number" } },
    { what: "no answer of the list", fields: { timing: "Never" }, errors: { timing: "one of the answers" } },
    { what: "too much", fields: { name: "x".repeat(1_001) }, errors: { name: "shorter" } },
    { what: "free mail", fields: { email: "ada@gmail.com" }, errors: { email: "of your company" } },
    { what: "a number without its country", fields: { phone: "082 123" }, errors: { phone: "with its country" } },
    { what: "an unticked box", fields: { terms: "" }, errors: { terms: "fill this in" } },
  ];
  const strict = {
    ...GUIDE,
    business_mail_only: true,
    fields: [
      ...GUIDE.fields,
      { name: "phone", label: "Phone", type: "tel" },
      { name: "terms", label: "I have read the terms", type: "checkbox", required: true },
    ],
  };
  test.each(cases)("$what, beside the field, and nothing is stored", async ({ fields, errors }) => {
    await using house = startMagnets([strict]);
    const { started } = await house.form();
    const { status, body } = await house.send<Refused>({ ...ADA, terms: true, started, ...fields });
    expect(status).toBe(422);
    expect(body.error).toMatchObject({ code: "invalid", message: expect.stringContaining("marked below") });
    expect(Object.keys(body.errors)).toEqual(Object.keys(errors));
    for (const [field, words] of Object.entries(errors)) expect(body.errors[field]).toContain(words);
    expect(body.started).toBe(started);
    expect(house.rows("select event_id from event")).toEqual([]);
    expect((await house.send({ ...ADA, terms: true, started })).status).toBe(200);
  });

  test("an unknown slug", async () => {
    await using house = startMagnets();
    expect((await house.get("/m/nothing/form.json")).status).toBe(404);
    expect((await house.send(ADA, { slug: "nothing" })).status).toBe(404);
  });

  test("a form that lay open for more than a day, with a fresh token to send it once more", async () => {
    await using house = startMagnets();
    const { started } = await house.form();
    house.clock.nowMs += 25 * 3_600_000;
    const { status, body } = await house.send<Refused>({ ...ADA, started });
    expect(status).toBe(422);
    expect(body.started).not.toBe(started);
    house.clock.nowMs += 5_000;
    expect((await house.send({ ...ADA, started: body.started })).status).toBe(200);
    expect(leadsOf(house)).toHaveLength(1);
  });
});

describe("what machines send", () => {
  type Rejected = { code: string; message: string; body: string };
  const rejectedOf = (house: { rows<Row>(sql: string): Row[] }) =>
    house.rows<Rejected>("select code, message, body from rejected_event");
  const early = -READING_MS + 1_000;

  const cases: {
    what: string;
    reason: string;
    status: number;
    fields?: (form: Form) => object;
    headers?: { [name: string]: string };
    shiftMs?: number;
  }[] = [
    {
      what: "the field that nobody sees",
      reason: "honeypot",
      status: 200,
      fields: ({ honeypot }) => ({ [honeypot]: "https://spam.example" }),
    },
    { what: "a crawler's name", reason: "user_agent", status: 200, headers: { "user-agent": "Googlebot/2.1" } },
    { what: "a form filled within a second", reason: "too_quick", status: 422, shiftMs: early },
    { what: "no token", reason: "forged", status: 422, fields: () => ({ started: "" }) },
    {
      what: "a token of one's own",
      reason: "forged",
      status: 422,
      fields: ({ started }) => ({ started: `1${started}` }),
    },
  ];
  test.each(cases)("$what: nothing is given, and what was refused is kept with the reason", async (given) => {
    const { reason, status, fields, headers = {}, shiftMs = 0 } = given;
    await using house = startMagnets();
    const form = await house.form();
    house.clock.nowMs += shiftMs;
    const sent = { ...ADA, started: form.started, ...fields?.(form) };
    const { status: answered, body } = await house.send<Taken & Refused>(sent, { headers });
    expect(answered).toBe(status);
    if (status === 200) expect(body).toMatchObject({ download_url: null, booking_url: null });
    expect(house.rows("select event_id from event")).toEqual([]);
    expect(leadsOf(house)).toEqual([]);
    const [rejected] = rejectedOf(house);
    expect(rejected).toMatchObject({ code: "forbidden", message: `a form was taken for a machine's: ${reason}` });
    expect(JSON.parse(rejected?.body ?? "")).toEqual({
      magnet: "roi-guide",
      fields: ["email", "name", "team_size", "timing"],
    });
  });

  test("a token of another magnet's form", async () => {
    await using house = startMagnets([GUIDE, { slug: "other", title: "Other" }]);
    const { started } = await house.form("other");
    expect((await house.send({ ...ADA, started })).status).toBe(422);
  });

  test("one address without end", async () => {
    await using house = startMagnets();
    const statuses: number[] = [];
    for (let round = 0; round < 11; round += 1) {
      const { started } = await house.form();
      house.clock.nowMs -= READING_MS - 2_000;
      statuses.push((await house.send({ ...ADA, started })).status);
    }
    expect(statuses).toEqual([...Array<number>(10).fill(200), 429]);
    house.clock.nowMs += 3_600_000;
    expect((await house.send({ ...ADA, started: (await house.form()).started })).status).toBe(200);
  });
});

describe("a form is signed by nobody", () => {
  type Mode = "optional" | "required";
  const intentOf = (identity_verification: Mode) => ({ identity_verification, identity_secret: "env:NOT_ASKED_FOR" });
  const holders = (house: { rows<Row>(sql: string): Row[] }) =>
    house
      .rows<{ person_id: number; named: string }>(
        "select person_id, value as named from identity where retired_at is null order by identity_id",
      )
      .map(({ person_id, named }, _, all) => [named, all.findIndex((one) => one.person_id === person_id)]);
  const submit = async (intent: object, known: object[]) => {
    const house = startMagnets([GUIDE], { intent });
    for (const identity of known) expect((await house.postSecret("/identify", { identity })).status).toBe(200);
    await house.post("/track", { event: "page_view", anonymous_id: "visitor-1", url: "/pricing" });
    const { started } = await house.form();
    expect((await house.send({ ...ADA, ...CONTEXT, started })).status).toBe(200);
    return house;
  };

  const modes: { mode: Mode; known: object[]; what: string; held: [string, number][] }[] = [
    {
      mode: "required",
      known: [{ email: ADA.email }],
      what: "does not make the browser theirs whose address it names",
      held: [
        ["ada@acme.com", 0],
        ["visitor-1", 1],
      ],
    },
    {
      mode: "optional",
      known: [{ email: ADA.email }],
      what: "makes it theirs, as a browser's word does",
      held: [
        ["ada@acme.com", 0],
        ["visitor-1", 0],
      ],
    },
    {
      mode: "required",
      known: [],
      what: "makes a new address the visitor's own",
      held: [
        ["visitor-1", 0],
        ["ada@acme.com", 0],
      ],
    },
  ];
  test.each(modes)("where signatures are $mode, it $what, and makes its lead", async ({ mode, known, held }) => {
    await using house = await submit(intentOf(mode), known);
    expect(holders(house)).toEqual(held);
    expect(leadsOf(house)).toMatchObject([{ person: { email: ADA.email } }]);
  });

  test("and with signatures required the visitor's own address stays theirs, form after form", async () => {
    await using house = await submit(intentOf("required"), []);
    const { started } = await house.form();
    expect((await house.send({ ...ADA, ...CONTEXT, team_size: 80, started })).status).toBe(200);
    expect(holders(house)).toEqual([
      ["visitor-1", 0],
      ["ada@acme.com", 0],
    ]);
    const said = house.rows<EventRow>(EVENTS).filter(({ name }) => name === "identify");
    expect(said.map(({ kind }) => kind)).toEqual(["anonymous_id", "anonymous_id"]);
  });
});

test("a changed config holds for the next form", async () => {
  await using house = startMagnets();
  house.configureIntent({ magnets: [{ slug: "fresh", title: "Fresh" }] });
  expect((await house.get("/m/roi-guide")).status).toBe(404);
  const { started } = await house.form("fresh");
  const { body } = await house.send({ email: "ada@acme.com", started }, { slug: "fresh" });
  expect(body).toEqual({ download_url: null, booking_url: null, message: expect.stringContaining("in touch") });
});
