import { describe, expect, test } from "bun:test";
import { DAY_MS } from "../../../src/core/duration.ts";
import { withSecret } from "../../support/instance.ts";
import { startCampaignHouse } from "./house.ts";

const look = (visitor: string, extra: object = {}) => ({
  event: "page_view",
  anonymous_id: visitor,
  session_id: `session-${visitor}`,
  url: "/demo",
  ...extra,
});

describe("evidence of a hand", () => {
  test("makes the redirect a human's, the visitor the lead's, and scores once", async () => {
    await using house = startCampaignHouse();
    const link = house.linkOf("ann");
    await house.open(link);
    await house.post("/v1/e", look("phone-1234"));
    house.clock.nowMs += 4_000;
    const event = { event_id: "one" };
    const shown = await house.show("phone-1234", link, event);
    expect(shown.body.events).toEqual([{ event_id: "one", status: "accepted" }]);
    expect(house.verdicts()).toEqual(["human"]);
    expect(house.people()).toEqual(["ann@acme.example link phone-1234"]);
    const score = await house.scoreOf("ann@acme.example");
    expect((await house.show("phone-1234", link, event)).body.events).toEqual([
      { event_id: "one", status: "duplicate" },
    ]);
    await house.show("phone-1234", link, { event_id: "another page" });
    expect(await house.scoreOf("ann@acme.example")).toBeCloseTo(score, 6);
    const { body } = await house.getSecret<{ contributions: { rule: string; count: number }[] }>(
      "/people/ann@acme.example/explain",
    );
    expect(body.contributions.find(({ rule }) => rule === "campaign_click")?.count).toBe(1);
    expect(house.rows("select through from merge")).toEqual([{ through: "public:campaign_link+anonymous_id" }]);
    expect(house.rows("select traits, verified_traits from person where merged_into is null")).toEqual([
      { traits: "{}", verified_traits: expect.stringContaining('"first_name":"Ann"') },
    ]);
  });

  const campaigns: { what: string; url: string; opened: string | null; slug: string; via: string }[] = [
    { what: "the redirect's", url: "/demo?utm_campaign=spring", opened: "spring", slug: "spring", via: "redirect" },
    {
      what: "the one its address names",
      url: "/demo?utm_campaign=spring",
      opened: null,
      slug: "spring",
      via: "direct",
    },
    {
      what: "the one with a utm_campaign of its own",
      url: "/demo?utm_campaign=fall",
      opened: null,
      slug: "autumn",
      via: "direct",
    },
    { what: "the latest, when the address names none", url: "/demo", opened: null, slug: "autumn", via: "direct" },
    {
      what: "the latest, when it names another's",
      url: "/demo?utm_campaign=x",
      opened: null,
      slug: "autumn",
      via: "direct",
    },
    {
      what: "the opened one, when the address has lost its name",
      url: "/demo",
      opened: "spring",
      slug: "spring",
      via: "redirect",
    },
  ];
  test.each(campaigns)("belongs to the campaign: $what", async ({ url, opened, slug, via }) => {
    await using house = startCampaignHouse();
    const link = house.linkOf("ann");
    if (opened !== null) await house.open(link, { slug: opened });
    await house.show("phone-1234", link, { url });
    const found = house.rows(
      "select c.slug, k.via, k.verdict from campaign_click k join campaign c using (campaign_id)",
    );
    expect(found).toEqual([{ slug, via, verdict: "human" }]);
  });

  test("that comes late takes a given-up click back", async () => {
    await using house = startCampaignHouse();
    const link = house.linkOf("ann");
    await house.open(link);
    house.clock.nowMs += 60 * 60_000;
    house.settleClicks();
    expect(house.verdicts()).toEqual(["machine no_evidence"]);
    await house.show("phone-1234", link);
    expect(house.verdicts()).toEqual(["human"]);
  });

  const doubtful: { what: string; event: object; headers?: Record<string, string>; reason: string }[] = [
    { what: "a driven browser", event: { metadata: { evidence: "moved", webdriver: true } }, reason: "webdriver" },
    { what: "a crawler", event: {}, headers: { "user-agent": "Googlebot/2.1" }, reason: "user_agent" },
    { what: "nobody's hand", event: { metadata: {} }, reason: "no_evidence" },
    { what: "made-up evidence", event: { metadata: { evidence: "wished" } }, reason: "no_evidence" },
  ];
  test.each(doubtful)(
    "of $what is kept as a machine's with its reason, and earns nothing",
    async ({ event, headers, reason }) => {
      await using house = startCampaignHouse();
      const link = house.linkOf("ann");
      await house.open(link);
      const metadata = { link, evidence: "moved", ...(event as { metadata?: object }).metadata };
      const given = "metadata" in event && Object.keys(event.metadata as object).length === 0 ? { link } : metadata;
      const body = { ...look("phone-1234", { event: "campaign_click", metadata: given }) };
      expect((await house.post("/v1/e", body, headers ?? {})).status).toBe(200);
      expect(house.verdicts()).toEqual([`machine ${reason}`]);
      expect(house.rows("select bot from event")).toEqual([{ bot: reason }]);
      expect(house.people()).toEqual(["phone-1234"]);
      expect(await house.scoreOf("phone-1234")).toBe(0);
    },
  );

  test.each([{ link: "made-up" }, { link: 7 }, { link: "x".repeat(500) }, {}])(
    "for a link that is nobody's (%p) earns nothing and makes nobody",
    async (metadata) => {
      await using house = startCampaignHouse();
      const answer = await house.show("phone-1234", "", { metadata: { evidence: "moved", ...metadata } });
      expect(answer.status).toBe(200);
      expect(house.people()).toEqual(["phone-1234"]);
      expect(await house.scoreOf("phone-1234")).toBe(0);
      expect(house.clicks()).toEqual([]);
    },
  );

  test("from where the hidden link was opened is the scanner's, whatever it shows", async () => {
    await using house = startCampaignHouse();
    const link = house.linkOf("ann");
    const scanner = { "x-forwarded-for": "203.0.113.9" };
    await house.open(link, { headers: scanner });
    await house.open(house.honeypotOf("spring"), { headers: scanner });
    const event = look("sandbox-1", { event: "campaign_click", metadata: { link, evidence: "moved" } });
    await house.post("/v1/e", event, scanner);
    expect(house.rows("select bot from event")).toEqual([{ bot: "honeypot" }]);
    expect(house.people()).toEqual(["sandbox-1"]);
    expect(house.verdicts()).toEqual(["machine honeypot", "machine honeypot"]);
  });

  test("is the secret key's own word without a link: the operator's mail tool may say it", async () => {
    await using house = startCampaignHouse();
    await house.postSecret("/track", { event: "campaign_click", email: "ann@acme.example" });
    expect(await house.scoreOf("ann@acme.example")).toBeGreaterThan(0);
  });
});

describe("whose browser it is", () => {
  test("a forwarded mail: the reader who says another e-mail goes their own way", async () => {
    await using house = startCampaignHouse();
    await house.post("/v1/e", look("colleague-1"));
    await house.show("colleague-1", house.linkOf("ann"));
    await house.post("/identify", { anonymous_id: "colleague-1", identity: { email: "zed@acme.example" } });
    await house.post("/v1/e", look("colleague-1", { url: "/pricing" }));
    expect(house.people()).toEqual(["ann@acme.example link", "zed@acme.example colleague-1"].sort());
    expect(house.rows("select count(*) as merges from merge")).toEqual([{ merges: 1 }]);
  });

  test("a forwarded mail opened by somebody known counts for them, and the row says so", async () => {
    await using house = startCampaignHouse();
    await house.post("/identify", { anonymous_id: "colleague-1", identity: { email: "zed@acme.example" } });
    const before = await house.scoreOf("zed@acme.example");
    await house.show("colleague-1", house.linkOf("ann"));
    expect(house.people()).toEqual(["zed@acme.example colleague-1"]);
    expect(house.verdicts()).toEqual(["human other_person"]);
    expect(await house.scoreOf("zed@acme.example")).toBeGreaterThan(before);
  });

  test("a second device is the same person", async () => {
    await using house = startCampaignHouse();
    for (const device of ["phone-1234", "laptop-1234"]) {
      await house.post("/v1/e", look(device));
      await house.show(device, house.linkOf("ann"));
    }
    expect(house.people()).toEqual(["ann@acme.example link laptop-1234 phone-1234"]);
  });

  test("on the 91st day the mail is still the lead's: a browser that has forgotten is bound anew, one that looks around is not", async () => {
    await using house = startCampaignHouse();
    await house.show("phone-1234", house.linkOf("ann"));
    house.clock.nowMs += 91 * DAY_MS;
    // The browser's id has expired, so that it comes under a new one.
    await house.post("/v1/e", look("forgotten-1"));
    expect(house.people()).toEqual(["ann@acme.example link phone-1234", "forgotten-1"]);
    await house.show("forgotten-1", house.linkOf("ann"));
    expect(house.people()).toEqual(["ann@acme.example link forgotten-1 phone-1234"]);
    expect(house.verdicts()).toEqual(["human", "human"]);
  });

  test("a merge through a link is undone like any other, and the same link does not bring it back", async () => {
    await using house = startCampaignHouse();
    await house.post("/v1/e", look("colleague-1", { url: "/pricing" }));
    const alone = await house.scoreOf("colleague-1");
    await house.show("colleague-1", house.linkOf("ann"));
    const [merge] = house.rows<{ merge_id: number }>("select merge_id from merge");
    await house.engine.submit([{ type: "undo", mergeId: merge?.merge_id ?? 0, keyId: "test" }]);
    expect(house.people().sort()).toEqual(["ann@acme.example link", "colleague-1"]);
    expect(await house.scoreOf("colleague-1")).toBeGreaterThan(alone);
    await house.show("colleague-1", house.linkOf("ann"));
    expect(house.people().sort()).toEqual(["ann@acme.example link", "colleague-1"]);
    expect(house.verdicts()).toEqual(["human", "human other_person"]);
  });

  test("who was erased stays away, whoever follows their link", async () => {
    await using house = startCampaignHouse();
    const link = house.linkOf("ann");
    await house.show("phone-1234", link);
    const erasure = new Request("http://localhost/people/ann@acme.example", { method: "DELETE", headers: withSecret });
    expect((await house.app.handle(erasure)).status).toBe(200);
    const again = await house.open(link);
    expect(again.headers.get("location")).not.toContain("i=");
    await house.show("phone-5678", link);
    expect(house.people()).toEqual(["phone-5678"]);
    expect(await house.scoreOf("phone-5678")).toBe(0);
    expect(house.clicks()).toEqual([]);
  });

  test("a bot's evidence first does not stand in the way of the human's", async () => {
    await using house = startCampaignHouse();
    const link = house.linkOf("ann");
    await house.open(link);
    await house.show("phone-1234", link, { metadata: { link, evidence: "moved", webdriver: true } });
    house.clock.nowMs += 60_000;
    await house.open(link);
    await house.show("phone-5678", link);
    expect(house.verdicts()).toEqual(["machine webdriver", "human"]);
  });
});
