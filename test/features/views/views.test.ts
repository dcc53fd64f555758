import { describe, expect, test } from "bun:test";
import type { ViewTable } from "../../../src/features/views/read.ts";
import { NOON_MS, startInstance, type TestInstance } from "../../support/instance.ts";
import { expectRefusal } from "../../support/secrecy.ts";
import { startCampaignHouse } from "../clicks/house.ts";

const readView = async (house: TestInstance, path: string) => (await house.getSecret<ViewTable>(`/views/${path}`)).body;

/** Somebody who looked so often at the prices, and may have said who they are. */
async function visit(house: TestInstance, name: string, views: number, isKnown: boolean): Promise<void> {
  for (let view = 0; view < views; view += 1) {
    const event = { event: "page_view", anonymous_id: `${name}-browser`, session_id: `${name}-${view}` };
    await house.post("/track", { ...event, url: `/pricing?utm_source=mail&utm_campaign=spring` });
  }
  if (!isKnown) return;
  const identity = { email: `${name}@acme.example`, name: name.toUpperCase(), title: "=CTO" };
  await house.postSecret("/identify", { anonymous_id: `${name}-browser`, identity });
}

describe("high-intent-leads", () => {
  test("are those who are known and hot, the highest first, and say why", async () => {
    await using house = startInstance();
    await visit(house, "ann", 4, true);
    await visit(house, "bob", 3, true);
    await visit(house, "cyd", 1, true);
    await visit(house, "someone", 6, false);
    const { rows, next_cursor, view } = await readView(house, "high-intent-leads");
    expect({ view, next_cursor, names: rows.map(({ name }) => name) }).toEqual({
      view: "high-intent-leads",
      next_cursor: null,
      names: ["ANN", "BOB"],
    });
    expect(rows[0]).toEqual({
      person_id: expect.stringMatching(/^per_/),
      email: "ann@acme.example",
      name: "ANN",
      company: "acme.example",
      title: "=CTO",
      score: expect.any(Number),
      level: "hot",
      reasons: expect.arrayContaining(["pricing_view"]),
      channel: expect.any(String),
      source: "mail",
      campaign: "spring",
      lists: [],
      first_seen_at: new Date(NOON_MS).toISOString(),
      last_seen_at: new Date(NOON_MS).toISOString(),
    });
    expect((await readView(house, "high-intent-leads?level=warm")).rows.map(({ name }) => name)).toEqual([
      "ANN",
      "BOB",
      "CYD",
    ]);
    expect((await readView(house, "high-intent-leads?level=burning")).rows).toEqual([]);
    house.clock.nowMs += 90 * 86_400_000;
    expect((await readView(house, "high-intent-leads")).rows).toEqual([]);
  });

  test("say on which lists they were", async () => {
    await using house = startCampaignHouse();
    await house.open(house.linkOf("ann"));
    await house.show("ann-browser", house.linkOf("ann"));
    await visit(house, "ann", 4, true);
    const { rows } = await readView(house, "high-intent-leads");
    expect(rows.map(({ email, lists }) => [email, lists])).toEqual([["ann@acme.example", ["spring", "autumn"]]]);
  });

  test("come page by page, each of them once, as of the first page", async () => {
    await using house = startInstance();
    for (let person = 0; person < 7; person += 1) await visit(house, `p${person}`, 3 + (person % 2), true);
    const found: unknown[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${cursor}`;
      const page = await readView(house, `high-intent-leads?limit=3${query}`);
      found.push(...page.rows.map(({ name }) => name));
      cursor = page.next_cursor;
      house.clock.nowMs += 60_000;
    } while (cursor !== null);
    expect(found.toSorted()).toEqual(["P0", "P1", "P2", "P3", "P4", "P5", "P6"]);
    expect(found.slice(0, 3).toSorted()).toEqual(["P1", "P3", "P5"]);
  });
});

test("campaign-performance tells each campaign in a row", async () => {
  await using house = startCampaignHouse();
  await house.open(house.linkOf("ann"));
  await house.show("ann-browser", house.linkOf("ann"));
  const { rows } = await readView(house, "campaign-performance");
  expect(rows).toMatchObject([
    { slug: "autumn", sent: 4, clicked: 0, click_rate: 0, identified: 0 },
    {
      slug: "spring",
      sent: 4,
      clicked: 1,
      click_rate: 0.25,
      identified: 1,
      warm: 0,
      hot: 0,
      burning: 0,
      human_clicks: 1,
    },
  ]);
});

test("recent-sessions are the latest visits, whoever made them, page by page", async () => {
  await using house = startInstance();
  for (const name of ["ann", "someone", "bob"]) {
    await visit(house, name, 1, name !== "someone");
    house.clock.nowMs += 60_000;
  }
  const { rows, next_cursor } = await readView(house, "recent-sessions?limit=2");
  expect(rows).toMatchObject([
    {
      email: "bob@acme.example",
      name: "BOB",
      events: 1,
      entry_url: expect.stringContaining("/pricing"),
      campaign: "spring",
    },
    { email: null, name: null, source: "mail", started_at: new Date(NOON_MS + 60_000).toISOString() },
  ]);
  const rest = await readView(house, `recent-sessions?limit=2&cursor=${next_cursor}`);
  expect(rest.rows.map(({ email }) => email)).toEqual(["ann@acme.example"]);
  expect(rest.next_cursor).toBeNull();
});

test("recent-sessions tell the first, the last and the last named touch of each visit", async () => {
  await using house = startInstance();
  const view = (session_id: string, url: string, referrer?: string) => {
    house.clock.nowMs += 60_000;
    return house.post("/track", { event: "page_view", anonymous_id: "ann", session_id, url, referrer });
  };
  await view("one", "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=spring");
  await view("one", "https://www.example.com/?utm_source=mail&utm_medium=email&utm_campaign=news");
  await view("one", "https://www.example.com/pricing");
  await view("two", "https://www.example.com/");
  const { rows } = await readView(house, "recent-sessions");
  const touchesOf = (row: Record<string, unknown> = {}) =>
    ["", "last_", "last_non_direct_"].map((which) =>
      ["channel", "source", "medium", "campaign"].map((part) => row[`${which}${part}`]).join(" "),
    );
  expect(touchesOf(rows[1])).toEqual(["search google cpc spring", "email mail email news", "email mail email news"]);
  expect(touchesOf(rows[0])).toEqual(["direct   ", "direct   ", "   "]);
});

test("intent-distribution counts everybody in bands that no level cuts through", async () => {
  const thresholds = { warm: 25, hot: 60 };
  await using house = startInstance({ intent: { thresholds } });
  await visit(house, "ann", 4, true);
  await visit(house, "bob", 1, false);
  const { rows } = await readView(house, "intent-distribution");
  expect(rows.map(({ score_from, level }) => `${score_from} ${level}`)).toEqual([
    "0 cold",
    "10 cold",
    "20 cold",
    "25 warm",
    "30 warm",
    "40 warm",
    "50 warm",
    "60 hot",
    "70 hot",
    "80 hot",
    "90 hot",
  ]);
  expect(rows.reduce((sum, { people }) => sum + Number(people), 0)).toBe(2);
  expect(rows.reduce((sum, { share }) => sum + Number(share), 0)).toBeCloseTo(1, 9);
});

describe("a view", () => {
  test("is a file as well, by its ending or by its format, with no formula in it", async () => {
    await using house = startInstance();
    await visit(house, "ann", 4, true);
    const byEnding = await house.getSecret("/views/high-intent-leads.csv");
    const [head, row] = byEnding.text.split("\r\n");
    expect(head).toBe(
      "person_id,email,name,company,title,score,level,reasons,channel,source,campaign,lists,first_seen_at,last_seen_at",
    );
    expect(row).toContain(",ann@acme.example,ANN,acme.example,'=CTO,");
    expect(byEnding.headers.get("content-disposition")).toBe('attachment; filename="high-intent-leads.csv"');
    expect((await house.getSecret("/views/high-intent-leads?format=csv")).text).toBe(byEnding.text);
  });

  test("has hashes in the place of addresses where it is asked to, and says where the rest of a file begins", async () => {
    await using house = startInstance();
    await visit(house, "ann", 3, true);
    await visit(house, "bob", 3, true);
    const { text, headers } = await house.getSecret("/views/high-intent-leads.csv?hash=email&limit=1");
    const hash = new Bun.CryptoHasher("sha256").update("bob@acme.example").digest("hex");
    expect(text).toContain(`,${hash},`);
    expect(text).toStartWith("person_id,email_sha256,");
    expect(text).not.toContain("@");
    const next = await house.getSecret(`/views/high-intent-leads.csv?limit=1&cursor=${headers.get("next-cursor")}`);
    expect(next.text).toContain("ann@acme.example");
    expect(next.headers.get("next-cursor")).toBeNull();
  });

  test.each([
    ["nothing", 404, undefined],
    ["constructor", 404, undefined],
    ["high-intent-leads?level=boiling", 422, "level"],
    ["high-intent-leads?limit=501", 422, "limit"],
    ["high-intent-leads.csv?limit=10001", 422, "limit"],
    ["recent-sessions?cursor=abc", 422, "cursor"],
    ["recent-sessions?format=xml", 422, "format"],
    ["recent-sessions?x=1", 422, undefined],
  ])("%s is refused", async (path, status, field) => {
    await using house = startInstance();
    const code = status === 404 ? "not_found" : "invalid";
    expectRefusal(house, await house.getSecret(`/views/${path}`), { status, code, field });
  });

  test("stands in the list of views", async () => {
    await using house = startInstance();
    const { body } = await house.getSecret<{ views: { name: string }[] }>("/views");
    const names = body.views.map(({ name }) => name);
    expect(names).toEqual(["high-intent-leads", "campaign-performance", "recent-sessions", "intent-distribution"]);
    for (const name of names) expect((await house.getSecret(`/views/${name}`)).status).toBe(200);
  });
});
