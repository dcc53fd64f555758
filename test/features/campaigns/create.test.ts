import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { CreatedAnswer } from "../../../src/features/campaigns/create.ts";
import { loadCampaign } from "../../../src/features/campaigns/load.ts";
import { readCsvList } from "../../../src/features/campaigns/read-list.ts";
import { readCampaign } from "../../../src/features/campaigns/schema.ts";
import { hashKey } from "../../../src/http/keys.ts";
import { type CampaignLoader, createCampaignLoader } from "../../../src/store/sqlite/campaign-load.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { createKeyStore } from "../../../src/store/sqlite/keys.ts";
import { linkIdOf } from "../../../src/store/sqlite/link-id.ts";
import { createSuppressions } from "../../../src/store/sqlite/suppression.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { NOON_MS, startInstance, type TestInstance, withSecret } from "../../support/instance.ts";
import { expectRefusal, MARKER } from "../../support/secrecy.ts";

const CSV = { "content-type": "text/csv" };
const LIST = "email,first name\nada@acme.com,Ada\nbob@acme.com,Bob\n";
const SECRET = Buffer.from("a secret of this test");

const createFrom = (house: TestInstance, name: string, list: string) =>
  house.postSecret<CreatedAnswer>(`/campaigns?name=${name}&base_url=https://acme.example`, list, CSV);

/** One whose first lines are in while the sender says nothing more. */
function stalledList(house: TestInstance, name: string) {
  const begun = Promise.withResolvers<void>();
  let sender: ReadableStreamDefaultController<Uint8Array> | null = null;
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        sender = controller;
        controller.enqueue(Buffer.from("email,first name\nada@acme.com,Ada\n"));
      },
      pull: () => begun.resolve(),
    },
    { highWaterMark: 0 },
  );
  const path = `/campaigns?name=${name}&base_url=https://acme.example`;
  const answer = house.app
    .handle(new Request(`http://localhost${path}`, { method: "POST", body, headers: { ...withSecret, ...CSV } }))
    .then(({ status }) => status);
  return {
    begun: begun.promise,
    answer,
    goOn: (text: string) => {
      sender?.enqueue(Buffer.from(text));
      sender?.close();
    },
    breakOff: () => sender?.error(new Error("the sender went away")),
  };
}

type LeadRow = { link_id: string; email: string; traits: string };
const leadsIn = (house: TestInstance) => house.rows<LeadRow>("select link_id, email, traits from lead order by email");

describe("POST /campaigns", () => {
  test("takes a CSV with the settings in the address", async () => {
    await using house = startInstance({ intent: { public_url: "https://i.example" } });
    const address = "/campaigns?name=Q1%20Outbound!&base_url=https://acme.example/en/&landing=/demo&utm_source=mail";
    const { status, body } = await house.postSecret<CreatedAnswer>(address, LIST, CSV);
    expect(status).toBe(200);
    expect(body).toEqual({
      campaign_id: "cmp_1",
      slug: "q1-outbound",
      name: "Q1 Outbound!",
      leads: 2,
      duplicates: 0,
      suppressed: 0,
      rejected: 0,
      problems: [],
      encoding: "utf-8",
      honeypot_url: expect.stringMatching(/^https:\/\/i\.example\/c\/q1-outbound\/[1-9A-HJ-NP-Za-km-z]{7}$/),
    });
    expect(house.rows("select slug, base_url, landing, utm, columns, lead_count from campaign")).toEqual([
      {
        slug: "q1-outbound",
        base_url: "https://acme.example/en",
        landing: "/demo",
        utm: '{"utm_source":"mail"}',
        columns: '["email","first name"]',
        lead_count: 2,
      },
    ]);
    expect(house.rows("select action, subject, detail from audit where action like 'campaign%'")).toEqual([
      { action: "campaign_create", subject: "cmp_1", detail: '{"leads":2}' },
    ]);
  });

  test("takes a JSON with its leads, whatever their keys, and says which of them are none", async () => {
    await using house = startInstance();
    const leads = [
      { email: "ada@acme.com", "first name": "Ada", seats: 12, trial: true },
      { email: "bob@acme.com", company: null },
      "cyd@acme.com",
      { email: "dee@acme.com", tags: ["a"] },
    ];
    const body = { name: "Spring", base_url: "https://acme.example", utm: { medium: "email" }, leads };
    for (const headers of [{ "content-type": "application/json" }, { "content-type": "text/plain" }]) {
      const answer = await house.postSecret<CreatedAnswer>(
        "/campaigns",
        { ...body, name: headers["content-type"] },
        headers,
      );
      expect(answer.body).toMatchObject({ leads: 2, rejected: 2 });
      expect(answer.body.problems.map(({ line }) => line)).toEqual([3, 4]);
    }
    expect(leadsIn(house).map(({ traits }) => JSON.parse(traits))).toEqual([
      { first_name: "Ada", name: "Ada", seats: "12", trial: "true" },
      {},
    ]);
    expect(house.rows("select columns from campaign limit 1")).toEqual([
      { columns: '["email","first name","seats","trial","company","tags"]' },
    ]);
  });

  const query = "/campaigns?name=Spring&base_url=https://acme.example";
  const refused: { what: string; address: string; field?: string; says: string; list?: unknown; code?: string }[] = [
    { what: "no name", address: "/campaigns?base_url=https://acme.example", field: "name", says: "is missing" },
    { what: "no site", address: "/campaigns?name=Spring", field: "base_url", says: "is missing" },
    { what: "a name without letters", address: `${query.replace("Spring", "!!!")}`, field: "name", says: "a letter" },
    ...["acme.example", "javascript:alert(1)", "https://u:p@acme.example", "https://acme.example/?a=b"].map((base) => ({
      what: `${base} as its site`,
      address: `/campaigns?name=Spring&base_url=${encodeURIComponent(base)}`,
      field: "base_url",
      says: "the address of a site",
    })),
    ...["demo", "//evil.example", "/\\evil.example", "https://evil.example", "@evil.example", ".evil.example"].map(
      (landing) => ({
        what: `${landing} as its page`,
        address: `${query}&landing=${encodeURIComponent(landing)}`,
        field: "landing",
        says: "a path that begins with a single slash",
      }),
    ),
    {
      what: "a page that says whose link it is",
      address: `${query}&landing=/demo?i=1`,
      field: "landing",
      says: "parameter i",
    },
    {
      what: "parameters that are none",
      address: `${query}&utm_colour=red`,
      field: "utm",
      says: "takes source, medium",
    },
    { what: "a word that is not known", address: `${query}&${MARKER}=1`, says: "takes name, base_url, landing, utm" },
    {
      what: "a JSON that is none",
      address: "/campaigns",
      list: `{"name": ${MARKER}`,
      says: "not valid JSON",
      code: "invalid_json",
    },
    {
      what: "a JSON without leads",
      address: "/campaigns",
      list: { name: "x", base_url: "https://a.example" },
      field: "leads",
      says: "is missing",
    },
    {
      what: "leads that are no list",
      address: "/campaigns",
      list: { name: "x", base_url: "https://a.example", leads: {} },
      field: "leads",
      says: "must be a list",
    },
    {
      what: "leads without addresses",
      address: "/campaigns",
      list: { name: "x", base_url: "https://a.example", leads: [{ a: MARKER }] },
      field: "leads",
      says: "have no e-mail addresses",
    },
    {
      what: "no leads",
      address: "/campaigns",
      list: { name: "x", base_url: "https://a.example", leads: [] },
      field: "leads",
      says: "is empty",
    },
  ];
  test.each(refused)("refuses $what", async ({ address, list = LIST, field, says, code = "invalid" }) => {
    await using house = startInstance();
    const headers = list === LIST ? CSV : { "content-type": "application/json" };
    const answer = await house.postSecret(address, list, headers);
    expectRefusal(house, answer, { status: code === "invalid" ? 422 : 400, code, field, says });
    expect(house.rows("select * from lead")).toEqual([]);
  });

  test("needs a key that may administer, and reads no list before it has seen one", async () => {
    const folder = temporaryFolder();
    const reader = "sk_may_only_read_things";
    const { database, close } = openDatabase(folder.path, "normal");
    const key = { kind: "secret" as const, hash: hashKey(reader), publicValue: null };
    createKeyStore(database).insert([{ ...key, name: null, scopes: ["read"] }] as never, NOON_MS);
    close();
    await using house = startInstance({ dataFolder: folder.path });
    let reads = 0;
    const unread = () => new ReadableStream({ pull: () => void reads++ }, { highWaterMark: 0 });
    const address = "/campaigns?name=x&base_url=https://acme.example";
    expect((await house.post(address, unread(), CSV)).status).toBe(401);
    expect((await house.post(address, unread(), { ...CSV, authorization: `Bearer ${reader}` })).status).toBe(403);
    expect(reads).toBe(0);
    expect((await house.get("/campaigns", { authorization: `Bearer ${reader}` })).status).toBe(200);
    for (const path of [
      "/campaigns",
      "/campaigns/x",
      "/campaigns/x/leads",
      "/campaigns/x/export.csv",
      "/views",
      "/views/recent-sessions",
    ])
      expect((await house.get(path)).status).toBe(401);
    folder[Symbol.dispose]();
  });

  test("makes one at a time", async () => {
    await using house = startInstance();
    const answers = await Promise.all(["One", "Two"].map((name) => createFrom(house, name, LIST)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 429]);
    expect((await createFrom(house, "Three", LIST)).status).toBe(200);
  });

  test("waits for nobody who sends no more, and lets in no more of them than it holds", async () => {
    await using house = startInstance();
    const stalled = Array.from({ length: 4 }, (_, index) => stalledList(house, `Stalled${index}`));
    const [first] = stalled;
    for (const { begun } of stalled) await begun;
    const refused = await createFrom(house, "Beyond", LIST);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(refused.text).toContain("4 lists are being sent");
    first?.breakOff();
    await first?.answer;
    expect((await createFrom(house, "Beside", LIST)).status).toBe(200);
    for (const { goOn } of stalled.slice(1)) goOn("bob@acme.com,Bob\n");
    expect(
      (await Promise.all(stalled.slice(1).map(({ answer }) => answer))).filter((status) => status === 200).length,
    ).toBe(1);
    expect(house.rows("select slug from campaign")).toHaveLength(2);
  });
});

describe("leads", () => {
  test("have one id in every campaign, which the address alone does not tell", async () => {
    await using house = startInstance();
    await createFrom(house, "One", LIST);
    const [ada] = leadsIn(house);
    await createFrom(house, "Two", "company,E-mail\nAcme, ADA@acme.com \nOther,cyd@other.com\n");
    expect(ada?.link_id).toMatch(/^[1-9A-HJ-NP-Za-km-z]{8}$/);
    expect(leadsIn(house).map(({ email }) => email)).toEqual(["ada@acme.com", "bob@acme.com", "cyd@other.com"]);
    // What the second list says holds as well.
    expect(leadsIn(house)[0]).toEqual({
      ...ada,
      traits: '{"first_name":"Ada","name":"Ada","company":"Acme"}',
    } as LeadRow);
    await using other = startInstance();
    await createFrom(other, "One", LIST);
    expect(leadsIn(other)[0]?.link_id).not.toBe(ada?.link_id as string);
  });

  test("that stand twice are folded: the first row holds, blanks are filled", async () => {
    await using house = startInstance();
    const list = "email,company,title\nada@acme.com,Acme,\nbob@acme.com,,\nADA@ACME.COM,Other,CTO\nada@acme.com,,CEO\n";
    const { body } = await createFrom(house, "One", list);
    expect(body).toMatchObject({ leads: 2, duplicates: 2 });
    expect(leadsIn(house).map(({ traits }) => JSON.parse(traits))).toEqual([{ company: "Acme", title: "CTO" }, {}]);
    expect(house.rows("select columns from campaign_lead order by position")).toEqual([
      { columns: '["ada@acme.com","Acme","CTO"]' },
      { columns: '["bob@acme.com","",""]' },
    ]);
  });

  test("who are not to be processed are left out and counted", async () => {
    const folder = temporaryFolder();
    const { database, close } = openDatabase(folder.path, "normal");
    createSuppressions(database).add([{ kind: "email", value: "ada@acme.com" }], NOON_MS);
    close();
    await using house = startInstance({ dataFolder: folder.path });
    const { body } = await createFrom(house, "One", LIST);
    expect(body).toMatchObject({ leads: 1, suppressed: 1 });
    expect(leadsIn(house).map(({ email }) => email)).toEqual(["bob@acme.com"]);
    expectRefusal(
      house,
      await house.postSecret("/campaigns?name=2&base_url=https://a.example", "email\nada@acme.com\n", CSV),
      {
        status: 422,
        code: "invalid",
        says: "all of them are not to be processed",
      },
    );
    folder[Symbol.dispose]();
  });
});

/** A data folder without a server, and a load on it that can be cut off. */
function openHouse() {
  const folder = temporaryFolder();
  const { database, close } = openDatabase(folder.path, "normal");
  const campaign = readCampaign({ name: "Spring", base_url: "https://acme.example" });
  let nowMs = NOON_MS;
  const load = (
    loader: CampaignLoader,
    { name = "Spring", list = LIST, idOf = (email: string) => linkIdOf(SECRET, email, 0) } = {},
  ) =>
    loadCampaign({
      campaign: { ...campaign, name, slug: name.toLowerCase() },
      read: (handler) => readCsvList(Buffer.from(list), handler),
      loader,
      linkIdOf: idOf,
      now: () => nowMs,
      rest: () => {},
      onProgress: () => {},
    });
  return {
    database,
    path: join(folder.path, "do-intent.db"),
    loader: (idOf = linkIdOf) => createCampaignLoader({ database, secret: SECRET, idOf }),
    load,
    pass: (durationMs: number) => {
      nowMs += durationMs;
    },
    now: () => nowMs,
    count: (table: string) =>
      database.query<{ count: number }, []>(`select count(*) as count from ${table}`).get()?.count,
    [Symbol.dispose]: () => {
      close();
      folder[Symbol.dispose]();
    },
  };
}

const many = (count: number, domain = "acme.com"): string =>
  ["email", ...Array.from({ length: count }, (_, index) => `lead${index}@${domain}`)].join("\n");

/** Dies in the middle, as a process does: nothing is taken back. */
function cutOff(loader: CampaignLoader, afterSlices: number): CampaignLoader {
  let slices = 0;
  return {
    ...loader,
    add: (...given) => {
      if (slices++ === afterSlices) throw new Error("cut off");
      return loader.add(...given);
    },
    abandon: function* () {},
  };
}

function loadToken({ database }: ReturnType<typeof openHouse>): string {
  return database.query<{ token: string }, []>("select token from campaign_load").get()?.token ?? "";
}

describe("a load that was cut off", () => {
  test("is no campaign, and is taken back by the next one; who is on another list stays", () => {
    using house = openHouse();
    house.load(house.loader(), { name: "First", list: many(10) });
    expect(() => house.load(cutOff(house.loader(), 3), { list: many(1_000) })).toThrow("cut off");
    expect([house.count("campaign"), house.count("campaign_load"), house.count("campaign_lead")]).toEqual([1, 1, 610]);
    // It may live yet.
    expect(() => house.load(house.loader())).toThrow("is being made; wait for it");
    house.pass(31_000);
    expect(house.load(house.loader(), { name: "Other", list: many(3, "other.com") }).leads).toBe(3);
    expect([house.count("campaign"), house.count("campaign_load"), house.count("campaign_lead")]).toEqual([2, 0, 13]);
    expect(house.count("lead")).toBe(13);
    expect(house.load(house.loader(), { list: many(1_000) }).leads).toBe(1_000);
    expect(house.count("campaign_lead")).toBe(1_013);
  });

  test("and wakes up finds that it was taken for dead", () => {
    using house = openHouse();
    const sleeper = house.loader();
    const rival = house.loader();
    let slices = 0;
    const asleep: CampaignLoader = {
      ...sleeper,
      add: (...given) => {
        if (slices++ === 2) {
          house.pass(31_000);
          expect(house.load(rival, { list: many(5, "rival.com") }).leads).toBe(5);
        }
        return sleeper.add(...given);
      },
    };
    expect(() => house.load(asleep, { list: many(1_000) })).toThrow("was taken for dead");
    expect([house.count("campaign"), house.count("campaign_load"), house.count("campaign_lead")]).toEqual([1, 0, 5]);
  });

  test("that fails by itself takes itself back", () => {
    using house = openHouse();
    const loader = house.loader();
    const failing: CampaignLoader = {
      ...loader,
      finish: () => {
        throw new Error("at the last moment");
      },
    };
    expect(() => house.load(failing, { list: many(1_000) })).toThrow("at the last moment");
    for (const table of ["campaign", "campaign_load", "campaign_lead", "lead"]) expect(house.count(table)).toBe(0);
  });

  const titles = (house: ReturnType<typeof openHouse>) =>
    house.database
      .query<{ title: string | null }, []>(
        "select traits ->> 'title' as title from lead where email like 'lead%' order by email",
      )
      .all()
      .map(({ title }) => title);
  const titled = (title: string, count: number) =>
    many(count)
      .split("\n")
      .map((row, index) => (index === 0 ? `${row},title` : `${row},${title}`))
      .join("\n");

  test("has said nothing of the leads that other lists know", () => {
    using house = openHouse();
    house.load(house.loader(), { name: "First", list: titled("CTO", 10) });
    expect(() => house.load(cutOff(house.loader(), 4), { list: titled("gone", 1_000) })).toThrow("cut off");
    expect(titles(house).filter((title) => title === "CTO")).toHaveLength(10);
    house.pass(31_000);
    house.load(house.loader(), { name: "Other", list: many(3, "other.com") });
    expect(titles(house).sort()).toEqual([...Array<string>(10).fill("CTO"), ...Array<null>(3).fill(null)]);
  });

  test("after its campaign was there is brought to its end by the next, and never taken back", () => {
    using house = openHouse();
    house.load(house.loader(), { name: "First", list: titled("CTO", 1_300) });
    const loader = house.loader();
    let steps = 0;
    const dying: CampaignLoader = {
      ...loader,
      renew: (...given) => {
        if (steps++ === 1) throw new Error("cut off");
        return loader.renew(...given);
      },
    };
    expect(() => house.load(dying, { list: titled("CEO", 1_300) })).toThrow("cut off");
    expect([house.count("campaign"), house.count("campaign_load"), house.count("campaign_lead")]).toEqual([
      2, 1, 2_600,
    ]);
    expect(new Set(titles(house))).toEqual(new Set(["CTO", "CEO"]));
    for (const _ of loader.abandon({ campaignId: 2, slug: "spring", token: loadToken(house) }));
    house.pass(31_000);
    house.load(house.loader(), { name: "Other", list: "email\nada@other.com" });
    expect([house.count("campaign"), house.count("campaign_load"), house.count("campaign_lead")]).toEqual([
      3, 0, 2_601,
    ]);
    expect(new Set(titles(house))).toEqual(new Set(["CEO"]));
  });

  test("meets a name that is taken", () => {
    using house = openHouse();
    house.load(house.loader());
    expect(() => house.load(house.loader())).toThrow("there is a campaign of this name already");
    expect(house.count("campaign_load")).toBe(0);
  });
});

describe("link ids", () => {
  test("two addresses that come to the same get two, and keep them", () => {
    using house = openHouse();
    const clash = (secret: Buffer, email: string, attempt: number): string =>
      attempt < 2 ? `taken${attempt}xx`.slice(0, 8) : linkIdOf(secret, email, attempt);
    const load = (name: string, list: string) =>
      house.load(house.loader(clash), { name, list, idOf: (email) => clash(SECRET, email, 0) });
    expect(load("One", many(3))).toMatchObject({ leads: 3, duplicates: 0 });
    const ids = () =>
      house.database
        .query<{ email: string; link_id: string }, []>("select email, link_id from lead order by email")
        .all();
    const first = ids();
    expect(new Set(first.map(({ link_id }) => link_id)).size).toBe(3);
    expect(load("Two", ["email", "lead2@acme.com", "lead1@acme.com", "lead0@acme.com"].join("\n")).leads).toBe(3);
    expect(ids()).toEqual(first);
  });

  test("of 200,000 addresses are all different, of eight signs without look-alikes, and another secret's are others", () => {
    const ids = new Set<string>();
    const letters = new Set<string>();
    for (let index = 0; index < 200_000; index += 1) {
      const id = linkIdOf(SECRET, `lead${index}@acme.com`, 0);
      ids.add(id);
      for (const letter of id) letters.add(letter);
    }
    expect(ids.size).toBe(200_000);
    expect([...letters].sort().join("")).toBe("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz");
    expect([...ids].every((id) => id.length === 8)).toBe(true);
    expect(linkIdOf(Buffer.from("another"), "lead1@acme.com", 0)).not.toBe(linkIdOf(SECRET, "lead1@acme.com", 0));
  });

  test("are written by a connection beside the one that serves", () => {
    using house = openHouse();
    const beside = new Database(house.path, { strict: true });
    const loader = createCampaignLoader({ database: beside, secret: SECRET });
    expect(house.load(loader, { list: many(700) }).leads).toBe(700);
    beside.close();
    expect(house.count("campaign_lead")).toBe(700);
  });
});
