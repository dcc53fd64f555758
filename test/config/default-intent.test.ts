import { describe, expect, test } from "bun:test";
import { parseIntentConfig } from "../../src/config/intent.ts";
import { compileRules } from "../../src/core/compile.ts";
import { DAY_MS } from "../../src/core/duration.ts";
import type { Event } from "../../src/core/event.ts";
import type { Json } from "../../src/core/json.ts";
import { recomputeSums } from "../../src/core/recompute.ts";
import { evaluate, scoreOf } from "../../src/core/score.ts";
import { levelOf } from "../../src/core/threshold.ts";

const START_MS = Date.UTC(2026, 0, 5, 9);
const MINUTE_MS = 60_000;

type Step = [name: string, url?: string | undefined, properties?: { [key: string]: Json }];

const parsed = parseIntentConfig("{}");
if (parsed.problems !== undefined) throw new Error(parsed.problems.join("\n"));
const rules = compileRules(parsed.config, parsed.hash);

const view = (url: string): Step => ["page_view", url];
const scrolled: Step = ["scroll_depth", undefined, { percent: 90 }];
const stayed: Step = ["time_on_page", undefined, { seconds: 120 }];
const pressed: Step = ["cta_click", undefined, { kind: "button" }];
const businessEmail: Step = ["identify", undefined, { email_type: "business" }];
const contactForm: Step[] = [["form_start"], ["form_submit", "/contact", { form: "contact" }]];

const seriousVisit: Step[] = [view("/pricing"), view("/demo"), scrolled];
const readingVisit: Step[] = ["/", "/blog/one", "/blog/two", "/blog/three", "/resources/four"].flatMap((url) => [
  view(url),
  scrolled,
  stayed,
]);
const jobVisit: Step[] = [
  ...["/careers", "/careers/engineer", "/careers/apply"].flatMap((url) => [view(url), scrolled, stayed, pressed]),
  ...contactForm,
];

/** One visit, a minute between its steps. */
function visit(steps: readonly Step[], startMs = START_MS): Event[] {
  return steps.map(([name, url = null, properties = {}], index) => ({
    eventId: `${startMs}-${index}`,
    name,
    occurredMs: startMs + index * MINUTE_MS,
    receivedMs: startMs + index * MINUTE_MS,
    sessionId: `session-${startMs}`,
    url,
    referrer: null,
    properties,
    bot: null,
  }));
}

/** The same visit on every day, for long enough that every half-life has settled. */
function daily(steps: readonly Step[], days = 120): Event[] {
  return Array.from({ length: days }, (_, day) => visit(steps, START_MS + day * DAY_MS)).flat();
}

function scoreAfter(events: readonly Event[]): { score: number; level: string } {
  const atMs = events.reduce((latest, { occurredMs }) => Math.max(latest, occurredMs), 0);
  const score = scoreOf(recomputeSums(events, rules, atMs), rules, atMs);
  return { score: Math.round(score), level: levelOf(score, rules.thresholds) };
}

describe("what the default rules make of a journey", () => {
  const journeys: { who: string; events: Event[]; score: number; level: string }[] = [
    { who: "a first look at the home page", events: visit([view("/")]), score: 15, level: "cold" },
    { who: "a first look at pricing", events: visit([view("/pricing")]), score: 33, level: "cold" },
    {
      who: "a first look at pricing, read to its end",
      events: visit([view("/pricing"), scrolled, stayed]),
      score: 38,
      level: "cold",
    },
    { who: "pricing, demo and scrolling", events: visit(seriousVisit), score: 45, level: "warm" },
    { who: "that and the contact form", events: visit([...seriousVisit, ...contactForm]), score: 73, level: "hot" },
    {
      who: "that and a business e-mail",
      events: visit([...seriousVisit, ...contactForm, businessEmail]),
      score: 78,
      level: "hot",
    },
    {
      who: "that, and back on two more days",
      events: [
        ...visit([...seriousVisit, ...contactForm, businessEmail]),
        ...visit(seriousVisit, START_MS + DAY_MS),
        ...visit(seriousVisit, START_MS + 2 * DAY_MS),
      ],
      score: 91,
      level: "burning",
    },
    {
      who: "a reader who subscribes to the newsletter",
      events: visit([...readingVisit, ["form_submit", "/blog/one", { form: "newsletter" }]]),
      score: 30,
      level: "cold",
    },
    { who: "a reader of every day", events: daily(readingVisit), score: 45, level: "warm" },
    {
      who: "a reader of every day, come by campaigns and known by business e-mail",
      events: daily([["campaign_click"], ...readingVisit, businessEmail]),
      score: 59,
      level: "warm",
    },
    { who: "an applicant", events: visit(jobVisit), score: 34, level: "cold" },
    {
      who: "an applicant of every day, with business e-mail",
      events: daily([...jobVisit, businessEmail]),
      score: 47,
      level: "warm",
    },
  ];

  test.each(journeys)("$who: $score, $level", ({ events, score, level }) => {
    expect(scoreAfter(events)).toEqual({ score, level });
  });
});

describe("page classes", () => {
  const urls: [string, string | null][] = [
    ["/pricing", "pricing"],
    ["https://www.acme.com/pricing/?utm_source=x", "pricing"],
    ["/plans-and-pricing", "pricing"],
    ["/de/preise", "pricing"],
    ["/en/pricing", "pricing"],
    ["/docs/pricing", "docs"],
    ["/blog/pricing-strategies", "blog"],
    ["/blog/demo", "blog"],
    ["/demo", "demo"],
    ["/book-a-demo", "demo"],
    ["/request-demo", "demo"],
    ["/contact-sales", "demo"],
    ["/schedule", "demo"],
    ["/bookkeeping", null],
    ["/democracy", null],
    ["/case-studies/acme", "case_study"],
    ["/customers/acme", "case_study"],
    ["/stories", "case_study"],
    ["/api/reference", "docs"],
    ["/apiary", null],
    ["/developers", "docs"],
    ["/products/one", "product"],
    ["/features", "product"],
    ["/solutions/banks", "product"],
    ["/integrations", "product"],
    ["/articles/one", "blog"],
    ["/resources", "blog"],
    ["/careers/demo-engineer", "careers"],
    ["/jobs", "careers"],
    ["/", null],
  ];
  const ruleOf: { [rule: string]: string } = {
    pricing_view: "pricing",
    demo_view: "demo",
    case_study_view: "case_study",
    docs_view: "docs",
    product_view: "product",
    blog_view: "blog",
    careers_view: "careers",
  };

  test.each(urls)("%s is %p", (url, pageClass) => {
    const sums = recomputeSums(visit([view(url)]), rules, START_MS);
    const classes = Object.keys(sums).flatMap((rule) => ruleOf[rule] ?? []);
    expect(classes).toEqual(pageClass === null ? [] : [pageClass]);
  });
});

test("every rule counts for an event it is made for", () => {
  const steps: Step[] = [
    ...["/pricing", "/demo", "/customers", "/docs", "/product", "/blog", "/careers"].map(view),
    scrolled,
    stayed,
    pressed,
    ["video_progress", undefined, { percent: 50 }],
    ["video_complete"],
    ["campaign_click"],
    ...contactForm,
    businessEmail,
  ];
  const atMs = START_MS + DAY_MS;
  const counted = evaluate(recomputeSums(visit(steps), rules, atMs), rules, atMs).contributions;
  expect(counted.map(({ rule }) => rule.name).sort()).toEqual([...rules.byName.keys()].sort());
});

test("what is below its bound, or no deed, does not count", () => {
  const steps: Step[] = [
    ["scroll_depth", undefined, { percent: 50 }],
    ["time_on_page", undefined, { seconds: 59 }],
    ["video_progress", undefined, { percent: 25 }],
    ["cta_click", undefined, { kind: "link" }],
    ["form_submit", undefined, { form: "Search" }],
    ["identify", undefined, { email_type: "free" }],
  ];
  expect(recomputeSums(visit(steps), rules, START_MS + DAY_MS)).toEqual({});
});
