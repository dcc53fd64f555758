import { describe, expect, test } from "bun:test";
import { parseIntentConfig } from "../../src/config/intent.ts";
import type { Touch } from "../../src/core/attribution.ts";
import { touchOf } from "../../src/core/attribution.ts";
import { compileChannels } from "../../src/core/channel.ts";
import { compileRules } from "../../src/core/compile.ts";
import { eventOf } from "./world.ts";

const parsed = parseIntentConfig("{}");
if (parsed.problems !== undefined) throw new Error(parsed.problems.join("\n"));
const channelOf = compileChannels(parsed.config.channels);

describe("the channel of a touch, by the default table", () => {
  const table: [origin: Omit<Touch, "at">, channel: string][] = [
    [{}, "direct"],
    [{ landing: "/pricing" }, "direct"],
    [{ referrer: "google.co.za" }, "search"],
    [{ referrer: "google" }, "search"],
    [{ referrer: "search.brave.com" }, "search"],
    [{ referrer: "duckduckgo.com" }, "search"],
    [{ source: "Google", medium: "cpc" }, "search"],
    [{ click_id: "gclid" }, "search"],
    [{ click_id: "msclkid" }, "search"],
    [{ referrer: "l.facebook.com" }, "social"],
    [{ referrer: "t.co" }, "social"],
    [{ referrer: "news.ycombinator.com" }, "social"],
    [{ source: "linkedin", medium: "cpc" }, "social"],
    [{ click_id: "fbclid" }, "social"],
    [{ click_id: "li_fat_id" }, "social"],
    [{ referrer: "mail.google.com" }, "email"],
    [{ referrer: "com.google.android.gm" }, "email"],
    [{ source: "google", medium: "email" }, "email"],
    [{ click_id: "_kx" }, "email"],
    [{ referrer: "chatgpt.com" }, "ai_assistant"],
    [{ referrer: "gemini.google.com" }, "ai_assistant"],
    [{ source: "perplexity" }, "ai_assistant"],
    [{ referrer: "docs.google.com" }, "referral"],
    [{ referrer: "partner.example" }, "referral"],
    [{ campaign: "spring" }, "referral"],
    [{ referrer: "bingo.example" }, "referral"],
  ];
  test.each(table)("%j: %s", (origin, channel) => {
    expect(channelOf({ at: 1, ...origin })).toBe(channel);
  });
});

test("a rule may ask for the channel of its event's touch; without a touch there is none", () => {
  const rules = compileRules(
    {
      page_classes: {},
      groups: { all: { max: 10 } },
      rules: [
        { name: "searched", group: "all", event: "*", when: { attribution: { channel: "search" } }, points: 1 },
        { name: "came", group: "all", event: "*", when: { attribution: { channel: "direct" } }, points: 1 },
      ],
      thresholds: {},
      channels: { search: ["google"] },
    },
    "test",
  );
  const matched = (event: object) => {
    const whole = eventOf({ eventId: "e", occurredMs: 1, ...event });
    return rules.matching(whole, touchOf(whole)).map(({ name }) => name);
  };
  expect(matched({ referrer: "https://www.google.com/" })).toEqual(["searched"]);
  expect(matched({ url: "/", properties: { landing_page: "/" } })).toEqual(["came"]);
  expect(matched({ url: "/" })).toEqual([]);
});
