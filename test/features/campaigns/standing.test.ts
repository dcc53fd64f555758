import { describe, expect, test } from "bun:test";
import { DAY_MS } from "../../../src/core/duration.ts";
import type { FullCampaignAnswer } from "../../../src/features/campaigns/campaign.ts";
import type { LeadAnswer, LeadsAnswer } from "../../../src/features/campaigns/leads.ts";
import type { CampaignsAnswer } from "../../../src/features/campaigns/list.ts";
import { NOON_MS } from "../../support/instance.ts";
import { expectRefusal } from "../../support/secrecy.ts";
import { type CampaignHouse, startCampaignHouse } from "../clicks/house.ts";

const CONVERSION = { event: "form_submit", metadata: { form: "contact" }, url: "/demo" };

/** Ann clicked and sent the form the next day, a scanner opened Bob's link, Cyd's was opened and nothing more. */
async function lively(house: CampaignHouse): Promise<void> {
  await house.open(house.linkOf("ann"));
  await house.show("ann-browser", house.linkOf("ann"));
  await house.open(house.linkOf("bob"), { headers: { "user-agent": "Mimecast URL Protect" } });
  await house.open(house.honeypotOf("spring"), { headers: { "user-agent": "Barracuda" } });
  house.clock.nowMs += DAY_MS;
  await house.open(house.linkOf("cyd"));
  await house.post("/track", { ...CONVERSION, anonymous_id: "ann-browser", session_id: "s2" });
}

const standingOf = async (house: CampaignHouse, id = "spring") =>
  (await house.getSecret<FullCampaignAnswer>(`/campaigns/${id}`)).body;

const leadsOf = async (house: CampaignHouse, query = ""): Promise<LeadAnswer[]> =>
  (await house.getSecret<LeadsAnswer>(`/campaigns/spring/leads${query}`)).body.leads;

const nameOf = ({ email }: LeadAnswer): string => email?.split("@")[0] ?? "";

describe("what came of a campaign", () => {
  test("is nothing at first", async () => {
    await using house = startCampaignHouse();
    expect(await standingOf(house)).toEqual({
      campaign_id: "cmp_1",
      slug: "spring",
      name: "Spring",
      base_url: "https://acme.example",
      landing: "/demo?plan=team",
      utm: { utm_source: "mail" },
      sent: 4,
      created_at: "2026-06-01T12:00:00.000Z",
      at: "2026-06-01T12:00:00.000Z",
      config_hash: expect.any(String),
      clicked: 0,
      identified: 0,
      levels: { cold: 0, warm: 0, hot: 0, burning: 0 },
      converted: 0,
      conversions: 0,
      machines_only: 0,
      pending: 0,
      forwarded: 0,
      clicks: { human: 0, machine: 0, pending: 0 },
      machine_reasons: {},
      by_day: [],
    });
  });

  test("counts leads by what humans did, and machines beside them", async () => {
    await using house = startCampaignHouse();
    await lively(house);
    const standing = await standingOf(house, "cmp_1");
    expect(standing).toMatchObject({
      sent: 4,
      clicked: 1,
      identified: 1,
      converted: 1,
      conversions: 1,
      machines_only: 1,
      pending: 1,
      forwarded: 0,
      clicks: { human: 1, machine: 2, pending: 1 },
    });
    expect(Object.values(standing.machine_reasons).reduce((sum, count) => sum + count, 0)).toBe(2);
    expect(Object.values(standing.levels).reduce((sum, count) => sum + count, 0)).toBe(1);
    const day = { clicked: 0, human_clicks: 0, machine_clicks: 0, pending_clicks: 0, conversions: 0 };
    expect(standing.by_day).toEqual([
      { ...day, day: "2026-06-01", clicked: 1, human_clicks: 1, machine_clicks: 2 },
      { ...day, day: "2026-06-02", pending_clicks: 1, conversions: 1 },
    ]);
    // The other campaign to the same people saw none of it.
    expect(await standingOf(house, "autumn")).toMatchObject({ sent: 4, clicked: 0, machines_only: 0, by_day: [] });
  });

  test("counts levels as they are now", async () => {
    await using house = startCampaignHouse();
    await lively(house);
    for (let view = 0; view < 4; view += 1) {
      const event = { event: "page_view", anonymous_id: "ann-browser", session_id: `s${view}`, url: "/pricing" };
      await house.post("/track", event);
    }
    expect((await standingOf(house)).levels.burning).toBe(1);
    house.clock.nowMs += 365 * DAY_MS;
    expect((await standingOf(house)).levels).toEqual({ cold: 1, warm: 0, hot: 0, burning: 0 });
  });

  test("a conversion before the click, of a machine, or that is none, is none of the campaign's", async () => {
    await using house = startCampaignHouse();
    await house.post("/track", { ...CONVERSION, anonymous_id: "ann-browser", session_id: "s0", event_id: "before" });
    house.clock.nowMs += 60_000;
    await house.open(house.linkOf("ann"));
    await house.show("ann-browser", house.linkOf("ann"));
    const newsletter = { ...CONVERSION, metadata: { form: "newsletter" } };
    await house.post("/track", { ...newsletter, anonymous_id: "ann-browser", session_id: "s1" });
    expect(await standingOf(house)).toMatchObject({ clicked: 1, converted: 0, conversions: 0 });
  });

  test("a config without conversions says that there are none to tell", async () => {
    const groups = { interest: { max: 100 } };
    const rules = [{ name: "visit", group: "interest", event: "page_view", points: 5 }];
    await using house = startCampaignHouse({ groups, rules });
    await lively(house);
    expect(await standingOf(house)).toMatchObject({ clicked: 1, converted: null, conversions: null });
  });

  test("who follows a link and is known to be somebody else is a click, and not the lead", async () => {
    await using house = startCampaignHouse();
    await house.open(house.linkOf("ann"));
    await house.show("ann-browser", house.linkOf("ann"));
    house.clock.nowMs += 3_600_000;
    await house.open(house.linkOf("bob"));
    await house.show("ann-browser", house.linkOf("bob"));
    expect(await standingOf(house)).toMatchObject({ clicked: 2, forwarded: 1, identified: 1 });
    expect((await leadsOf(house, "?status=identified")).map(nameOf)).toEqual(["ann"]);
  });
});

describe("the leads of a campaign", () => {
  test("each with how far it went, in the order of the list", async () => {
    await using house = startCampaignHouse({ public_url: "https://i.example" });
    await lively(house);
    const leads = await leadsOf(house);
    expect(leads.map((lead) => [nameOf(lead), lead.status])).toEqual([
      ["ann", "converted"],
      ["bob", "machine"],
      ["cyd", "pending"],
      ["dee", "sent"],
    ]);
    const link = house.linkOf("ann");
    expect(leads[0]).toEqual({
      link_id: link,
      email: "ann@acme.example",
      traits: { first_name: "Ann", name: "Ann", company: "Acme" },
      status: "converted",
      clicks: { human: 1, machine: 0, pending: 0 },
      machine_reasons: {},
      first_clicked_at: new Date(NOON_MS).toISOString(),
      last_opened_at: new Date(NOON_MS).toISOString(),
      person_id: expect.stringMatching(/^per_/),
      score: expect.any(Number),
      level: expect.any(String),
      conversions: 1,
      tracking_url: `https://i.example/c/spring/${link}`,
      direct_url: `https://acme.example/demo?plan=team&i=${link}&utm_campaign=spring&utm_source=mail`,
    });
  });

  test.each([
    ["sent", ["dee"]],
    ["machine", ["bob"]],
    ["pending", ["cyd"]],
    ["clicked", ["ann"]],
    ["identified", ["ann"]],
    ["converted", ["ann"]],
  ])("by status: %s", async (status, names) => {
    await using house = startCampaignHouse();
    await lively(house);
    expect((await leadsOf(house, `?status=${status}`)).map(nameOf)).toEqual(names);
  });

  test("page by page", async () => {
    await using house = startCampaignHouse();
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${cursor}`;
      const { body } = await house.getSecret<LeadsAnswer>(`/campaigns/spring/leads?limit=3${query}`);
      found.push(...body.leads.map(nameOf), "|");
      cursor = body.next_cursor;
    } while (cursor !== null);
    expect(found.join(" ")).toBe("ann bob cyd | dee |");
  });

  test("with hashes in the place of addresses", async () => {
    await using house = startCampaignHouse();
    const [ann] = await leadsOf(house, "?hash=email&limit=1");
    expect(ann?.email).toBeUndefined();
    expect(ann?.email_sha256).toBe(new Bun.CryptoHasher("sha256").update("ann@acme.example").digest("hex"));
  });

  test.each([
    ["?status=warm", "status"],
    ["?limit=0", "limit"],
    ["?cursor=x", "cursor"],
    ["?hash=phone", "hash"],
  ])("%s is refused", async (query, field) => {
    await using house = startCampaignHouse();
    expectRefusal(house, await house.getSecret(`/campaigns/spring/leads${query}`), {
      status: 422,
      code: "invalid",
      field,
    });
  });
});

test("campaigns are listed, the newest first, page by page", async () => {
  await using house = startCampaignHouse();
  const first = (await house.getSecret<CampaignsAnswer>("/campaigns?limit=1")).body;
  expect(first.campaigns.map(({ slug, sent }) => [slug, sent])).toEqual([["autumn", 4]]);
  const next = (await house.getSecret<CampaignsAnswer>(`/campaigns?limit=1&cursor=${first.next_cursor}`)).body;
  expect(next.campaigns.map(({ slug }) => slug)).toEqual(["spring"]);
  expect(next.next_cursor).toBeNull();
});
