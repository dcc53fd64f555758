import { describe, expect, test } from "bun:test";
import { CLICKS_PER_LINK_DAY_MAX } from "../../../src/core/click.ts";
import { BROWSER, type SentHeaders } from "../../support/instance.ts";
import { type CampaignHouse, startCampaignHouse } from "./house.ts";

describe("a link leads", () => {
  test("to the campaign's landing page, with its own query, whose link it is and the utm parameters", async () => {
    await using house = startCampaignHouse();
    const link = house.linkOf("ann");
    const answer = await house.open(link);
    expect(answer.status).toBe(302);
    expect(answer.headers.get("location")).toBe(
      `https://acme.example/demo?plan=team&i=${link}&utm_campaign=spring&utm_source=mail`,
    );
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    expect(answer.headers.get("x-robots-tag")).toContain("noindex");
    expect(house.verdicts()).toEqual(["pending"]);
    expect(house.clicks()).toMatchObject([{ link_id: link, via: "redirect", times: 1 }]);
  });

  const nobodys = ["zzzzzz", "https:%2F%2Fevil.example", "..%2F..%2Fetc", "%00", "%E0%A4%A", "null", "a".repeat(3_000)];
  test.each(nobodys)("with an id that is nobody's (%s) to the page as it is, and leaves no row", async (id) => {
    await using house = startCampaignHouse();
    const answer = await house.open(id);
    expect([answer.status, answer.headers.get("location")]).toEqual([
      302,
      "https://acme.example/demo?plan=team&utm_campaign=spring&utm_source=mail",
    ]);
    expect(house.clicks()).toEqual([]);
  });

  test("to nothing but what is stored: no part of a request reaches the address", async () => {
    await using house = startCampaignHouse();
    const link = house.linkOf("ann");
    for (const tail of ["?url=https://evil.example", "?next=//evil.example&utm_source=evil", "?i=other"]) {
      const answer = await house.open(`${link}${tail}`, {
        headers: { host: "evil.example", "x-forwarded-host": "evil" },
      });
      expect(answer.headers.get("location")).toBe(
        `https://acme.example/demo?plan=team&i=${link}&utm_campaign=spring&utm_source=mail`,
      );
    }
  });

  test.each(["unknown", "SPRING", "%E0%A4%A", "a'b"])(
    "nowhere when the campaign (%s) is unknown, and says so on a page",
    async (slug) => {
      await using house = startCampaignHouse();
      const answer = await house.open(house.linkOf("ann"), { slug });
      expect(answer.status).toBe(404);
      expect(answer.headers.get("content-type")).toContain("text/html");
      expect(answer.text).toContain("leads nowhere");
      expect(answer.headers.get("x-robots-tag")).toContain("noindex");
      expect(house.clicks()).toEqual([]);
    },
  );

  test("everybody to the same place, whoever they are taken for", async () => {
    await using house = startCampaignHouse();
    const link = house.linkOf("ann");
    const [human, scanner, head] = [
      await house.open(link),
      await house.open(link, { headers: { "user-agent": "Barracuda Sentinel (EE)" } }),
      await house.open(link, { method: "HEAD" }),
    ];
    expect(scanner.headers.get("location")).toBe(human.headers.get("location"));
    expect([head.status, head.headers.get("location")]).toEqual([302, human.headers.get("location")]);
  });

  test("who declines to be known to the page, and no row tells that they came", async () => {
    await using house = startCampaignHouse();
    const answer = await house.open(house.linkOf("ann"), { headers: { "sec-gpc": "1" } });
    expect(answer.headers.get("location")).not.toContain("i=");
    expect(house.clicks()).toEqual([]);
  });
});

describe("a request that", () => {
  const machines: { what: string; method?: string; headers: SentHeaders; verdict: string }[] = [
    { what: "asks for the headers only", method: "HEAD", headers: {}, verdict: "machine head" },
    { what: "fetches ahead", headers: { "sec-purpose": "prefetch;prerender" }, verdict: "machine prefetch" },
    { what: "fetches ahead, in the old words", headers: { "x-moz": "prefetch" }, verdict: "machine prefetch" },
    { what: "previews", headers: { purpose: "preview" }, verdict: "machine prefetch" },
    { what: "has no name", headers: { "user-agent": "" }, verdict: "machine no_user_agent" },
    { what: "is a crawler's", headers: { "user-agent": "Slackbot-LinkExpanding 1.0" }, verdict: "machine user_agent" },
    { what: "is a scanner's", headers: { "user-agent": "proofpoint" }, verdict: "machine user_agent" },
    { what: "is a program's", headers: { "user-agent": "python-requests/2.32" }, verdict: "machine user_agent" },
    { what: "is a browser's waits for evidence", headers: {}, verdict: "pending" },
  ];
  test.each(machines)("$what: $verdict", async ({ method = "GET", headers, verdict }) => {
    await using house = startCampaignHouse();
    await house.open(house.linkOf("ann"), { method, headers });
    expect(house.verdicts()).toEqual([verdict]);
    expect(house.rows("select * from event")).toEqual([]);
    expect(house.people()).toEqual([]);
  });
});

describe("over several openings", () => {
  const from = (network: string, agent = BROWSER): SentHeaders => ({ "x-forwarded-for": network, "user-agent": agent });

  test("three people's links from one network within seconds are one machine, the first of them too", async () => {
    await using house = startCampaignHouse();
    for (const name of ["ann", "bob", "cyd"]) {
      await house.open(house.linkOf(name), { headers: from("203.0.113.9") });
      house.clock.nowMs += 2_000;
    }
    expect(house.verdicts()).toEqual(["machine burst", "machine burst", "machine burst"]);
  });

  test("the same from three networks, or over a minute, may be people", async () => {
    await using house = startCampaignHouse();
    for (const [index, name] of ["ann", "bob", "cyd"].entries()) {
      await house.open(house.linkOf(name), { headers: from(`203.0.113.${index}`) });
      house.clock.nowMs += 2_000;
    }
    house.clock.nowMs += 60_000;
    for (const name of ["ann", "bob", "cyd"]) {
      await house.open(house.linkOf(name), { headers: from("203.0.113.50") });
      house.clock.nowMs += 20_000;
    }
    expect(new Set(house.verdicts())).toEqual(new Set(["pending"]));
  });

  test("one person's link three times within seconds is a machine's, from wherever; a double click is not", async () => {
    await using house = startCampaignHouse();
    await house.open(house.linkOf("bob"));
    await house.open(house.linkOf("bob"));
    for (const network of ["203.0.113.1", "198.51.100.2", "192.0.2.3"]) {
      house.clock.nowMs += 500;
      await house.open(house.linkOf("ann"), { headers: from(network) });
    }
    expect(house.verdicts()).toEqual(["pending", "pending", "machine burst", "machine burst", "machine burst"]);
  });

  test("the hidden link marks who opens it: what came shortly before, and what comes for minutes on", async () => {
    await using house = startCampaignHouse();
    const scanner = from("203.0.113.9");
    await house.open(house.linkOf("ann"), { headers: scanner });
    house.clock.nowMs += 3 * 60_000;
    await house.open(house.linkOf("ann"), { headers: from("198.51.100.7") });
    const trapped = await house.open(house.honeypotOf("spring"), { headers: scanner });
    expect(trapped.headers.get("location")).not.toContain("i=");
    house.clock.nowMs += 60_000;
    await house.open(house.linkOf("bob"), { headers: scanner });
    expect(house.verdicts()).toEqual(["machine honeypot", "pending", "machine honeypot", "machine honeypot"]);
    house.clock.nowMs += 11 * 60_000;
    await house.open(house.linkOf("cyd"), { headers: scanner });
    expect(house.verdicts().at(-1)).toBe("pending");
  });

  test("no address is stored or logged, nor what it could be known by", async () => {
    await using house = startCampaignHouse();
    await house.open(house.linkOf("ann"), { headers: from("203.0.113.9") });
    await house.open(house.honeypotOf("spring"), { headers: from("203.0.113.9") });
    const stored = JSON.stringify([house.clicks(), house.rows("select * from audit"), house.logged]);
    expect(stored).not.toContain("203.0.113");
  });
});

test("a link that is opened without end has so many rows a day, and the rest is counted", async () => {
  await using house = startCampaignHouse();
  const opened = CLICKS_PER_LINK_DAY_MAX + 50;
  for (let index = 0; index < opened; index += 1) {
    await house.open(house.linkOf("ann"), { headers: { "user-agent": "curl/8" } });
    house.clock.nowMs += 30_000;
  }
  const rows = house.clicks();
  expect(rows).toHaveLength(CLICKS_PER_LINK_DAY_MAX);
  expect(rows.reduce((sum, { times }) => sum + times, 0)).toBe(opened);
  house.clock.nowMs += 24 * 60 * 60_000;
  await house.open(house.linkOf("ann"));
  expect(house.clicks()).toHaveLength(CLICKS_PER_LINK_DAY_MAX + 1);
});

describe("beyond the day's rows", () => {
  /** How many openings are taken for what. */
  const openings = (house: CampaignHouse) =>
    Object.fromEntries(
      house
        .rows<{ kind: string; openings: number }>(
          `select concat_ws(' ', slug, verdict, reason) as kind, sum(times) as openings
           from campaign_click join campaign using (campaign_id) group by kind order by kind`,
        )
        .map(({ kind, openings: count }) => [kind, count]),
    );
  const openOften = async (house: CampaignHouse, count: number, apartMs: number, options: object = {}) => {
    for (let index = 0; index < count; index += 1) {
      house.clock.nowMs += apartMs;
      await house.open(house.linkOf("ann"), options);
    }
  };

  test("a hand decides one opening and no more, however many its row stands for", async () => {
    await using house = startCampaignHouse();
    await openOften(house, 400, 1_000);
    expect(openings(house)).toEqual({ "spring machine burst": 400 });
    await house.show("phone-1234", house.linkOf("ann"));
    expect(openings(house)).toEqual({ "spring human": 1, "spring machine burst": 399 });
    await house.show("phone-1234", house.linkOf("ann"));
    expect(openings(house)).toEqual({ "spring human": 2, "spring machine burst": 398 });
    expect(house.clicks().length).toBeLessThanOrEqual(CLICKS_PER_LINK_DAY_MAX + 1);
    const [human] = house.clicks().filter(({ verdict }) => verdict === "human");
    expect(human?.identity_id).not.toBeNull();
    const { body } = await house.getSecret<{ clicks: object }>("/campaigns/spring");
    expect(body.clicks).toMatchObject({ human: 2, machine: 398 });
  });

  test("an opening is counted where those of its campaign and kind are, and the first of a kind has its own row", async () => {
    await using house = startCampaignHouse();
    await openOften(house, CLICKS_PER_LINK_DAY_MAX, 30_000, { headers: { "user-agent": "curl/8" } });
    await openOften(house, 3, 30_000);
    await openOften(house, 2, 30_000, { slug: "autumn" });
    await openOften(house, 5, 30_000, { headers: { "user-agent": "curl/8" } });
    const kinds = { "autumn pending": 2, "spring machine user_agent": CLICKS_PER_LINK_DAY_MAX + 5 };
    expect(openings(house)).toEqual({ ...kinds, "spring pending": 3 });
    expect(house.clicks()).toHaveLength(CLICKS_PER_LINK_DAY_MAX + 2);
    await house.show("phone-1234", house.linkOf("ann"));
    expect(openings(house)).toEqual({ ...kinds, "spring human": 1, "spring pending": 2 });
  });
});

test("a burst calls back what waits, and never a click that a hand has decided", async () => {
  await using house = startCampaignHouse();
  const link = house.linkOf("ann");
  await house.open(link);
  await house.show("phone-1234", link);
  expect(house.verdicts()).toEqual(["human"]);
  for (let index = 0; index < 2; index += 1) {
    house.clock.nowMs += 1_000;
    await house.open(link);
  }
  expect(house.verdicts()).toEqual(["human", "machine burst", "machine burst"]);
});
