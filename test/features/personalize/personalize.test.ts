import { describe, expect, test } from "bun:test";
import { parseIntentConfig } from "../../../src/config/intent.ts";
import { startInstance, withSecret } from "../../support/instance.ts";
import { startCampaignHouse } from "../clicks/house.ts";

type Personal = { fields: { [field: string]: string } };

const LISTED = ["first_name", "last_name", "company", "level", "group.high_intent", "channel", "utm_campaign", "plan"];
const NOBODY = { fields: {} };

const cookie = (id: string) => ({ cookie: `a=b; _di=${id}; c=d` });
const view = (visitor: string, url = "/pricing", extra: object = {}) => ({
  event: "page_view",
  anonymous_id: visitor,
  session_id: `session-${visitor}`,
  url,
  ...extra,
});
const ADA = { email: "ada@acme.com", name: "Ada King Lovelace", plan: "team" };
const identify = (visitor: string, identity: object = ADA) => ({ anonymous_id: visitor, identity });

describe("GET /p", () => {
  test("tells what is listed and has a value, always as texts", async () => {
    await using house = startInstance({ intent: { personalize: LISTED } });
    await house.post("/track", view("visitor-1", "/pricing?utm_source=google&utm_campaign=spring"));
    await house.post("/identify", identify("visitor-1"));
    const { status, body, headers } = await house.get<Personal>("/p", cookie("visitor-1"));
    expect(status).toBe(200);
    expect(body).toEqual({
      fields: {
        first_name: "Ada",
        last_name: "King Lovelace",
        company: "acme.com",
        level: "warm",
        "group.high_intent": "low",
        channel: "search",
        utm_campaign: "spring",
        plan: "team",
      },
    });
    expect(headers.get("cache-control")).toBe("private, max-age=30");
    expect(headers.get("vary")).toBe("Origin, Cookie, Sec-GPC, DNT");
    expect(JSON.stringify(body)).not.toContain("ada@");
  });

  test("tells nothing that is not listed", async () => {
    await using house = startInstance({ intent: { personalize: ["company"] } });
    await house.post("/identify", identify("visitor-1", { ...ADA, company: "Acme" }));
    expect((await house.get<Personal>("/p", cookie("visitor-1"))).body).toEqual({ fields: { company: "Acme" } });
    house.configureIntent({});
    expect((await house.get<Personal>("/p", cookie("visitor-1"))).body).toEqual(NOBODY);
  });

  test("keeps addresses and numbers back wherever somebody put them", async () => {
    await using house = startInstance({ intent: { personalize: ["company", "first_name", "plan", "long"] } });
    const identity = {
      email: "ada@acme.com",
      company: "ada@acme.com",
      name: "+27 82 123 4567",
      plan: ["a"],
      long: "x".repeat(200),
    };
    await house.post("/identify", identify("visitor-1", identity));
    expect((await house.get<Personal>("/p", cookie("visitor-1"))).body).toEqual({ fields: { company: "acme.com" } });
  });

  const strangers: { who: string; path: string; headers?: { [name: string]: string } }[] = [
    { who: "nobody", path: "/p" },
    { who: "an unknown cookie", path: "/p", headers: cookie("visitor-9") },
    { who: "an unknown id", path: "/p?anonymous_id=visitor-9" },
    { who: "an unknown link", path: "/p?i=abcd1234" },
    { who: "an id that is none", path: "/p?anonymous_id=null" },
    { who: "a browser with Global Privacy Control", path: "/p", headers: { ...cookie("visitor-1"), "sec-gpc": "1" } },
    { who: "a browser with Do Not Track", path: "/p", headers: { ...cookie("visitor-1"), dnt: "1" } },
  ];
  test.each(strangers)("answers $who like all the others: with nothing", async ({ path, headers }) => {
    await using house = startInstance({ intent: { personalize: LISTED } });
    await house.post("/identify", identify("visitor-1"));
    const { status, text } = await house.get(path, headers);
    expect({ status, text }).toEqual({ status: 200, text: '{"fields":{}}' });
  });

  test("knows a visitor by the id alone where no cookie comes along", async () => {
    await using house = startInstance({ intent: { personalize: LISTED } });
    await house.post("/identify", identify("visitor-1"));
    const { body } = await house.get<Personal>("/p?anonymous_id=visitor-1");
    expect(body.fields.first_name).toBe("Ada");
  });

  test("tells a visitor whom nobody knows the level alone", async () => {
    await using house = startInstance({ intent: { personalize: LISTED, thresholds: { warm: 5 } } });
    await house.post("/track", view("visitor-1"));
    expect((await house.get<Personal>("/p", cookie("visitor-1"))).body.fields).toEqual({
      level: "warm",
      "group.high_intent": "low",
    });
  });

  test("wants the write key where the config does", async () => {
    await using house = startInstance({ intent: { personalize: LISTED, ingest: { require_write_key: true } } });
    expect((await house.get("/p")).status).toBe(401);
    expect((await house.get(`/p?write_key=${house.keys.writeKey}`)).status).toBe(200);
  });

  test("tells an account's level by its people", async () => {
    const intent = { personalize: ["account_level"], accounts: { thresholds: { busy: 5 } } };
    await using house = startInstance({ intent });
    await house.post("/track", view("visitor-1"));
    await house.post("/identify", identify("visitor-1"));
    expect((await house.get<Personal>("/p", cookie("visitor-1"))).body.fields).toEqual({ account_level: "busy" });
    house.configureIntent({ ...intent, accounts: { thresholds: { busy: 99 } } });
    expect((await house.get<Personal>("/p", cookie("visitor-1"))).body.fields).toEqual({ account_level: "cold" });
  });
});

describe("who says they are somebody", () => {
  const known = async (house: ReturnType<typeof startInstance>) => {
    await house.post("/track", view("visitor-1"));
    house.clock.nowMs += 1_000;
    await house.post("/identify", identify("visitor-1"));
    house.clock.nowMs += 60_000;
  };

  test("learns nothing about them with a fresh browser", async () => {
    await using house = startInstance({ intent: { personalize: LISTED } });
    await known(house);
    await house.post("/identify", identify("attacker-1", { email: "ada@acme.com" }));
    expect(house.rows("select distinct person_id from identity")).toHaveLength(1);
    expect((await house.get<Personal>("/p", cookie("attacker-1"))).body).toEqual(NOBODY);
    expect((await house.get<Personal>("/p", cookie("visitor-1"))).body.fields.first_name).toBe("Ada");
  });

  test("learns nothing with a browser that was here before them either", async () => {
    await using house = startInstance({ intent: { personalize: LISTED } });
    await house.post("/track", view("attacker-1"));
    house.clock.nowMs += 1_000;
    await known(house);
    await house.post("/identify", identify("attacker-1", { email: "ada@acme.com" }));
    expect(house.rows("select through from merge")).toHaveLength(1);
    expect((await house.get<Personal>("/p", cookie("attacker-1"))).body).toEqual(NOBODY);
  });

  test("learns nothing either when the secret key later makes them one with somebody else", async () => {
    await using house = startInstance({ intent: { personalize: LISTED } });
    await house.postSecret("/identify", { identity: { user_id: "u-1" } });
    house.clock.nowMs += 1_000;
    await house.post("/track", view("attacker-1"));
    house.clock.nowMs += 1_000;
    await known(house);
    await house.post("/identify", identify("attacker-1", { email: "ada@acme.com" }));
    await house.postSecret("/identify", { identity: { user_id: "u-1", email: "ada@acme.com" } });
    const absorbed = house.rows<{ snapshot: string }>(
      `select snapshot from merge where exists (select 1 from json_each(snapshot, '$.absorbed.identityIds')
         where value = (select identity_id from identity where value = 'attacker-1'))`,
    );
    expect(absorbed).toHaveLength(2);
    expect((await house.get<Personal>("/p", cookie("attacker-1"))).body).toEqual(NOBODY);
    expect((await house.get<Personal>("/p", cookie("visitor-1"))).body.fields.first_name).toBe("Ada");
  });

  test("is believed when the secret key says so", async () => {
    await using house = startInstance({ intent: { personalize: LISTED } });
    await known(house);
    await house.post("/track", view("second-browser"));
    await house.postSecret("/identify", identify("second-browser", { email: "ada@acme.com" }));
    expect((await house.get<Personal>("/p", cookie("second-browser"))).body.fields.first_name).toBe("Ada");
  });
});

describe("a campaign's link", () => {
  test("tells what the operator's list says, before anybody was here", async () => {
    await using house = startCampaignHouse({ personalize: LISTED });
    const { body } = await house.get<Personal>(`/p?i=${house.linkOf("ann")}`);
    expect(body).toEqual({ fields: { first_name: "Ann", company: "Acme" } });
  });

  test("is not hidden by the cookie of a visitor whom nobody knows", async () => {
    await using house = startCampaignHouse({ personalize: LISTED });
    await house.post("/track", view("visitor-1"));
    const { body } = await house.get<Personal>(`/p?i=${house.linkOf("ann")}`, cookie("visitor-1"));
    expect(body.fields.first_name).toBe("Ann");
  });

  test("forwarded to somebody known greets them by their own name", async () => {
    await using house = startCampaignHouse({ personalize: LISTED });
    await house.post("/identify", identify("visitor-1"));
    const link = house.linkOf("ann");
    expect((await house.get<Personal>(`/p?i=${link}`, cookie("visitor-1"))).body.fields.first_name).toBe("Ada");
    const withoutCookie = await house.get<Personal>(`/p?i=${link}&anonymous_id=visitor-1`);
    expect(withoutCookie.body.fields.first_name).toBe("Ada");
  });

  test("does not tell what its lead said later in a browser", async () => {
    await using house = startCampaignHouse({ personalize: LISTED });
    const link = house.linkOf("ann");
    await house.post("/track", view("visitor-1"));
    await house.show("visitor-1", link);
    await house.post("/identify", identify("visitor-1", { email: "ann@acme.example", plan: "enterprise" }));
    expect((await house.get<Personal>(`/p?i=${link}`)).body.fields).toMatchObject({ first_name: "Ann", level: "warm" });
    expect((await house.get<Personal>(`/p?i=${link}`)).body.fields.plan).toBeUndefined();
    expect((await house.get<Personal>("/p", cookie("visitor-1"))).body.fields.plan).toBe("enterprise");
  });

  test("joins a second browser, which is told as well", async () => {
    await using house = startCampaignHouse({ personalize: LISTED });
    for (const visitor of ["visitor-1", "visitor-2"]) {
      await house.post("/track", view(visitor));
      house.clock.nowMs += 60_000;
      await house.show(visitor, house.linkOf("ann"));
      expect((await house.get<Personal>("/p", cookie(visitor))).body.fields.first_name).toBe("Ann");
    }
  });
});

describe("somebody who was erased", () => {
  const erase = (house: ReturnType<typeof startInstance>, email: string) =>
    house.app.handle(new Request(`http://localhost/people?email=${email}`, { method: "DELETE", headers: withSecret }));

  test("is nobody by browser and by link", async () => {
    await using house = startCampaignHouse({ personalize: LISTED });
    const link = house.linkOf("ann");
    await house.post("/track", view("visitor-1"));
    await house.show("visitor-1", link);
    expect((await house.get<Personal>("/p", cookie("visitor-1"))).body.fields.first_name).toBe("Ann");
    expect((await erase(house, "ann@acme.example")).status).toBe(200);
    expect((await house.get<Personal>("/p", cookie("visitor-1"))).body).toEqual(NOBODY);
    expect((await house.get<Personal>(`/p?i=${link}`)).body).toEqual(NOBODY);
  });
});

describe("the list of fields", () => {
  const refused = [
    "email",
    "phone",
    "user_id",
    "work_email",
    "anonymous_id",
    "mobile",
    "ip",
    "home_address",
    "password",
  ];
  test.each(refused)("%s is refused, with the reason", (field) => {
    const { problems = [] } = parseIntentConfig(JSON.stringify({ personalize: ["level", field] }));
    expect(problems).toEqual([
      expect.stringMatching(/^personalize\[1\]: is what identifies a person, .*; take it out/),
    ]);
  });

  test.each(["first_name", "company", "title", "plan", "group.high_intent", "utm_source", "paid"])(
    "%s is taken",
    (field) => {
      expect(parseIntentConfig(JSON.stringify({ personalize: [field] })).problems).toBeUndefined();
    },
  );
});
