import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Evidence } from "../../src/core/click.ts";
import type { Command } from "../../src/core/decide.ts";
import { BROWSERS_PER_LINK_MAX } from "../../src/core/decide-click.ts";
import { DAY_MS } from "../../src/core/duration.ts";
import { type Identifier, identifierKindSchema, isStrong } from "../../src/core/identifier.ts";
import { MERGES_MAX } from "../../src/core/identity.ts";
import { isMailScanner } from "../../src/core/mail-scanner.ts";
import { burstFromPlace, burstOfLink } from "../../src/core/opening.ts";
import { recomputeSums } from "../../src/core/recompute.ts";
import { scoreOf } from "../../src/core/score.ts";
import type { Identity } from "../../src/core/state.ts";
import { END_MS, lives, START_MS } from "./histories.ts";
import { holds } from "./property.ts";
import { everyKindOfRule } from "./scoring.ts";
import {
  click,
  createWorld,
  eventOf,
  eventsOf,
  identifier,
  identify,
  identitiesOf,
  livePeople,
  personOf,
  scoreAt,
  track,
  visitorId,
  type World,
} from "./world.ts";

const clicksCount = {
  ...everyKindOfRule,
  rules: [
    ...everyKindOfRule.rules,
    { name: "click", group: "intent", event: "campaign_click", points: 4, per_session: 1, max: 4 },
  ],
};
const LANDING = "https://acme.example/demo?utm_campaign=spring";
const leads = { ann: "ann@acme.example", bob: "bob@mail.acme.example", cyd: "c@gmail.com" };

function campaign(): World {
  const world = createWorld(clicksCount);
  for (const [linkId, email] of Object.entries(leads)) {
    world.rows.leads.set(linkId, { linkId, email, traits: { first_name: linkId, source: "list" } });
  }
  return world;
}

function named(text: string): Identifier {
  const [kind = "", value] = text.split(":");
  return value === undefined ? visitorId(kind) : identifier(identifierKindSchema.parse(kind), value);
}

/** "phone looks", "phone opens ann", "phone says email:…", "key says …". */
function commandOf(step: string, index: number): Command {
  const at = { eventId: `step ${index}`, occurredMs: START_MS + index };
  const [who = "", verb, rest = ""] = step.split(/ (looks|opens|says) ?/);
  if (verb === "looks") return track(named(who), eventOf(at));
  if (verb === "opens") return click(rest, named(who), { ...at, url: LANDING });
  return identify(rest.split(" ").map(named), who === "key" ? null : named(who), at, { isTrusted: who === "key" });
}

function tell(...story: string[]): World {
  const world = campaign();
  story.forEach((step, index) => {
    world.submit([commandOf(step, index)], END_MS);
  });
  return world;
}

function cast(world: World): string[] {
  const name = ({ kind, value, retiredMs }: Identity) => {
    const text = kind === "anonymous_id" ? value : kind === "campaign_link" ? `link:${value}` : value;
    return retiredMs === null ? text : `(${text})`;
  };
  return livePeople(world).map((personId) => identitiesOf(world.rows, personId).map(name).sort().join(" "));
}

function verdicts({ rows }: World): string[] {
  return rows.clicks.map(({ verdict, reason }) => (reason === null ? verdict : `${verdict} ${reason}`));
}

const ANN = "ann@acme.example";

describe("who a link says the visitor is", () => {
  const stories: { what: string; story: string[]; people: string[]; merges?: number; clicks: string[] }[] = [
    {
      what: "a browser never seen is the lead's",
      story: ["phone opens ann"],
      people: [`${ANN} link:ann phone`],
      clicks: ["human"],
    },
    {
      what: "what a browser did before nobody was known by it is the lead's too",
      story: ["phone looks", "phone opens ann"],
      people: [`${ANN} link:ann phone`],
      merges: 1,
      clicks: ["human"],
    },
    {
      what: "a second device is the same person",
      story: ["phone looks", "phone opens ann", "desk looks", "desk opens ann"],
      people: [`${ANN} desk link:ann phone`],
      merges: 2,
      clicks: ["human", "human"],
    },
    {
      what: "a lead who is known by e-mail already is that person",
      story: [`key says ${"email:ann@acme.example"} user_id:u1`, "phone opens ann"],
      people: [`${ANN} link:ann phone u1`],
      clicks: ["human"],
    },
    {
      what: "the lead's own browser stays the lead's, and learns the link",
      story: ["phone says email:ann@acme.example", "phone opens ann"],
      people: [`${ANN} link:ann phone`],
      clicks: ["human"],
    },
    {
      what: "a colleague who is known stays who they are, and the lead is not made up",
      story: ["desk says email:bob@mail.acme.example", "desk opens ann"],
      people: ["bob@mail.acme.example desk"],
      clicks: ["human other_person"],
    },
    {
      what: "a colleague who is known is not merged into a lead who is",
      story: ["phone opens ann", "desk says email:zed@acme.example", "desk opens ann"],
      people: [`${ANN} link:ann phone`, "desk zed@acme.example"],
      clicks: ["human", "human other_person"],
    },
    {
      what: "the first link stays: who came by one lead's is not moved by another's",
      story: ["phone opens ann", "phone opens bob"],
      people: [`${ANN} link:ann phone`],
      clicks: ["human", "human other_person"],
    },
    {
      what: "a forwarded mail: who says another e-mail goes their own way, the lead keeps the past",
      story: ["phone looks", "phone opens ann", "phone says email:zed@other.example", "phone looks"],
      people: [`(phone) ${ANN} link:ann`, "phone zed@other.example"],
      merges: 1,
      clicks: ["human"],
    },
    {
      what: "a forwarded mail of somebody known: they are that person from there on",
      story: ["phone opens ann", "key says email:zed@other.example user_id:u9", "phone says email:zed@other.example"],
      people: [`(phone) ${ANN} link:ann`, "phone u9 zed@other.example"],
      clicks: ["human"],
    },
    {
      what: "a link that is nobody's earns nothing and makes nobody",
      story: ["phone opens mallory"],
      people: ["phone"],
      clicks: [],
    },
  ];
  test.each(stories)("$what", ({ story, people, merges = 0, clicks }) => {
    const world = tell(...story);
    expect(cast(world).sort()).toEqual([...people].sort());
    expect(world.rows.merges).toHaveLength(merges);
    expect(world.rows.merges.map(({ through }) => through)).toEqual(
      Array.from({ length: merges }, () => "public:campaign_link+anonymous_id"),
    );
    expect(verdicts(world)).toEqual(clicks);
  });

  test("what the list says of the lead is the operator's word; what the secret key said since outweighs it", () => {
    const world = campaign();
    const said = { eventId: "said", occurredMs: START_MS };
    world.submit(
      [identify([named("email:ann@acme.example")], null, said, { isTrusted: true, traits: { first_name: "Annabel" } })],
      END_MS,
    );
    world.submit([commandOf("phone opens ann", 1)], END_MS);
    const person = world.rows.people.get(personOf(world, visitorId("phone")));
    expect(person?.verifiedTraits).toEqual({ first_name: "Annabel", source: "list" });
    expect(world.rows.accounts.has("acme.example")).toBe(true);
    const account = world.rows.accounts.get("acme.example");
    expect(account?.accountId).toBe(person?.accountId ?? -1);
  });

  test("a link that is passed around binds so many browsers and no more; in a later quarter it binds again", () => {
    const world = campaign();
    for (let index = 0; index <= BROWSERS_PER_LINK_MAX; index += 1) {
      world.submit([commandOf(`browser${index} opens ann`, index)], END_MS);
    }
    expect(verdicts(world)).toEqual([...Array<string>(BROWSERS_PER_LINK_MAX).fill("human"), "human shared_link"]);
    expect(livePeople(world)).toHaveLength(2);
    world.submit([click("ann", visitorId("late"), { eventId: "late", occurredMs: END_MS })], END_MS + 91 * DAY_MS);
    expect(personOf(world, visitorId("late"))).toBe(personOf(world, identifier("campaign_link", "ann")));
  });

  test("a link binds no further browser to somebody who has absorbed as many people as there may be", () => {
    const world = campaign();
    const at = (eventId: string, occurredMs: number) => ({ eventId, occurredMs });
    const meet = (who: string, nowMs: number) =>
      world.submit([track(visitorId(who), eventOf(at(`${who} looks`, nowMs)))], nowMs);
    const email = identifier("email", leads.ann);
    world.submit([identify([email], null, at("ann", START_MS), { isTrusted: true })], START_MS);
    for (let index = 0; index < MERGES_MAX; index += 1) {
      meet(`browser${index}`, START_MS);
      world.submit([identify([email], visitorId(`browser${index}`), at(`says ${index}`, START_MS))], START_MS);
    }
    expect(world.rows.merges).toHaveLength(MERGES_MAX);
    // All those browsers are forgotten by then, so that none of them counts as one that the link was passed to.
    const laterMs = START_MS + 91 * DAY_MS;
    meet("late", laterMs);
    world.submit([click("ann", visitorId("late"), { eventId: "late", occurredMs: laterMs, url: LANDING })], laterMs);
    expect(verdicts(world)).toEqual(["human shared_link"]);
    expect(world.rows.merges).toHaveLength(MERGES_MAX);
    expect(personOf(world, visitorId("late"))).not.toBe(personOf(world, email));
  });

  test("a merge through a link leaves behind who was who, as an undo needs it", () => {
    const world = tell("phone looks", "phone looks");
    const before = personOf(world, visitorId("phone"));
    world.submit([commandOf("phone opens ann", 9)], END_MS);
    const [merge] = world.rows.merges;
    expect(merge?.absorbedId).toBe(before);
    expect(merge?.absorbed.identityIds).toHaveLength(1);
    expect(merge?.survivor.identityIds).toHaveLength(2);
    expect(merge?.survivor.person.verifiedTraits).toEqual({ first_name: "ann", source: "list" });
    expect(world.rows.people.get(before)?.mergedInto).toBe(personOf(world, identifier("campaign_link", "ann")));
  });
});

describe("what a click is worth", () => {
  const pointsOf = (world: World, who: string) => {
    const personId = personOf(world, visitorId(who));
    return eventsOf(world.rows, personId).filter(({ bot }) => bot === null).length === 0
      ? 0
      : scoreAt(world, personId, END_MS);
  };

  test("the points of its rule, once per visit, however often it is told", () => {
    const world = campaign();
    const told = { eventId: "once", occurredMs: END_MS, sessionId: "one" };
    const [first] = world.submit([click("ann", visitorId("phone"), told)], END_MS);
    expect(first).toMatchObject({ status: "accepted" });
    const score = pointsOf(world, "phone");
    expect(score).toBeGreaterThanOrEqual(4);
    expect(world.submit([click("ann", visitorId("phone"), told)], END_MS)[0]).toMatchObject({ status: "duplicate" });
    expect(pointsOf(world, "phone")).toBe(score);
    expect(verdicts(world)).toEqual(["human"]);
  });

  const doubtful: { what: string; link: string; evidence: Evidence | null; bot: string | null; reason: string }[] = [
    { what: "without evidence", link: "ann", evidence: null, bot: null, reason: "no_evidence" },
    { what: "of a driven browser", link: "ann", evidence: "moved", bot: "webdriver", reason: "webdriver" },
    { what: "of a crawler", link: "ann", evidence: "moved", bot: "user_agent", reason: "user_agent" },
    { what: "on nobody's link", link: "zzz", evidence: "moved", bot: null, reason: "unknown_link" },
  ];
  test.each(doubtful)("nothing $what, and it binds nobody", ({ link, evidence, bot, reason }) => {
    const world = campaign();
    world.submit([click(link, visitorId("phone"), { eventId: "e", occurredMs: START_MS, bot }, evidence)], END_MS);
    expect(cast(world)).toEqual(["phone"]);
    expect(pointsOf(world, "phone")).toBe(0);
    expect([...world.rows.events.values()].map(({ bot: why }) => why)).toEqual([reason]);
    expect(verdicts(world)).toEqual(reason === "unknown_link" ? [] : [`machine ${reason}`]);
  });
});

describe("the redirect behind the evidence", () => {
  const redirects: {
    what: string;
    row: { verdict: "pending" | "machine"; reason: string | null; agoMs: number };
    evidence: Evidence;
    after: string[];
  }[] = [
    {
      what: "a pending one is a human's now",
      row: { verdict: "pending", reason: null, agoMs: 9_000 },
      evidence: "visible",
      after: ["human"],
    },
    {
      what: "one that was given up is taken back",
      row: { verdict: "machine", reason: "no_evidence", agoMs: DAY_MS / 2 },
      evidence: "scrolled",
      after: ["human"],
    },
    {
      what: "a browser's prefetch was for the human",
      row: { verdict: "machine", reason: "prefetch", agoMs: 5_000 },
      evidence: "visible",
      after: ["human"],
    },
    {
      what: "a burst is outweighed by a hand",
      row: { verdict: "machine", reason: "burst", agoMs: 5_000 },
      evidence: "moved",
      after: ["human"],
    },
    {
      what: "a burst is not outweighed by a page that merely stands open",
      row: { verdict: "machine", reason: "burst", agoMs: 5_000 },
      evidence: "visible",
      after: ["machine burst"],
    },
    {
      what: "a scanner that said its name stays one; the human came otherwise",
      row: { verdict: "machine", reason: "user_agent", agoMs: 5_000 },
      evidence: "moved",
      after: ["machine user_agent", "human"],
    },
    {
      what: "one of the day before yesterday is another click",
      row: { verdict: "pending", reason: null, agoMs: 2 * DAY_MS },
      evidence: "moved",
      after: ["pending", "human"],
    },
  ];
  test.each(redirects)("$what", ({ row: { verdict, reason, agoMs }, evidence, after }) => {
    const world = campaign();
    const fixed = { clickId: 1, campaignId: 1, linkId: "ann", via: "redirect", identityId: null } as const;
    world.rows.clicks.push({ ...fixed, clickedMs: END_MS - agoMs, verdict, reason });
    const shown = { eventId: "e", occurredMs: END_MS, url: LANDING };
    world.submit([click("ann", visitorId("phone"), shown, evidence)], END_MS);
    expect(verdicts(world)).toEqual(after);
  });
});

/** What any mixture of visits, log-ins and links of leads comes to. */
const clicking = fc
  .tuple(
    lives(25),
    fc.array(
      fc.record({
        at: fc.nat(25),
        link: fc.constantFrom("ann", "bob", "cyd", "zed"),
        who: fc.nat(3),
        shown: fc.boolean(),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  )
  .map(([commands, clicks]) => {
    const mixed = [...commands];
    clicks.forEach(({ at, link, who, shown }, index) => {
      const told = { eventId: `click ${index}`, occurredMs: START_MS + index * DAY_MS, sessionId: "one" };
      mixed.splice(at, 0, click(link, visitorId(`visitor ${who}`), told, shown ? "moved" : null));
    });
    return mixed;
  });

test("whatever happens, a link merges only browsers that nobody was known by", () => {
  const property = fc.property(clicking, (commands) => {
    const world = campaign();
    for (const command of commands) {
      const before = new Map(livePeople(world).map((personId) => [personId, identitiesOf(world.rows, personId)]));
      const merges = world.rows.merges.length;
      world.submit([command], END_MS);
      if (command.type !== "click") continue;
      for (const { absorbedId } of world.rows.merges.slice(merges)) {
        expect(before.get(absorbedId)?.some(({ kind }) => isStrong(kind) || kind === "campaign_link")).toBe(false);
      }
    }
    expect(world.rows.clicks.every(({ verdict }) => verdict !== "pending")).toBe(true);
  });
  holds(property, 300);
});

test("whatever happens, the score is that of one visitor who did all of it", () => {
  const property = fc.property(clicking, (commands) => {
    const world = campaign();
    for (const command of commands) world.submit([command], END_MS);
    for (const personId of livePeople(world)) {
      const sums = recomputeSums(eventsOf(world.rows, personId), world.rules, END_MS);
      expect(scoreAt(world, personId, END_MS)).toBeCloseTo(scoreOf(sums, world.rules, END_MS), 9);
    }
  });
  holds(property, 300);
});

describe("machines", () => {
  const agents: [string, boolean][] = [
    ["Mozilla/5.0 (Windows NT 10.0; Microsoft Outlook 16.0.1; ms-office; MSOffice 16)", true],
    ["Microsoft Office Existence Discovery", true],
    ["Barracuda Sentinel (EE)", true],
    ["Mozilla/5.0", true],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
      true,
    ],
    ["Mozilla/5.0 (compatible; proofpoint URL Defense)", true],
    ["curl/8.5.0", true],
    ["python-requests/2.32", true],
    [
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/137.0.0.0 Safari/537.36",
      true,
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0",
      false,
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Outlook-iOS/2.0",
      false,
    ],
    ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0", false],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.2.0", false],
  ];
  test.each(agents)("%s: %p", (agent, expected) => expect(isMailScanner(agent)).toBe(expected));

  const opening = (linkId: string, atMs: number) => ({ campaignId: 1, linkId, atMs });
  test("three people's links from one place within ten seconds are one machine's; two, or slower, are people", () => {
    const three = [opening("a", 0), opening("b", 4_000), opening("c", 9_000)];
    expect(burstFromPlace(three, 9_000)).toEqual(three);
    expect(burstFromPlace(three.slice(1), 9_000)).toEqual([]);
    expect(burstFromPlace([opening("a", 0), opening("b", 4_000), opening("c", 12_000)], 12_000)).toEqual([]);
    expect(burstFromPlace([opening("a", 0), opening("a", 1), opening("a", 2)], 2)).toEqual([]);
  });

  test("one person's link three times within ten seconds was no hand; a double click is one", () => {
    expect(burstOfLink([opening("a", 0), opening("a", 300)], 300)).toEqual([]);
    expect(burstOfLink([opening("a", 0), opening("a", 300), opening("a", 600)], 600)).toHaveLength(3);
  });
});
