import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Command } from "../../src/core/decide.ts";
import { type Identifier, type IdentifierKind, identifierKindSchema, isStrong } from "../../src/core/identifier.ts";
import { survivorOf } from "../../src/core/identity.ts";
import type { Identity } from "../../src/core/state.ts";
import type { Traits } from "../../src/core/traits.ts";
import { END_MS, lives, START_MS } from "./histories.ts";
import { holds } from "./property.ts";
import { everyKindOfRule } from "./scoring.ts";
import {
  asIdentified,
  createWorld,
  eventOf,
  eventsOf,
  identifier,
  identify,
  identitiesOf,
  livePeople,
  personOf,
  scoreAt,
  scoreRow,
  track,
  visitorId,
  type World,
} from "./world.ts";

/** "email:a@acme.com" or a bare name, which is a browser. */
function named(text: string): Identifier {
  const [kind = "", value] = text.split(":");
  return value === undefined ? visitorId(kind) : identifier(identifierKindSchema.parse(kind), value);
}

/**
 * One step of a story: "phone1 looks", "phone1 says email:a@acme.com", or with the secret key and maybe a browser:
 * "key says user_id:u1 email:a@acme.com", "key of phone1 says …".
 */
function commandOf(step: string, index: number): Command {
  const at = { eventId: `step ${index}`, occurredMs: START_MS + index };
  const [who = "", rest = ""] = step.split(/ looks$| says /);
  if (step.endsWith(" looks")) return track(named(who), eventOf(at));
  const visitor = who.startsWith("key of ") ? named(who.slice("key of ".length)) : who === "key" ? null : named(who);
  return identify(rest.split(" ").map(named), visitor, at, { isTrusted: who.startsWith("key") });
}

function tell(story: readonly string[]): World {
  const world = createWorld(everyKindOfRule);
  story.forEach((step, index) => {
    world.submit([commandOf(step, index)], END_MS);
  });
  return world;
}

/** Who there is by the end: a person's identifiers, a left browser in brackets, the oldest person first. */
function cast(world: World): string[] {
  const name = ({ kind, value, retiredMs }: Identity) => {
    const text = kind === "anonymous_id" ? value : `${kind}:${value}`;
    return retiredMs === null ? text : `(${text})`;
  };
  return livePeople(world).map((personId) => identitiesOf(world.rows, personId).map(name).sort().join(" "));
}

const A = "email:a@acme.com";
const B = "email:b@acme.com";
const P = "phone:+27821111111";

const stories: { what: string; story: string[]; people: string[]; merges?: number; reviews?: string[] }[] = [
  { what: "a visitor who says nothing is a person", story: ["one looks"], people: ["one"] },
  { what: "a first e-mail is attached to its visitor", story: ["one looks", `one says ${A}`], people: [`${A} one`] },
  {
    what: "a visitor never seen joins the e-mail it says",
    story: [`one says ${A}`, `two says ${A}`],
    people: [`${A} one two`],
  },
  {
    what: "an anonymous past is merged into the known e-mail",
    story: [`one says ${A}`, "two looks", `two says ${A}`],
    people: [`${A} one two`],
    merges: 1,
  },
  {
    what: "a browser adds another kind of identifier to its person",
    story: [`one says ${A}`, `one says ${P}`, "one says user_id:u1"],
    people: [`${A} one ${P} user_id:u1`],
  },
  {
    what: "a browser of a says the new e-mail b: a switch, a keeps its past",
    story: [`one says ${A}`, "one looks", `one says ${B}`, "one looks"],
    people: [`(one) ${A}`, `${B} one`],
  },
  {
    what: "a browser of a says the known e-mail b: a switch, not a merge",
    story: [`one says ${A}`, `two says ${B}`, `one says ${B}`],
    people: [`(one) ${A}`, `${B} one two`],
  },
  {
    what: "a browser that goes back and forth leaves one row with each",
    story: [`one says ${A}`, `one says ${B}`, `one says ${A}`, `one says ${B}`, `one says ${A}`],
    people: [`${A} one`, `(one) ${B}`],
  },
  {
    what: "not even the secret key merges two known people for sharing a browser",
    story: [`one says ${A}`, `two says ${B}`, `key of one says ${B}`],
    people: [`(one) ${A}`, `${B} one two`],
  },
  {
    what: "an unsigned claim that names two known people merges none",
    story: [`one says ${A}`, "two says user_id:u1", `three says ${A} user_id:u1`],
    people: [`${A} one`, "three two user_id:u1"],
    reviews: ["unsigned_claim"],
  },
  {
    what: "an unsigned claim of one's own browser that names another known person merges none",
    story: [`one says ${A}`, "two says user_id:u1", `one says ${A} user_id:u1`],
    people: [`${A} one`, "two user_id:u1"],
    reviews: ["unsigned_claim"],
  },
  {
    what: "the secret key merges the two known people it names",
    story: [`one says ${A}`, "two says user_id:u1", `key says ${A} user_id:u1`],
    people: [`${A} one two user_id:u1`],
    merges: 1,
  },
  {
    what: "the secret key merges up to three profiles",
    story: [`one says ${A}`, "two says user_id:u1", `three says ${P}`, `key says ${P} ${A} user_id:u1`],
    people: [`${A} one ${P} three two user_id:u1`],
    merges: 2,
  },
  {
    what: "two known people and an anonymous one are three",
    story: [`one says ${A}`, "two says user_id:u1", "three looks", `key of three says ${A} user_id:u1`],
    people: [`${A} one three two user_id:u1`],
    merges: 2,
  },
  {
    what: "four profiles wait for a person's eye, only the anonymous one comes along",
    story: [
      `one says ${A}`,
      "two says user_id:u1",
      `three says ${P}`,
      "four looks",
      `key of four says ${P} ${A} user_id:u1`,
    ],
    people: [`${A} one`, "four two user_id:u1", `${P} three`],
    merges: 1,
    reviews: ["too_many_profiles"],
  },
  {
    what: "a second user_id for a known e-mail is a new person and a question",
    story: [`key says ${A} user_id:u1`, `key says ${A} user_id:u2`],
    people: [`${A} user_id:u1`, "user_id:u2"],
    reviews: ["user_id_conflict"],
  },
  {
    what: "a second user_id from the person's own browser is only a question",
    story: [`one says ${A} user_id:u1`, `one says ${A} user_id:u2`],
    people: [`${A} one user_id:u1`],
    reviews: ["user_id_conflict"],
  },
  {
    what: "people of two user_ids are not merged by the secret key either",
    story: ["key says user_id:u1", `key says ${A} user_id:u2`, `key says ${A} user_id:u1`],
    people: ["user_id:u1", `${A} user_id:u2`],
    reviews: ["user_id_conflict"],
  },
  {
    what: "an e-mail beyond the fifth is not attached",
    story: [
      ...["a", "b", "c", "d", "e", "f"].map((name) => `key says user_id:u1 email:${name}@acme.com`),
      "key says user_id:u1",
    ],
    people: [
      ["a", "b", "c", "d", "e"]
        .map((name) => `email:${name}@acme.com`)
        .join(" ")
        .concat(" user_id:u1"),
    ],
    reviews: ["too_many_identifiers"],
  },
];

describe("who is who", () => {
  test.each(stories)("$what", ({ story, people, merges, reviews }) => {
    const world = tell(story);
    expect(cast(world)).toEqual(people.map((person) => person.split(" ").sort().join(" ")));
    expect(world.rows.merges).toHaveLength(merges ?? 0);
    expect(world.rows.reviews.map(({ reason }) => reason)).toEqual(
      (reviews ?? []) as (typeof world.rows.reviews)[0]["reason"][],
    );
  });

  test("in a switch the past stays with whom it was and what follows is the other's", () => {
    const world = tell([`one says ${A}`, "one looks", `one says ${B}`, "one looks", "one looks"]);
    const happened = (who: string) => eventsOf(world.rows, personOf(world, named(who))).map(({ eventId }) => eventId);
    expect(happened(A)).toEqual(["step 0", "step 1"]);
    expect(happened(B)).toEqual(["step 2", "step 3", "step 4"]);
  });

  test("an anonymous browser's new past, after a switch, does not go back with it", () => {
    const world = tell([`one says ${A}`, "one looks", `one says ${B}`, "one looks", `one says ${A}`, "one looks"]);
    const counted = (who: string) => scoreRow(world, personOf(world, named(who))).sums.views?.count;
    expect([counted(A), counted(B)]).toEqual([2, 1]);
  });
});

describe("the survivor of a merge", () => {
  const carried = (...kinds: [IdentifierKind, number][]): Identity[] =>
    kinds.map(([kind, identityId]) => ({
      kind,
      value: `${kind} ${identityId}`,
      identityId,
      personId: 0,
      isVerified: false,
      createdMs: 0,
      retiredMs: null,
    }));
  const pairs: { what: string; one: Identity[]; two: Identity[]; survivor: number }[] = [
    { what: "user_id over older e-mail", one: carried(["email", 1]), two: carried(["user_id", 2]), survivor: 2 },
    { what: "e-mail over older phone", one: carried(["phone", 1]), two: carried(["email", 2]), survivor: 2 },
    { what: "loyalty over older cookie", one: carried(["cookie_id", 1]), two: carried(["loyalty_id", 2]), survivor: 2 },
    { what: "the older of two e-mails", one: carried(["email", 5]), two: carried(["email", 3]), survivor: 2 },
    {
      what: "the older of the strongest, whatever else is older",
      one: carried(["anonymous_id", 1], ["email", 7]),
      two: carried(["anonymous_id", 4], ["email", 6]),
      survivor: 2,
    },
    { what: "anybody over nobody", one: [], two: carried(["anonymous_id", 9]), survivor: 2 },
  ];
  test.each(pairs)("is $what, whichever is named first", ({ one, two, survivor }) => {
    const of = (personId: number) => (personId === 1 ? one : two);
    expect(survivorOf([1, 2], of)).toBe(survivor);
    expect(survivorOf([2, 1], of)).toBe(survivor);
  });
});

test("a person with five hundred identifiers takes no further browser; it stays by itself, for somebody to look at", () => {
  const mail = named("email:a@acme.com");
  const world = tell(Array.from({ length: 501 }, (_, index) => `phone${index} says email:a@acme.com`));
  expect(identitiesOf(world.rows, personOf(world, mail))).toHaveLength(500);
  expect(world.rows.reviews).toMatchObject([
    { reason: "too_many_identifiers", claims: [{ value: "phone499" }, { value: "phone500" }], decision: null },
  ]);
});

describe("a merge", () => {
  test("leaves behind who was who and what each had, as an undo needs it", () => {
    const world = tell([`one says ${A}`, "one looks", "two looks", "two looks"]);
    const [ada, two] = [personOf(world, named(A)), personOf(world, named("two"))];
    const sides = [ada, two].map((personId) => ({
      identityIds: identitiesOf(world.rows, personId).map(({ identityId }) => identityId),
      score: scoreRow(world, personId),
    }));
    const command = commandOf(`two says ${A}`, 9);
    const outcome = asIdentified(world.submit([command], END_MS)[0]);
    expect(outcome).toMatchObject({ isMerged: true, isChanged: true, personId: ada });
    expect(world.rows.merges).toMatchObject([
      { survivorId: ada, absorbedId: two, mergedMs: END_MS, through: "public:email+anonymous_id" },
    ]);
    expect(world.rows.merges).toMatchObject([{ survivor: sides[0], absorbed: sides[1] }]);
    expect(world.rows.people.get(two)?.mergedInto).toBe(ada);
  });

  test("keeps the survivor's traits where both have one, and all the others", () => {
    const world = createWorld(everyKindOfRule);
    const said = (visitor: string, claims: Identifier[], traits: Traits, index: number, isTrusted = false) =>
      world.submit(
        [
          identify(
            claims,
            named(visitor),
            { eventId: `e${index}`, occurredMs: START_MS },
            { isTrusted, traits: { ...traits } },
          ),
        ],
        END_MS,
      );
    said("one", [named(A)], { name: "Ada", plan: "pro" }, 1);
    said("two", [], { name: "A.", city: "London" }, 2);
    said("two", [named(A)], { plan: "free" }, 3);
    said("two", [named(A)], { plan: "gold" }, 4, true);
    expect(world.rows.people.get(personOf(world, named(A)))).toMatchObject({
      traits: { name: "Ada", plan: "free", city: "London" },
      verifiedTraits: { plan: "gold" },
    });
  });

  test("does not let traits grow without end; those that are known can still change", () => {
    const world = createWorld(everyKindOfRule);
    const say = (traits: Record<string, number>, index: number) =>
      asIdentified(
        world.submit(
          [identify([named(A)], null, { eventId: `e${index}`, occurredMs: START_MS }, { traits })],
          END_MS,
        )[0],
      ).isChanged;
    for (let call = 0; call < 10; call += 1) {
      say(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`trait ${call} ${index}`, call])), call);
    }
    expect([say({ "one more": 1 }, 10), say({ "trait 0 0": 9 }, 11)]).toEqual([false, true]);
    const traits = world.rows.people.get(personOf(world, named(A)))?.traits;
    expect(Object.keys(traits ?? {})).toHaveLength(200);
    expect(traits?.["trait 0 0"]).toBe(9);
  });

  test("never merges two people of strong identifiers on a browser's word, nor two user_ids on anyone's", () => {
    const property = fc.property(lives(40), (commands) => {
      const world = createWorld(everyKindOfRule);
      for (const command of commands) {
        const before = new Map(livePeople(world).map((personId) => [personId, identitiesOf(world.rows, personId)]));
        const merges = world.rows.merges.length;
        const outcome = world.submit([command], END_MS)[0];
        for (const { survivorId, absorbedId } of world.rows.merges.slice(merges)) {
          const strong = [survivorId, absorbedId].map((id) => before.get(id)?.some(({ kind }) => isStrong(kind)));
          const isTrusted = command.type === "identify" && command.isTrusted;
          expect(strong.every(Boolean) && !isTrusted).toBe(false);
        }
        if (outcome?.status === "identified") expect(world.rows.people.get(outcome.personId)?.mergedInto).toBeNull();
      }
      for (const personId of livePeople(world)) {
        const live = identitiesOf(world.rows, personId).filter(({ retiredMs }) => retiredMs === null);
        const kinds = live.map(({ kind }) => kind);
        expect(kinds.filter((kind) => kind === "user_id").length).toBeLessThanOrEqual(1);
        expect(kinds.length).toBeGreaterThan(0);
      }
      for (const { personId } of world.rows.identities.values()) {
        expect(world.rows.people.get(personId)?.mergedInto).toBeNull();
      }
    });
    holds(property, 300);
  });

  test("of unrelated people changes nobody else's score", () => {
    const world = tell(["one looks", "two looks", "bystander looks", `one says ${A}`]);
    const before = scoreRow(world, personOf(world, named("bystander")));
    world.submit([commandOf(`two says ${A}`, 9)], END_MS);
    expect(scoreRow(world, personOf(world, named("bystander")))).toEqual(before);
    expect(scoreAt(world, personOf(world, named("one")), END_MS)).toBeGreaterThan(0);
  });
});

describe("the account", () => {
  const accounts: { what: string; story: string[]; domains: string[] }[] = [
    { what: "is the company of the e-mail", story: [`one says ${A}`], domains: ["acme.com"] },
    { what: "of a sub-domain is the company's", story: ["one says email:a@eu.mail.acme.com"], domains: ["acme.com"] },
    { what: "is shared by colleagues", story: [`one says ${A}`, `two says ${B}`], domains: ["acme.com"] },
    { what: "is none for free mail", story: ["one says email:a@gmail.com"], domains: [] },
    {
      what: "comes with the first business e-mail",
      story: ["key says user_id:u1 email:a@gmail.com", `key says user_id:u1 ${A}`],
      domains: ["acme.com"],
    },
    {
      what: "stays the first one",
      story: [`key says user_id:u1 ${A}`, "key says user_id:u1 email:a@other.com"],
      domains: ["acme.com"],
    },
    {
      what: "of either side is the merged person's",
      story: [`one says ${A}`, "two says user_id:u1", `key says ${A} user_id:u1`],
      domains: ["acme.com"],
    },
  ];
  test.each(accounts)("$what", ({ story, domains }) => {
    const world = tell(story);
    expect([...world.rows.accounts.keys()]).toEqual(domains);
    for (const personId of livePeople(world)) {
      expect(world.rows.people.get(personId)?.accountId ?? null).toBe(
        [...world.rows.accounts.values()][0]?.accountId ?? null,
      );
    }
  });
});

describe("what the secret key says", () => {
  const stories: { name: string; story: string[]; cast: string[] }[] = [
    {
      name: "outweighs a user_id that a browser has claimed",
      story: [`key says ${A}`, `one says ${A}`, "one says user_id:evil", `key says ${A} user_id:real`],
      cast: [`${A} one user_id:real`],
    },
    {
      name: "closes a person to strong identifiers on a browser's word",
      story: [`key says ${A} user_id:u1`, "two says user_id:u1 email:evil@evil.com"],
      cast: [`${A} two user_id:u1`],
    },
    {
      name: "displaces the user_id of an unsigned call when it names another",
      story: [`one says ${A} user_id:evil`, `key says ${A} user_id:real`],
      cast: [`(user_id:evil) ${A} one user_id:real`],
    },
  ];
  for (const { name, story, cast: expected } of stories) {
    test(name, () => expect(cast(tell(story))).toEqual(expected));
  }
});
