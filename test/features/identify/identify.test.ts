import { describe, expect, test } from "bun:test";
import type { IdentifyAnswer } from "../../../src/features/identify/identify.ts";
import type { TrackAnswer } from "../../../src/features/track/track.ts";
import { NOON_MS, startInstance, type TestInstance } from "../../support/instance.ts";

/** Nothing fades and little is capped, so that scores are sums one can do in the head. */
const intent = {
  groups: { all: { max: 100 } },
  rules: [
    { name: "views", group: "all", event: "page_view", points: 5 },
    {
      name: "business",
      group: "all",
      event: "identify",
      when: { properties: { email_type: "business" } },
      points: 3,
      once: true,
    },
  ],
  thresholds: { warm: 20, hot: 40 },
};

type Told = Extract<IdentifyAnswer, { person_id: string }>;
type IdentityRow = { kind: string; value: string; person_id: number; is_verified: number; retired_at: number | null };

async function view(house: TestInstance, anonymousId: string, count = 1): Promise<void> {
  await house.post("/track", Array(count).fill({ event: "page_view", anonymous_id: anonymousId }));
}

async function identify(house: TestInstance, body: object): Promise<Told> {
  const answer = await house.postSecret<Told>("/identify", body);
  expect(answer.status).toBe(200);
  return answer.body;
}

function identities(house: TestInstance): IdentityRow[] {
  return house.rows("select kind, value, person_id, is_verified, retired_at from identity order by identity_id");
}

function signals(house: TestInstance): { threshold: string; epoch: number }[] {
  return house.rows("select threshold, epoch from signal order by signal_id");
}

function livePeople(house: TestInstance): number[] {
  return house
    .rows<{ id: number }>("select person_id as id from person where merged_into is null order by person_id")
    .map(({ id }) => id);
}

describe("attach", () => {
  test("a visitor says who it is: identifiers, traits, account and an event, in one person", async () => {
    await using house = startInstance({ intent });
    await view(house, "visitor-1", 3);
    const identity = { email: " Ada@Acme.example", user_id: 7, phone: "+27 82 123 4567", name: "Ada", seats: 12 };
    const told = await identify(house, { anonymous_id: "visitor-1", identity, session_id: "s-1", url: "/signup" });
    expect(told).toEqual({
      person_id: told.person_id,
      merged: false,
      changed: true,
      in_review: false,
      score: 18,
      level: "cold",
      groups: [{ group: "all", raw: 18, max: 100, points: 18 }],
      reasons: [
        { rule: "views", group: "all", points: 15, count: 3, last_event_at: new Date(NOON_MS).toISOString() },
        { rule: "business", group: "all", points: 3, count: 1, last_event_at: new Date(NOON_MS).toISOString() },
      ],
      signals: [],
    });
    const [person] = livePeople(house);
    expect(identities(house)).toEqual([
      { kind: "anonymous_id", value: "visitor-1", person_id: person ?? 0, is_verified: 0, retired_at: null },
      { kind: "user_id", value: "7", person_id: person ?? 0, is_verified: 1, retired_at: null },
      { kind: "email", value: "ada@acme.example", person_id: person ?? 0, is_verified: 1, retired_at: null },
      { kind: "phone", value: "+27821234567", person_id: person ?? 0, is_verified: 1, retired_at: null },
    ]);
    expect(house.rows("select traits, verified_traits from person")).toEqual([
      { traits: "{}", verified_traits: '{"name":"Ada","seats":12}' },
    ]);
    expect(house.rows("select name, session_id, url, properties from event where name = 'identify'")).toEqual([
      {
        name: "identify",
        session_id: "s-1",
        url: "/signup",
        properties: JSON.stringify({
          identifiers: ["user_id", "email", "phone"],
          email_type: "business",
          traits: { name: "Ada", seats: 12 },
        }),
      },
    ]);
  });

  test("somebody whom nobody has seen yet", async () => {
    await using house = startInstance({ intent });
    const told = await identify(house, { anonymous_id: "visitor-1", identity: { email: "ada@acme.example" } });
    expect(told).toMatchObject({ merged: false, changed: true, score: 3 });
    await view(house, "visitor-1");
    expect(livePeople(house)).toHaveLength(1);
  });

  test("without a browser", async () => {
    await using house = startInstance({ intent });
    const first = await identify(house, { identity: { user_id: "u-1", email: "ada@acme.example" } });
    const second = await identify(house, { identity: { user_id: "u-1", plan: "team" } });
    expect(second).toMatchObject({ person_id: first.person_id, changed: true, score: 3 });
  });

  test("traits of a visitor without a name", async () => {
    await using house = startInstance({ intent });
    const told = await identify(house, { anonymous_id: "visitor-1", identity: { plan: "team" } });
    expect(told).toMatchObject({ changed: true, merged: false });
    expect(house.rows("select verified_traits from person")).toEqual([{ verified_traits: '{"plan":"team"}' }]);
  });
});

describe("merge", () => {
  test("adds the scores once, brings the visitor's past along and keeps both sides as they were", async () => {
    await using house = startInstance({ intent });
    await view(house, "laptop", 2);
    const before = await identify(house, { anonymous_id: "laptop", identity: { email: "ada@acme.example" } });
    await view(house, "phone", 1);
    const [survivor, absorbed] = livePeople(house);
    const told = await identify(house, { anonymous_id: "phone", identity: { email: "ada@acme.example" } });
    expect(told).toMatchObject({ person_id: before.person_id, merged: true, changed: true, score: 18 });
    expect(livePeople(house)).toEqual([survivor ?? 0]);
    expect(house.rows("select merged_into from person where person_id = ?", absorbed ?? 0)).toEqual([
      { merged_into: survivor ?? 0 },
    ]);
    expect(house.rows("select person_id, score from intent_score")).toEqual([{ person_id: survivor ?? 0, score: 18 }]);
    const past = `select count(*) as count from event e join identity i on i.identity_id = e.identity_id
      where i.person_id = ? and e.name = 'page_view'`;
    expect(house.rows(past, survivor ?? 0)).toEqual([{ count: 3 }]);
    const [merge] = house.rows<{ snapshot: string } & { [column: string]: unknown }>("select * from merge");
    expect(merge).toMatchObject({
      survivor_id: survivor ?? 0,
      absorbed_id: absorbed ?? 0,
      through: "secret_key:email+anonymous_id",
      merged_at: NOON_MS,
      undone_at: null,
      last_event_seq: 4,
    });
    const snapshot = JSON.parse(merge?.snapshot ?? "{}");
    expect(snapshot.survivor).toMatchObject({
      person: { personId: survivor, mergedInto: null },
      score: { personId: survivor, score: 13, sums: { views: { weight: 2, count: 2 } } },
    });
    expect(snapshot.absorbed).toMatchObject({
      person: { personId: absorbed, mergedInto: null },
      score: { personId: absorbed, score: 5, sums: { views: { weight: 1, count: 1 } } },
    });
    expect(snapshot.survivor.identityIds).toHaveLength(2);
    expect(snapshot.absorbed.identityIds).toHaveLength(1);
  });

  test("up to three by themselves: two people of the secret key's word, and the visitor", async () => {
    await using house = startInstance({ intent });
    await identify(house, { identity: { email: "ada@acme.example" } });
    await identify(house, { identity: { phone: "+27821234567" } });
    await view(house, "visitor-1", 2);
    const identity = { email: "ada@acme.example", phone: "+27821234567" };
    const told = await identify(house, { anonymous_id: "visitor-1", identity });
    expect(told).toMatchObject({ merged: true, in_review: false, score: 13 });
    expect(livePeople(house)).toHaveLength(1);
    expect(house.rows("select 1 from merge")).toHaveLength(2);
  });

  test("events keep counting, for the one that is left, under both browsers", async () => {
    await using house = startInstance({ intent });
    for (const anonymous_id of ["laptop", "phone"]) {
      await view(house, anonymous_id);
      await house.post("/identify", { anonymous_id, identity: { email: "ada@acme.example" } });
    }
    await view(house, "laptop");
    await view(house, "phone");
    expect(house.rows("select score from intent_score")).toEqual([{ score: 23 }]);
  });

  test("two at once for the same e-mail from two browsers become one person", async () => {
    await using house = startInstance({ intent });
    await Promise.all([view(house, "laptop", 2), view(house, "phone", 2)]);
    const told = await Promise.all(
      ["laptop", "phone"].map((anonymous_id) =>
        identify(house, { anonymous_id, identity: { email: "ada@acme.example" } }),
      ),
    );
    expect(new Set(told.map(({ person_id }) => person_id)).size).toBe(1);
    expect(told.map(({ merged }) => merged)).toEqual([false, true]);
    expect(livePeople(house)).toHaveLength(1);
    expect(house.rows("select score from intent_score")).toEqual([{ score: 23 }]);
    expect(signals(house)).toEqual([{ threshold: "warm", epoch: 1 }]);
  });

  test("events and identifies of one moment are taken in their order", async () => {
    await using house = startInstance({ intent });
    const page = { event: "page_view", anonymous_id: "visitor-1" };
    const [before, told, after] = await Promise.all([
      house.postSecret<TrackAnswer>("/track", page),
      identify(house, { anonymous_id: "visitor-1", identity: { email: "ada@acme.example" } }),
      house.postSecret<TrackAnswer>("/track", page),
    ]);
    expect(before.body.events[0]).toMatchObject({ score: 5 });
    expect(told).toMatchObject({ score: 8 });
    expect(after.body.events[0]).toMatchObject({ score: 13, person_id: told.person_id });
  });
});

describe("thresholds are looked at again after a merge", () => {
  test("what both sides reach together is signalled exactly once", async () => {
    await using house = startInstance({ intent });
    await view(house, "laptop", 3);
    await house.post("/identify", { anonymous_id: "laptop", identity: { email: "ada@mail.example" } });
    await view(house, "phone", 3);
    expect(signals(house)).toEqual([]);
    const body = { anonymous_id: "phone", identity: { email: "ada@mail.example" } };
    const told = await identify(house, body);
    expect(told.signals.map(({ threshold }) => threshold)).toEqual(["warm"]);
    expect(await identify(house, body)).toMatchObject({ changed: false, signals: [] });
    await view(house, "phone");
    expect(signals(house)).toEqual([{ threshold: "warm", epoch: 1 }]);
    const [row] = house.rows<{ data: string }>("select data from signal");
    expect(JSON.parse(row?.data ?? "{}")).toMatchObject({ person: { email: "ada@mail.example" }, score: 33 });
  });

  test.each([
    ["the one that stays", "laptop"],
    ["the one that is absorbed", "phone"],
  ])("what only %s has signalled is not repeated", async (_, warmOne) => {
    await using house = startInstance({ intent });
    for (const anonymous_id of ["laptop", "phone"]) {
      await view(house, anonymous_id, anonymous_id === warmOne ? 4 : 1);
      await house.post("/identify", { anonymous_id, identity: { email: "ada@acme.example" } });
    }
    await view(house, "phone");
    expect(signals(house)).toEqual([{ threshold: "warm", epoch: 1 }]);
  });

  test("a level that one side had fallen from is signalled again, under its next epoch", async () => {
    const [views, business] = intent.rules;
    const fading = { ...intent, rules: [{ ...views, half_life: "1d" }, business] };
    await using house = startInstance({ intent: fading });
    await view(house, "laptop", 4);
    await house.post("/identify", { anonymous_id: "laptop", identity: { email: "ada@acme.example" } });
    house.clock.nowMs += 2 * 86_400_000;
    await view(house, "phone", 3);
    expect(signals(house)).toEqual([{ threshold: "warm", epoch: 1 }]);
    const told = await identify(house, { anonymous_id: "phone", identity: { email: "ada@acme.example" } });
    expect(told).toMatchObject({ merged: true, score: 23, signals: [{ threshold: "warm" }] });
    expect(signals(house)).toEqual([
      { threshold: "warm", epoch: 1 },
      { threshold: "warm", epoch: 2 },
    ]);
  });

  test("what either side has signalled is not repeated", async () => {
    await using house = startInstance({ intent });
    await view(house, "laptop", 4);
    await house.post("/identify", { anonymous_id: "laptop", identity: { email: "ada@acme.example" } });
    await view(house, "phone", 4);
    expect(signals(house)).toHaveLength(2);
    const told = await identify(house, { anonymous_id: "phone", identity: { email: "ada@acme.example" } });
    expect(told).toMatchObject({ score: 43, level: "hot" });
    expect(told.signals.map(({ threshold }) => threshold)).toEqual(["hot"]);
    expect(signals(house).map(({ threshold }) => threshold)).toEqual(["warm", "warm", "hot"]);
  });
});

describe("a repeat changes nothing", () => {
  const repeats: [string, object][] = [
    [
      "to the letter",
      { anonymous_id: "visitor-1", identity: { email: "ada@acme.example", name: "Ada", user_id: "u-1" } },
    ],
    ["in another spelling", { anonymous_id: "visitor-1", identity: { email: " ADA@ACME.EXAMPLE ", user_id: "u-1" } }],
    ["with less", { anonymous_id: "visitor-1", identity: { user_id: "u-1" } }],
    ["without the browser", { identity: { email: "ada@acme.example", name: "Ada" } }],
    ["without a word on who it is", { anonymous_id: "visitor-1", identity: { name: "Ada" } }],
  ];
  test.each(repeats)("%s", async (_, body) => {
    await using house = startInstance({ intent });
    await view(house, "visitor-1", 4);
    const identity = { email: "ada@acme.example", name: "Ada", user_id: "u-1" };
    const first = await identify(house, { anonymous_id: "visitor-1", identity });
    house.clock.nowMs += 60_000;
    const rowsOf = () =>
      ["event", "identity", "person", "intent_score", "session", "account", "merge", "merge_review", "signal"].map(
        (table) => house.rows(`select * from "${table}"`),
      );
    const before = rowsOf();
    const again = await identify(house, body);
    expect(again).toEqual({ ...first, changed: false, signals: [] });
    expect(rowsOf()).toEqual(before);
    expect((await house.post("/identify", body)).text).toBe('{"ok":true}');
  });
});

describe("switch: another person says who they are on the same device", () => {
  test("what follows is theirs, the past stays where it was", async () => {
    await using house = startInstance({ intent });
    await view(house, "tablet", 2);
    const ada = await identify(house, { anonymous_id: "tablet", identity: { email: "ada@mail.example" } });
    const bob = await identify(house, { anonymous_id: "tablet", identity: { email: "bob@mail.example" } });
    expect(bob).toMatchObject({ merged: false, changed: true, in_review: false });
    expect(bob.person_id).not.toBe(ada.person_id);
    await view(house, "tablet", 1);
    expect(house.rows("select score from intent_score order by person_id")).toEqual([{ score: 13 }, { score: 8 }]);
    const back = await identify(house, { anonymous_id: "tablet", identity: { email: "ada@mail.example" } });
    expect(back.person_id).toBe(ada.person_id);
    await view(house, "tablet", 1);
    expect(house.rows("select score from intent_score order by person_id")).toEqual([{ score: 18 }, { score: 8 }]);
    const tablets = identities(house).filter(({ kind }) => kind === "anonymous_id");
    expect(tablets.map(({ retired_at }) => retired_at)).toEqual([null, NOON_MS]);
    expect(house.rows("select 1 from merge")).toEqual([]);
  });
});

test("a browser comes back to a person who is absorbed in the same breath", async () => {
  await using house = startInstance({ intent });
  const ada = { email: "ada@mail.example" };
  await identify(house, { anonymous_id: "tablet", identity: ada });
  await identify(house, { identity: { user_id: "u-1" } });
  await identify(house, { anonymous_id: "tablet", identity: { email: "bob@mail.example" } });
  const told = await identify(house, { anonymous_id: "tablet", identity: { ...ada, user_id: "u-1" } });
  expect(told).toMatchObject({ merged: true, changed: true });
  await view(house, "tablet");
  const tablets = identities(house).filter(({ kind }) => kind === "anonymous_id");
  expect(tablets.map(({ retired_at }) => retired_at)).toEqual([null, NOON_MS]);
  expect(house.rows("select score from intent_score order by person_id")).toEqual([{ score: 8 }, { score: 3 }]);
});

describe("what a person's eye has to see", () => {
  const people: { [name: string]: object } = {
    "a user with an e-mail": { user_id: "u-1", email: "ada@acme.example" },
    "another user with an e-mail": { user_id: "u-2", email: "bob@acme.example" },
    "somebody with a phone": { phone: "+27821234567" },
    "somebody with another e-mail": { email: "eve@acme.example" },
  };
  type Conflict = { known: string[]; identity: object; isPublic?: true; reason: string; seen: number };
  const conflicts: [string, Conflict][] = [
    [
      "two user ids",
      {
        known: ["a user with an e-mail", "another user with an e-mail"],
        identity: { user_id: "u-1", email: "bob@acme.example" },
        reason: "user_id_conflict",
        seen: 2,
      },
    ],
    [
      "a second user id for one e-mail",
      {
        known: ["a user with an e-mail"],
        identity: { user_id: "u-9", email: "ada@acme.example" },
        reason: "user_id_conflict",
        seen: 2,
      },
    ],
    [
      "a browser that says two people are one",
      {
        known: ["somebody with a phone", "somebody with another e-mail"],
        identity: { phone: "+27821234567", email: "eve@acme.example" },
        isPublic: true,
        reason: "unsigned_claim",
        seen: 2,
      },
    ],
    [
      "more than three profiles",
      {
        known: ["a user with an e-mail", "somebody with a phone", "somebody with another e-mail"],
        identity: { user_id: "u-1", phone: "+27821234567", email: "eve@acme.example" },
        reason: "too_many_profiles",
        seen: 3,
      },
    ],
  ];
  test.each(conflicts)("%s", async (_, { known, identity, isPublic, reason, seen }) => {
    await using house = startInstance({ intent });
    for (const name of known) await identify(house, { identity: people[name] });
    await view(house, "visitor-1", 2);
    const body = { anonymous_id: "visitor-1", identity };
    if (isPublic) expect((await house.post("/identify", body)).text).toBe('{"ok":true}');
    else expect(await identify(house, body)).toMatchObject({ in_review: true });
    await house.post("/identify", body);
    const reviews = house.rows<{ person_ids: string; reason: string; decided_at: null }>(
      "select person_ids, reason, decided_at from merge_review",
    );
    expect(reviews.map(({ reason: told, decided_at }) => [told, decided_at])).toContainEqual([reason, null]);
    expect(JSON.parse(reviews[0]?.person_ids ?? "[]")).toHaveLength(seen);
    const live = new Set(livePeople(house));
    const strong = identities(house).filter(({ kind }) => kind !== "anonymous_id");
    expect(new Set(strong.map(({ person_id }) => person_id)).size).toBeGreaterThanOrEqual(known.length);
    expect(strong.every(({ person_id }) => live.has(person_id))).toBe(true);
    const [total] = house.rows<{ score: number }>("select sum(score) as score from intent_score");
    expect(total?.score).toBeGreaterThanOrEqual(10);
  });
});

describe("accounts", () => {
  const mails: [string, string, string | null][] = [
    ["a company", "ada@acme.com", "acme.com"],
    ["a company's sub-domain", "ada@mail.eu.acme.co.uk", "acme.co.uk"],
    ["free mail", "ada@gmail.com", null],
    ["free mail of another country", "ada@gmx.de", null],
    ["a mail one throws away", "ada@mailinator.com", null],
  ];
  test.each(mails)("%s", async (_, email, domain) => {
    await using house = startInstance({ intent });
    await identify(house, { anonymous_id: "visitor-1", identity: { email } });
    expect(house.rows("select domain from account")).toEqual(domain === null ? [] : [{ domain }]);
    const [person] = house.rows<{ account: string | null }>(
      "select a.domain as account from person p left join account a on a.account_id = p.account_id",
    );
    expect(person?.account ?? null).toBe(domain);
    expect(house.rows("select json_extract(properties, '$.email_type') as type from event")).toEqual([
      { type: domain === null ? "free" : "business" },
    ]);
  });

  test("colleagues share one", async () => {
    await using house = startInstance({ intent });
    await Promise.all(
      ["ada", "bob", "eve"].map((name) => identify(house, { identity: { email: `${name}@acme.example` } })),
    );
    expect(house.rows("select 1 from account")).toHaveLength(1);
    expect(house.rows("select distinct account_id from person")).toHaveLength(1);
  });
});

describe("who vouches for what", () => {
  test("a browser's word is unverified until the secret key says the same", async () => {
    await using house = startInstance({ intent });
    const body = { anonymous_id: "visitor-1", identity: { email: "ada@acme.example", city: "London" } };
    await house.post("/identify", body);
    const verified = () => identities(house).map(({ kind, is_verified }) => [kind, is_verified]);
    expect(verified()).toEqual([
      ["email", 0],
      ["anonymous_id", 0],
    ]);
    expect(await identify(house, body)).toMatchObject({ changed: true });
    expect(verified()).toEqual([
      ["email", 1],
      ["anonymous_id", 0],
    ]);
    expect(await identify(house, body)).toMatchObject({ changed: false });
    expect(house.rows("select traits, verified_traits from person")).toEqual([
      { traits: '{"city":"London"}', verified_traits: '{"city":"London"}' },
    ]);
  });

  test("a browser does not overwrite what the secret key said", async () => {
    await using house = startInstance({ intent });
    await identify(house, { anonymous_id: "visitor-1", identity: { email: "ada@acme.example", plan: "team" } });
    await house.post("/identify", { anonymous_id: "visitor-1", identity: { plan: "free", city: "London" } });
    expect(house.rows("select traits, verified_traits from person")).toEqual([
      { traits: '{"plan":"free","city":"London"}', verified_traits: '{"plan":"team"}' },
    ]);
  });
});

describe('the public answer is {"ok":true} and nothing else', () => {
  const stories: [string, object[]][] = [
    ["a new visitor", [{ anonymous_id: "v-1", identity: { email: "ada@acme.example" } }]],
    ["a repeat", Array(2).fill({ anonymous_id: "v-1", identity: { email: "ada@acme.example" } })],
    ["a merge", ["v-1", "v-2"].map((anonymous_id) => ({ anonymous_id, identity: { email: "ada@acme.example" } }))],
    ["a switch", ["ada", "bob"].map((name) => ({ anonymous_id: "v-1", identity: { email: `${name}@acme.example` } }))],
    [
      "a claim that nobody can verify",
      [
        { identity: { email: "ada@acme.example" } },
        { identity: { phone: "+27821234567" } },
        { anonymous_id: "v-1", identity: { email: "ada@acme.example", phone: "+27821234567" } },
      ],
    ],
  ];
  test.each(stories)("%s", async (_, bodies) => {
    await using house = startInstance({ intent });
    await view(house, "v-1", 8);
    for (const body of bodies) {
      const { status, text } = await house.post("/identify", body);
      expect({ status, text }).toEqual({ status: 200, text: '{"ok":true}' });
    }
  });
});
