import { describe, expect, test } from "bun:test";
import { touchOf } from "../../src/core/attribution.ts";
import { compileRules } from "../../src/core/compile.ts";
import { parseDurationMs } from "../../src/core/duration.ts";
import type { Event } from "../../src/core/event.ts";
import type { Json } from "../../src/core/json.ts";
import {
  type Condition,
  checkReferences,
  type Matcher,
  ruleSchema,
  type Scoring,
  scoringShape,
} from "../../src/core/rules.ts";
import { everyKindOfRule, neverFalls } from "./scoring.ts";
import { eventOf } from "./world.ts";

function scoringWith(when: Condition, event: string | string[] = "*"): Scoring {
  return {
    page_classes: { pricing: ["/pricing*"], docs: ["/docs*", "docs.example.com/*"], rest: ["*"] },
    groups: { all: { max: 100 } },
    rules: [{ name: "one", group: "all", event, when, points: 1 }],
    thresholds: {},
  };
}

function isMatched(when: Condition, event: Partial<Event>, name?: string | string[]): boolean {
  const subject = eventOf({ eventId: "e", occurredMs: 0, ...event });
  return compileRules(scoringWith(when, name), "test").matching(subject, touchOf(subject)).length === 1;
}

describe("a rule's event", () => {
  const names: { named: string | string[]; name: string; matches: boolean }[] = [
    { named: "demo", name: "demo", matches: true },
    { named: "demo", name: "Demo", matches: false },
    { named: ["demo", "trial"], name: "trial", matches: true },
    { named: ["demo", "trial"], name: "page_view", matches: false },
    { named: "*", name: "whatever", matches: true },
    { named: ["demo", "*"], name: "whatever", matches: true },
    { named: "demo", name: "constructor", matches: false },
  ];
  test.each(names)("$named takes $name: $matches", ({ named, name, matches }) => {
    expect(isMatched({}, { name }, named)).toBe(matches);
  });

  test("named twice, by its name and by any, still counts once", () => {
    expect(isMatched({}, { name: "demo" }, ["demo", "*"])).toBe(true);
  });
});

describe("a page class", () => {
  const pages: { event: Partial<Event>; pageClass: string | string[]; matches: boolean }[] = [
    { event: { url: "/pricing/pro" }, pageClass: "pricing", matches: true },
    { event: { url: "/pricing/pro" }, pageClass: ["docs", "pricing"], matches: true },
    { event: { url: "https://docs.example.com/pricing" }, pageClass: "pricing", matches: true },
    { event: { url: "https://docs.example.com/a" }, pageClass: "docs", matches: true },
    { event: { url: "/Pricing/Pro" }, pageClass: "pricing", matches: true },
    { event: { url: "/about" }, pageClass: "rest", matches: true },
    { event: { url: "/pricing" }, pageClass: "rest", matches: false },
    { event: { url: null }, pageClass: "rest", matches: false },
    { event: { url: "/about", properties: { page_class: "pricing" } }, pageClass: "pricing", matches: true },
    { event: { url: "/pricing", properties: { page_class: "docs" } }, pageClass: "pricing", matches: false },
    { event: { url: "/pricing", properties: { page_class: 7 } }, pageClass: "pricing", matches: true },
  ];
  test.each(pages)("$pageClass of $event: $matches", ({ event, pageClass, matches }) => {
    expect(isMatched({ page_class: pageClass }, event)).toBe(matches);
  });
});

describe("a matcher", () => {
  const matchers: { matcher: Matcher; value: Json | undefined; matches: boolean }[] = [
    { matcher: "Pro", value: "pro", matches: true },
    { matcher: "pro", value: "prone", matches: false },
    { matcher: 5, value: 5, matches: true },
    { matcher: 5, value: "5", matches: false },
    { matcher: true, value: true, matches: true },
    { matcher: true, value: "true", matches: false },
    { matcher: true, value: undefined, matches: false },
    { matcher: ["pro", 5], value: 5, matches: true },
    { matcher: ["pro", 5], value: "basic", matches: false },
    { matcher: { gte: 50 }, value: 50, matches: true },
    { matcher: { gt: 50 }, value: 50, matches: false },
    { matcher: { gte: 25, lt: 75 }, value: 74, matches: true },
    { matcher: { gte: 25, lt: 75 }, value: 75, matches: false },
    { matcher: { lte: 0 }, value: -1, matches: true },
    { matcher: { gte: 0 }, value: "50", matches: false },
    { matcher: { gte: 0 }, value: undefined, matches: false },
    { matcher: { contains: "DEMO" }, value: "book a demo now", matches: true },
    { matcher: { contains: "demo" }, value: ["demo"], matches: false },
    { matcher: { not: "free" }, value: "pro", matches: true },
    { matcher: { not: "free" }, value: "FREE", matches: false },
    { matcher: { not: ["free", "trial"] }, value: "trial", matches: false },
    { matcher: { not: "free" }, value: undefined, matches: true },
    { matcher: { not: "free", exists: true }, value: undefined, matches: false },
    { matcher: { exists: true }, value: false, matches: true },
    { matcher: { exists: true }, value: null, matches: false },
    { matcher: { exists: false }, value: undefined, matches: true },
    { matcher: { exists: false }, value: 0, matches: false },
  ];
  test.each(matchers)("$matcher on $value: $matches", ({ matcher, value, matches }) => {
    const properties: Record<string, Json> = value === undefined ? {} : { field: value };
    expect(isMatched({ properties: { field: matcher } }, { properties })).toBe(matches);
    expect(isMatched({ traits: { field: matcher } }, { name: "identify", properties: { traits: properties } })).toBe(
      matches,
    );
  });

  test("on a trait sees only the traits of this very identify", () => {
    const when: Condition = { traits: { plan: "pro" } };
    expect(isMatched(when, { name: "page_view", properties: { traits: { plan: "pro" } } })).toBe(false);
    expect(isMatched(when, { name: "identify", properties: { plan: "pro" } })).toBe(false);
    expect(isMatched(when, { name: "identify", properties: { traits: ["plan"] } })).toBe(false);
  });

  test("on the attribution sees this event's touch", () => {
    const when: Condition = { attribution: { campaign: { exists: true } } };
    expect(isMatched(when, { url: "/?utm_campaign=may" })).toBe(true);
    expect(isMatched(when, { url: "/?utm_source=news" })).toBe(false);
    expect(isMatched(when, {})).toBe(false);
  });

  test("holds together with all the others of its rule", () => {
    const when: Condition = { page_class: "pricing", url: "/pricing/*", properties: { depth: { gte: 50 } } };
    expect(isMatched(when, { url: "/pricing/pro", properties: { depth: 50 } })).toBe(true);
    expect(isMatched(when, { url: "/pricing/pro", properties: { depth: 49 } })).toBe(false);
    expect(isMatched(when, { url: "/pricing", properties: { depth: 50 } })).toBe(false);
  });
});

describe("thresholds and durations", () => {
  test("come lowest first and re-arm at 80 % unless said otherwise", () => {
    const thresholds = { hot: 60, burning: { score: 80, rearm: 10 }, warm: 40 };
    expect(compileRules({ ...neverFalls, thresholds }, "test").thresholds).toEqual([
      { name: "warm", score: 40, rearm: 32 },
      { name: "hot", score: 60, rearm: 48 },
      { name: "burning", score: 80, rearm: 10 },
    ]);
  });

  test.each([
    { text: "90s", durationMs: 90_000 },
    { text: "1.5h", durationMs: 5_400_000 },
    { text: "7d", durationMs: 604_800_000 },
    { text: "30m", durationMs: 1_800_000 },
    { text: "0d", durationMs: null },
    { text: "7", durationMs: null },
    { text: "-1d", durationMs: null },
    { text: "7 d", durationMs: null },
    { text: "1w", durationMs: null },
  ])("$text is $durationMs ms", ({ text, durationMs }) => {
    expect(parseDurationMs(text)).toBe(durationMs);
  });
});

describe("what a config may not say", () => {
  const rule = { name: "one", group: "all", event: "demo", points: 1 };
  test.each([
    { what: "once and latest at once", fields: { once: true, keep: "latest" } },
    { what: "once in each session", fields: { once: true, per_session: 1 } },
    { what: "more than twenty a session", fields: { per_session: 21 } },
    { what: "a half-life of nothing", fields: { half_life: "0s" } },
    { what: "a negative cap", fields: { max: -1 } },
    { what: "points without end", fields: { points: Number.POSITIVE_INFINITY } },
    { what: "a name with a blank", fields: { name: "one two" } },
    { what: "a name that every object has", fields: { name: "constructor" } },
    { what: "a test without a test", fields: { when: { properties: { depth: {} } } } },
    { what: "a field that is none", fields: { half_live: "7d" } },
  ])("$what", ({ fields }) => {
    expect(ruleSchema.safeParse(rule).success).toBe(true);
    expect(ruleSchema.safeParse({ ...rule, ...fields }).success).toBe(false);
  });

  test.each([{ rearm: 60 }, { rearm: 70 }, { rearm: -1 }])("a re-arm level of $rearm for 60 points", ({ rearm }) => {
    expect(scoringShape.thresholds.safeParse({ hot: { score: 60, rearm } }).success).toBe(false);
  });

  test("names that stand twice or point to nothing", () => {
    const one = { name: "one", group: "all", event: "demo", points: 1 };
    const faults = checkReferences({ ...neverFalls, rules: [one, one, { ...one, name: "two", group: "none" }] });
    expect(faults.map(({ path }) => path.join("."))).toEqual(["rules.1.name", "rules.2.group"]);
    expect(checkReferences(everyKindOfRule)).toEqual([]);
  });
});
