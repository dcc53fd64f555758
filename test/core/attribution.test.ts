import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Attribution,
  attributionOf,
  combineAttribution,
  type Touch,
  touchOf,
} from "../../src/core/attribution.ts";
import { attributionData, compileChannels } from "../../src/core/channel.ts";
import { holds } from "./property.ts";
import { eventOf } from "./world.ts";

const AT_MS = 1_700_000_000_000;

describe("the touch of an event", () => {
  const touches: { what: string; event: Parameters<typeof eventOf>[0] | object; touch: object | null }[] = [
    { what: "that names no origin", event: { url: "/a" }, touch: null },
    {
      what: "with utm in its url",
      event: { url: "https://example.com/a?utm_source=news&utm_medium=email&utm_campaign=may&x=1#utm_term=no" },
      touch: { source: "news", medium: "email", campaign: "may", landing: "/a" },
    },
    {
      what: "with utm in its properties, which win",
      event: { url: "/a?utm_source=url", properties: { utm_source: "said", utm_content: "" } },
      touch: { source: "said", landing: "/a" },
    },
    {
      what: "with a click id",
      event: { url: "/?gclid=abc" },
      touch: { click_id: "gclid", click_id_value: "abc", landing: "/" },
    },
    {
      what: "with a click id too long to be kept whole",
      event: { url: `/?gclid=${"x".repeat(401)}` },
      touch: { click_id: "gclid", landing: "/" },
    },
    {
      what: "from outside",
      event: { url: "https://example.com/a", referrer: "https://www.News.example/b" },
      touch: { referrer: "news.example", landing: "/a" },
    },
    { what: "from a source named by word", event: { referrer: "google" }, touch: { referrer: "google" } },
    {
      what: "from its own site",
      event: { url: "https://www.example.com/a", referrer: "https://example.com/" },
      touch: null,
    },
    { what: "from a path of its own site", event: { url: "/a", referrer: "/b" }, touch: null },
    {
      what: "that is an arrival and names no origin",
      event: { url: "/a", properties: { landing_page: "/a" } },
      touch: { landing: "/a" },
    },
    {
      what: "that is an arrival from another sub-domain",
      event: {
        url: "https://blog.example.com/a",
        referrer: "https://www.example.com/",
        properties: { landing_page: "https://blog.example.com/a" },
      },
      touch: null,
    },
    { what: "with an utm that is no text", event: { properties: { utm_source: 7 } }, touch: null },
    {
      what: "with an utm too long",
      event: { properties: { utm_source: "x".repeat(900) } },
      touch: { source: "x".repeat(200) },
    },
  ];
  test.each(touches)("$what", ({ event, touch }) => {
    expect(touchOf(eventOf({ eventId: "e", occurredMs: AT_MS, ...event }))).toEqual(
      touch === null ? null : { at: AT_MS, ...touch },
    );
  });
});

describe("first, last and last non-direct touch", () => {
  const touch: fc.Arbitrary<Touch> = fc.oneof(
    fc.record({ at: fc.nat(3), source: fc.constantFrom("news", "ads", "social") }),
    fc.record({ at: fc.nat(3), landing: fc.constantFrom("/", "/pricing") }),
  );
  const attribution: fc.Arbitrary<Attribution | null> = fc.option(touch.map(attributionOf));

  test("come out the same in any order and grouping, also of touches of the same moment", () => {
    const property = fc.property(fc.array(attribution, { maxLength: 6 }), fc.nat(6), (all, split) => {
      const combine = (some: (Attribution | null)[]) => some.reduce(combineAttribution, null);
      const expected = combine(all);
      expect(combine([...all].reverse())).toEqual(expected);
      expect(combineAttribution(combine(all.slice(split)), combine(all.slice(0, split)))).toEqual(expected);
    });
    holds(property, 500);
  });

  test("are the earliest, the latest, and the latest that names an origin", () => {
    const news: Touch = { at: 2, source: "news" };
    const all = [news, { at: 3, landing: "/" }, { at: 1, landing: "/" }].map(attributionOf);
    expect(all.reduce<Attribution | null>(combineAttribution, null)).toEqual({
      first: { at: 1, landing: "/" },
      last: { at: 3, landing: "/" },
      last_non_direct: news,
    });
  });

  test("are told with their time and channel", () => {
    const both = combineAttribution(attributionOf({ at: 0, source: "news" }), attributionOf({ at: 1, landing: "/" }));
    const channelOf = compileChannels({ press: ["news"] });
    const news = { at: "1970-01-01T00:00:00.000Z", source: "news", channel: "press" };
    expect(attributionData(both, channelOf)).toEqual({
      first: news,
      last: { at: "1970-01-01T00:00:00.001Z", landing: "/", channel: "direct" },
      last_non_direct: news,
    });
    expect(attributionData(null, channelOf)).toBeNull();
  });
});
