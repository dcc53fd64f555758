import { describe, expect, test } from "bun:test";
import type { TrackAnswer } from "../../../src/features/track/track.ts";
import { BROWSER, type SentHeaders, startInstance } from "../../support/instance.ts";

const pricing = { event: "page_view", anonymous_id: "visitor-1", url: "/pricing" };

describe("a machine's events are kept with the reason, and not scored", () => {
  const machines: [string, { headers?: SentHeaders; metadata?: object; bot: string }][] = [
    [
      "a crawler",
      {
        headers: { "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" },
        bot: "user_agent",
      },
    ],
    [
      "a crawler of a chat program",
      { headers: { "user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)" }, bot: "user_agent" },
    ],
    [
      "a browser without a window",
      { headers: { "user-agent": BROWSER.replace("Chrome/", "HeadlessChrome/") }, bot: "user_agent" },
    ],
    ["a prefetch", { headers: { "sec-purpose": "prefetch" }, bot: "prefetch" }],
    ["a prerender", { headers: { "sec-purpose": "prefetch;prerender" }, bot: "prefetch" }],
    ["a prefetch in older words", { headers: { purpose: "prefetch" }, bot: "prefetch" }],
    ["a preview", { headers: { purpose: "preview" }, bot: "prefetch" }],
    ["a prefetch in Firefox's words", { headers: { "x-moz": "prefetch" }, bot: "prefetch" }],
    ["a driven browser", { metadata: { webdriver: true }, bot: "webdriver" }],
  ];
  test.each(machines)("%s", async (_, { headers, metadata, bot }) => {
    await using house = startInstance();
    const events = Array(10).fill({ ...pricing, metadata });
    const { status, body } = await house.post<TrackAnswer>("/track", events, headers);
    expect({ status, accepted: body.accepted }).toEqual({ status: 200, accepted: 10 });
    expect(house.rows("select distinct bot from event")).toEqual([{ bot }]);
    expect(house.rows("select score, sums from intent_score")).toEqual([{ score: 0, sums: "{}" }]);
    expect(house.rows("select 1 from signal")).toEqual([]);
  });

  test("an identify by a crawler ties, and gives no points", async () => {
    await using house = startInstance();
    const headers = { "user-agent": "Googlebot/2.1" };
    const identity = { email: "ada@acme.example" };
    expect((await house.post("/identify", { anonymous_id: "visitor-1", identity }, headers)).status).toBe(200);
    expect(house.rows("select name, bot from event")).toEqual([{ name: "identify", bot: "user_agent" }]);
    expect(house.rows("select score from intent_score")).toEqual([{ score: 0 }]);
  });
});

describe("no machines", () => {
  const agents: string[] = [
    BROWSER,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0",
    "curl/8.14.1",
    "Wget/1.25.0",
    "node",
    "node-fetch/3.3.2",
    "undici",
    "Bun/1.4.5",
    "Deno/2.3.0",
    "axios/1.9.0",
    "python-requests/2.32.3",
    "Python/3.13 aiohttp/3.12.0",
    "Go-http-client/2.0",
    "okhttp/4.12.0",
    "Java/21.0.7",
    "Ruby",
    "GuzzleHttp/7",
    "PostmanRuntime/7.44.0",
    "HTTPie/3.2.4",
    "",
  ];
  test.each(agents.map((agent) => [agent]))('"%s"', async (agent) => {
    await using house = startInstance();
    await house.post("/track", pricing, { "user-agent": agent });
    expect(house.rows("select e.bot, s.score from event e, intent_score s")).toEqual([{ bot: null, score: 33 }]);
  });

  const people: [string, { headers?: SentHeaders; metadata?: object }][] = [
    ["a browser that says it is not driven", { metadata: { webdriver: false } }],
    ["another purpose", { headers: { "sec-purpose": "other" } }],
  ];
  test.each(people)("%s", async (_, { headers, metadata }) => {
    await using house = startInstance();
    await house.post("/track", { ...pricing, metadata }, headers);
    expect(house.rows("select e.bot, s.score from event e, intent_score s")).toEqual([{ bot: null, score: 33 }]);
  });

  test("a server with the secret key may send under any name", async () => {
    await using house = startInstance();
    await house.postSecret("/track", pricing, { "user-agent": "my-crawler-bot/1.0" });
    expect(house.rows("select e.bot, s.score from event e, intent_score s")).toEqual([{ bot: null, score: 33 }]);
  });

  test("one machine in a person's past takes nothing from the person", async () => {
    await using house = startInstance();
    await house.post("/track", pricing);
    await house.post("/track", pricing, { "user-agent": "Googlebot/2.1" });
    const { body } = await house.postSecret<TrackAnswer>("/track", { ...pricing, metadata: { webdriver: true } });
    expect(body.events[0]).toMatchObject({ status: "accepted", score: 33, delta: 0, signals: [] });
    expect((await house.postSecret<TrackAnswer>("/track", pricing)).body.events[0]).toMatchObject({
      score: 41,
      delta: 8,
    });
  });
});
