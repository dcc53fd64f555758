import { describe, expect, test } from "bun:test";
import type { MergesAnswer, UndoneAnswer } from "../../../src/features/merges/merges.ts";
import type { DecidedAnswer, ReviewsAnswer } from "../../../src/features/merges/reviews.ts";
import { startInstance, type TestInstance } from "../../support/instance.ts";

type Identified = { person_id: string; merged: boolean; in_review: boolean; score: number };
type Person = {
  person_id: string;
  score: number;
  identities: { kind: string; value: string; verified: boolean }[];
};
type Explained = { person_id: string; score: number };

const ADA = "ada@acme.com";
const OTHER = "grace@navy.mil";

function look(instance: TestInstance, visitor: string, url: string) {
  return instance.post("/track", { event: "page_view", anonymous_id: visitor, session_id: "s1", url });
}

function say(instance: TestInstance, visitor: string | null, identity: object) {
  return instance.postSecret<Identified>("/identify", { anonymous_id: visitor, identity });
}

async function person(instance: TestInstance, who: string): Promise<Person> {
  return (await instance.getSecret<Person>(`/people/${who}`)).body;
}

/** Two browsers with a past each, of whom the second says the address of the first. */
async function mergeTwo(instance: TestInstance) {
  await look(instance, "one", "/pricing");
  await look(instance, "two", "/demo");
  await look(instance, "two", "/pricing");
  const apart = { one: await person(instance, "one"), two: await person(instance, "two") };
  await say(instance, "one", { email: ADA });
  const merged = await say(instance, "two", { email: ADA });
  expect(merged.body.merged).toBe(true);
  const { merges } = (await instance.getSecret<MergesAnswer>("/merges")).body;
  return { merges, apart };
}

test("a merge is listed with both sides, whose word it was and through what", async () => {
  await using instance = startInstance();
  const { merges, apart } = await mergeTwo(instance);
  expect(merges).toEqual([
    {
      merge_id: expect.stringMatching(/^mrg_/),
      merged_at: "2026-06-01T12:00:00.000Z",
      undone_at: null,
      by: "secret_key",
      through: ["email", "anonymous_id"],
      survivor: {
        person_id: apart.one.person_id,
        identities: [
          { kind: "email", value: ADA },
          { kind: "anonymous_id", value: "one" },
        ],
      },
      absorbed: { person_id: apart.two.person_id, identities: [{ kind: "anonymous_id", value: "two" }] },
    },
  ]);
  const full = await instance.getSecret<{ merged_from: object[] }>(`/people/${apart.two.person_id}`);
  expect(full.body).toMatchObject({
    person_id: apart.one.person_id,
    merged_from: [{ person_id: apart.two.person_id, merge_id: merges[0]?.merge_id, into: apart.one.person_id }],
  });
});

test("an undo gives each side what it was and what it did since; both are explained and listed", async () => {
  await using instance = startInstance();
  const { merges, apart } = await mergeTwo(instance);
  await look(instance, "two", "/case-studies");
  const undone = await instance.postSecret<UndoneAnswer>(`/merges/${merges[0]?.merge_id}/undo`, "");
  expect(undone.status).toBe(200);
  const [one, two] = [await person(instance, "one"), await person(instance, "two")];
  expect([one.person_id, two.person_id]).toEqual([apart.one.person_id, apart.two.person_id]);
  expect(undone.body.survivor).toMatchObject({ person_id: one.person_id });
  expect(undone.body.survivor.score).toBeCloseTo(one.score, 9);
  expect(undone.body.absorbed.score).toBeCloseTo(two.score, 9);
  expect(two.identities.map(({ value }) => value)).toEqual(["two"]);
  for (const { person_id, score } of [one, two]) {
    const explained = await instance.getSecret<Explained>(`/people/${person_id}/explain`);
    expect(explained.body).toMatchObject({ person_id });
    expect(explained.body.score).toBeCloseTo(score, 9);
  }
  const everybody = await instance.getSecret<{ people: Person[] }>("/people");
  expect(everybody.body.people.map(({ person_id }) => person_id).sort()).toEqual([one.person_id, two.person_id].sort());
  // What a visitor scores who did only what the second browser did.
  for (const url of ["/demo", "/pricing", "/case-studies"]) await look(instance, "like two", url);
  await say(instance, "like two", { email: "alan@other.com" });
  const alike = await person(instance, "like two");
  expect(two.score).toBeCloseTo(alike.score, 9);
});

test("an undone merge stays in the log, cannot be undone again, and is audited", async () => {
  await using instance = startInstance();
  const { merges } = await mergeTwo(instance);
  const id = merges[0]?.merge_id ?? "";
  await instance.postSecret(`/merges/${id}/undo`, "");
  const again = await instance.postSecret(`/merges/${id}/undo`, "");
  expect([again.status, again.body.error.message]).toEqual([
    409,
    "this merge was undone at 2026-06-01T12:00:00.000Z; both sides live",
  ]);
  const listed = async (query: string) =>
    (await instance.getSecret<MergesAnswer>(`/merges${query}`)).body.merges.map(({ merge_id }) => merge_id);
  const one = (await person(instance, "one")).person_id;
  expect(await listed("?undone=true")).toEqual([id]);
  expect(await listed("?undone=false")).toEqual([]);
  expect(await listed(`?person=${one}`)).toEqual([id]);
  expect(await listed(`?person=${one}&undone=false`)).toEqual([]);
  expect(instance.rows("select action, subject from audit where action = 'merge_undo'")).toEqual([
    { action: "merge_undo", subject: id },
  ]);
});

test("the same word does not merge again what somebody has parted; a review asks, and its approval merges", async () => {
  await using instance = startInstance();
  const { merges, apart } = await mergeTwo(instance);
  await instance.postSecret(`/merges/${merges[0]?.merge_id}/undo`, "");
  const said = await say(instance, "two", { email: ADA });
  expect(said.body).toMatchObject({ merged: false, in_review: true, person_id: apart.one.person_id });
  const open = await instance.getSecret<ReviewsAnswer>("/reviews?state=open");
  expect(open.body.reviews).toMatchObject([
    { reason: "kept_apart", people: [{ person_id: apart.one.person_id }, { person_id: apart.two.person_id }] },
  ]);
  const id = open.body.reviews[0]?.review_id;
  const approved = await instance.postSecret<DecidedAnswer>(`/reviews/${id}/approve`, "");
  expect(approved.body).toMatchObject({ state: "approved", person: { person_id: apart.one.person_id } });
  expect((await person(instance, "two")).person_id).toBe(apart.one.person_id);
  const { merges: all } = (await instance.getSecret<MergesAnswer>("/merges")).body;
  expect(all.map(({ by, undone_at }) => [by, undone_at === null])).toEqual([
    ["review", true],
    ["secret_key", false],
  ]);
});

describe("an undo goes through ten thousand events", () => {
  async function doMuch(instance: TestInstance, visitor: string, count: number) {
    const event = { event: "page_view", anonymous_id: visitor, session_id: "s1", url: "/docs" };
    for (let done = 0; done < count; done += 500) {
      const events = Array.from({ length: Math.min(500, count - done) }, () => event);
      expect((await instance.postSecret("/track", { events })).status).toBe(200);
    }
  }

  test("of the absorbed side; with one more it is refused, and nothing changes", async () => {
    await using instance = startInstance();
    const { merges } = await mergeTwo(instance);
    const id = merges[0]?.merge_id ?? "";
    // The second browser's own identify came after the merge's mark as well.
    await doMuch(instance, "two", 10_000);
    const before = await person(instance, "two");
    const refused = await instance.postSecret(`/merges/${id}/undo`, "");
    expect([refused.status, refused.body.error.message]).toEqual([409, expect.stringContaining("10000")]);
    expect(await person(instance, "two")).toEqual(before);
    expect(instance.rows("select 1 from merge where undone_at is not null")).toEqual([]);
  });

  test("of both; a survivor with more keeps what is not the other side's", async () => {
    await using instance = startInstance();
    const { merges, apart } = await mergeTwo(instance);
    await doMuch(instance, "one", 10_000);
    await doMuch(instance, "two", 20);
    const undone = await instance.postSecret<UndoneAnswer>(`/merges/${merges[0]?.merge_id}/undo`, "");
    expect(undone.body.absorbed).toMatchObject({ person_id: apart.two.person_id });
    const countsOf = async (who: string) => {
      type Counts = { contributions: { rule: string; count: number }[] };
      const { contributions } = (await instance.getSecret<Counts>(`/people/${who}/explain`)).body;
      return Object.fromEntries(contributions.map(({ rule, count }) => [rule, count]));
    };
    expect(await countsOf("one")).toEqual({
      recent_visit: 1,
      recent_high_intent: 1,
      visit: 1,
      docs_view: 3,
      pricing_view: 1,
      business_email: 1,
    });
    expect(await countsOf("two")).toMatchObject({ docs_view: 3, pricing_view: 1, demo_view: 1 });
  });
});

test("merges are paged from the newest to the oldest", async () => {
  await using instance = startInstance();
  for (const visitor of ["one", "two", "three", "four"]) {
    await look(instance, visitor, "/");
    await say(instance, visitor, { email: ADA });
  }
  const all = (await instance.getSecret<MergesAnswer>("/merges")).body.merges.map(({ merge_id }) => merge_id);
  const paged: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const path: string = `/merges?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`;
    const page: MergesAnswer = (await instance.getSecret<MergesAnswer>(path)).body;
    paged.push(...page.merges.map(({ merge_id }) => merge_id));
    cursor = page.next_cursor;
  }
  expect(all).toHaveLength(3);
  expect(paged).toEqual(all);
});

describe("a review", () => {
  /** A browser whose owner the secret key vouches for says somebody else's address without proof. */
  async function claim(instance: TestInstance, email: string) {
    return instance.post("/identify", { anonymous_id: "one", identity: { email: ADA, phone: email } });
  }

  async function openReviews(instance: TestInstance) {
    return (await instance.getSecret<ReviewsAnswer>("/reviews?state=open")).body.reviews;
  }

  test("of two known people merges them when approved, once, with thresholds looked at and signals sent", async () => {
    await using instance = startInstance();
    for (const [visitor, email] of [
      ["one", ADA],
      ["two", OTHER],
    ] as const) {
      await look(instance, visitor, "/pricing");
      await look(instance, visitor, visitor === "one" ? "/demo" : "/roi-calculator");
      await say(instance, visitor, { email });
    }
    await say(instance, null, { user_id: "u1", email: ADA });
    await say(instance, null, { user_id: "u2", email: OTHER });
    const said = await say(instance, null, { email: ADA, user_id: "u2" });
    expect(said.body).toMatchObject({ merged: false, in_review: true });
    const [review, ...others] = await openReviews(instance);
    expect(others).toEqual([]);
    expect(review).toMatchObject({ reason: "user_id_conflict", state: "open" });
    const before = Math.max((await person(instance, "one")).score, (await person(instance, "two")).score);
    const approved = await instance.postSecret<DecidedAnswer>(`/reviews/${review?.review_id}/approve`, "");
    expect(approved.status).toBe(200);
    expect(approved.body.merges).toHaveLength(1);
    expect(approved.body.person?.score ?? 0).toBeGreaterThan(before);
    const stored = instance.rows<{ threshold: string }>("select threshold from signal where created_at > 0");
    expect(stored.map(({ threshold }) => threshold)).toEqual(
      expect.arrayContaining(approved.body.signals.map(({ threshold }) => threshold)),
    );
    expect((await person(instance, "two")).person_id).toBe((await person(instance, "one")).person_id);
    expect(await openReviews(instance)).toEqual([]);
    const again = await instance.postSecret(`/reviews/${review?.review_id}/approve`, "");
    expect([again.status, again.body.error.code]).toEqual([409, "conflict"]);
    expect(instance.rows("select action from audit where action like 'review%'")).toEqual([
      { action: "review_approve" },
    ]);
  });

  test("of two user ids leaves both when approved, also the one that only a browser has said", async () => {
    await using instance = startInstance();
    await say(instance, null, { user_id: "u1", email: ADA });
    await instance.post("/identify", { anonymous_id: "two", identity: { user_id: "u2" } });
    await instance.post("/identify", { anonymous_id: "two", identity: { email: ADA, user_id: "u2" } });
    const [review] = await openReviews(instance);
    expect(review?.people).toHaveLength(2);
    await instance.postSecret(`/reviews/${review?.review_id}/approve`, "");
    // A word of the secret key, by which a claimed user_id gives way to a verified one.
    await say(instance, null, { user_id: "u1", email: ADA });
    const [ids, live] = [["u1", "u2"], (await person(instance, ADA)).identities];
    expect(live.filter(({ kind }) => kind === "user_id")).toEqual(
      ids.map((value) => ({ kind: "user_id", value, verified: true })),
    );
    expect((await person(instance, "u2")).person_id).toBe((await person(instance, "u1")).person_id);
  });

  test("of a claim attaches it when approved, as verified", async () => {
    await using instance = startInstance();
    await say(instance, "one", { email: ADA });
    await claim(instance, "+27821234567");
    const [review] = await openReviews(instance);
    expect(review).toMatchObject({ reason: "unsigned_claim", claims: [{ kind: "phone", value: "+27821234567" }] });
    await instance.postSecret(`/reviews/${review?.review_id}/approve`, "");
    expect((await person(instance, "+27821234567")).identities).toEqual([
      { kind: "email", value: ADA, verified: true },
      { kind: "phone", value: "+27821234567", verified: true },
      { kind: "anonymous_id", value: "one", verified: false },
    ]);
  });

  test("that is rejected is not asked again by the same claim, but by another one", async () => {
    await using instance = startInstance();
    await say(instance, "one", { email: ADA });
    await claim(instance, "+27821234567");
    const [review] = await openReviews(instance);
    const rejected = await instance.postSecret<DecidedAnswer>(`/reviews/${review?.review_id}/reject`, "");
    expect(rejected.body).toMatchObject({ state: "rejected", person: null, merges: [], signals: [] });
    await claim(instance, "+27821234567");
    expect(await openReviews(instance)).toEqual([]);
    await claim(instance, "+27829999999");
    expect(await openReviews(instance)).toMatchObject([
      { review_id: review?.review_id, claims: [{ kind: "phone", value: "+27829999999" }] },
    ]);
    await instance.postSecret(`/reviews/${review?.review_id}/approve`, "");
    expect((await instance.getSecret(`/people/%2B27821234567`)).status).toBe(404);
    expect((await instance.getSecret(`/people/%2B27829999999`)).status).toBe(200);
  });

  test("of two people that is rejected keeps them apart also from the secret key's word", async () => {
    await using instance = startInstance();
    await say(instance, "one", { email: ADA });
    await say(instance, "two", { phone: "+27821234567" });
    await instance.post("/identify", { identity: { email: ADA, phone: "+27821234567" } });
    const [review] = await openReviews(instance);
    await instance.postSecret(`/reviews/${review?.review_id}/reject`, "");
    const said = await say(instance, null, { email: ADA, phone: "+27821234567" });
    expect(said.body).toMatchObject({ merged: false, in_review: false });
    expect(await openReviews(instance)).toEqual([]);
    expect((await instance.getSecret<ReviewsAnswer>("/reviews?state=rejected")).body.reviews).toHaveLength(1);
  });
});

describe("questions about one person", () => {
  const countOpen = (instance: TestInstance) =>
    instance.rows<{ open: number }>("select count(*) as open from merge_review where decision is null")[0]?.open;
  const ask = (instance: TestInstance, index: number) =>
    instance.post("/identify", { identity: { email: ADA, phone: `+278212300${String(index).padStart(2, "0")}` } });

  test.each(["older", "younger"])("by browsers are twenty that wait, with people who are %s", async (than) => {
    await using instance = startInstance();
    const others = Array.from({ length: 25 }, (_, index) => `+278212300${String(index).padStart(2, "0")}`);
    const meetAda = () => say(instance, null, { email: ADA });
    if (than === "younger") await meetAda();
    for (const phone of others) await instance.post("/identify", { identity: { phone } });
    if (than === "older") await meetAda();
    for (const index of others.keys()) expect((await ask(instance, index)).status).toBe(200);
    expect(countOpen(instance)).toBe(20);
    // What is asked already may be asked again, and grows nothing.
    await ask(instance, 3);
    expect(countOpen(instance)).toBe(20);
    // The secret key's word goes beyond, and an answer makes room.
    const parted = await say(instance, null, { email: ADA, user_id: "u1" });
    expect(parted.body.in_review).toBe(false);
    await say(instance, null, { user_id: "u2", phone: others[24] });
    expect((await say(instance, null, { user_id: "u2", email: ADA })).body.in_review).toBe(true);
    expect(countOpen(instance)).toBe(21);
    const { reviews } = (await instance.getSecret<ReviewsAnswer>("/reviews?state=open")).body;
    for (const { review_id } of reviews.slice(0, 2)) await instance.postSecret(`/reviews/${review_id}/reject`, "");
    expect(countOpen(instance)).toBe(19);
    for (const index of [21, 22, 23]) await ask(instance, index);
    expect(countOpen(instance)).toBe(20);
  });
});

describe("a review whose claim has become somebody's", () => {
  const BOSS = "boss@acme.com";

  /** A browser of u1 says an address, and the secret key says it of u2 before anybody has looked. */
  async function claimedByAnother(instance: TestInstance): Promise<string> {
    await say(instance, "one", { user_id: "u1" });
    await instance.post("/identify", { anonymous_id: "one", identity: { email: BOSS } });
    await say(instance, null, { user_id: "u2", email: BOSS });
    return (await listed(instance, "open"))[0]?.review_id ?? "";
  }

  async function listed(instance: TestInstance, state: string) {
    return (await instance.getSecret<ReviewsAnswer>(`/reviews?state=${state}`)).body.reviews;
  }

  test("is not approved: nobody is merged, and a review that shows them all is open", async () => {
    await using instance = startInstance();
    const id = await claimedByAnother(instance);
    const [one, two] = [await person(instance, "u1"), await person(instance, "u2")];
    for (let times = 0; times < 2; times += 1) {
      const { status, body } = await instance.postSecret(`/reviews/${id}/approve`, "");
      expect([status, body.error.code]).toEqual([409, "conflict"]);
      const [anew, ...others] = await listed(instance, "open");
      expect(body.error.message).toContain(`${anew?.review_id} asks about all of them`);
      expect(anew?.people.map(({ person_id }) => person_id)).toEqual([one.person_id, two.person_id]);
      expect(others.map(({ review_id }) => review_id)).toEqual([id]);
    }
    expect(instance.rows("select 1 from merge")).toEqual([]);
    expect(instance.rows("select action from audit where action like 'review%'")).toEqual([]);
    expect([await person(instance, "u1"), await person(instance, "u2")]).toEqual([one, two]);
    const [anew] = await listed(instance, "open");
    expect((await instance.postSecret(`/reviews/${anew?.review_id}/approve`, "")).status).toBe(200);
    expect((await person(instance, "u2")).person_id).toBe((await person(instance, "u1")).person_id);
    expect((await instance.postSecret<DecidedAnswer>(`/reviews/${id}/approve`, "")).body.merges).toEqual([]);
    expect(await listed(instance, "open")).toEqual([]);
  });

  test("is not asked anew where somebody has said no to them all", async () => {
    await using instance = startInstance();
    const id = await claimedByAnother(instance);
    await instance.postSecret(`/reviews/${id}/approve`, "");
    const [anew] = await listed(instance, "open");
    await instance.postSecret(`/reviews/${anew?.review_id}/reject`, "");
    const again = await instance.postSecret(`/reviews/${id}/approve`, "");
    expect([again.status, again.body.error.message]).toEqual([409, expect.stringContaining("reject this one too")]);
    expect((await instance.postSecret(`/reviews/${id}/reject`, "")).status).toBe(200);
    expect(instance.rows("select 1 from merge")).toEqual([]);
  });
});

describe("what is amiss is told", () => {
  const refusals: { what: string; method: "get" | "post"; path: string; status: number; field?: string }[] = [
    { what: "a person that is none", method: "get", path: "/merges?person=ada", status: 422, field: "person" },
    { what: "undone that is neither", method: "get", path: "/merges?undone=maybe", status: 422, field: "undone" },
    { what: "a cursor of somebody else", method: "get", path: "/merges?cursor=abc", status: 422, field: "cursor" },
    { what: "a parameter that is not known", method: "get", path: "/merges?who=1", status: 422 },
    { what: "a state that is none", method: "get", path: "/reviews?state=done", status: 422, field: "state" },
    { what: "a merge that is not there", method: "post", path: "/merges/mrg_zzz/undo", status: 404 },
    { what: "an id of something else", method: "post", path: "/merges/per_1/undo", status: 404 },
    { what: "a review that is not there", method: "post", path: "/reviews/rev_zzz/approve", status: 404 },
    { what: "no id at all", method: "post", path: "/reviews/1/reject", status: 404 },
  ];
  test.each(refusals)("$what", async ({ method, path, status, field }) => {
    await using instance = startInstance();
    const answer = method === "get" ? await instance.getSecret(path) : await instance.postSecret(path, "");
    expect([answer.status, answer.body.error.field]).toEqual([status, field]);
  });

  test.each(["/merges/mrg_1/undo", "/reviews/rev_1/approve", "/reviews/rev_1/reject"])(
    "%s takes the secret key",
    async (path) => {
      await using instance = startInstance();
      expect((await instance.post(path, "")).status).toBe(401);
    },
  );
});

describe("limits that ask instead of merging", () => {
  test("a sixth address waits for somebody to look, and is attached by an approval", async () => {
    await using instance = startInstance();
    const emails = Array.from({ length: 6 }, (_, index) => `ada${index}@acme.com`);
    for (const email of emails) await say(instance, null, { user_id: "u1", email });
    const { reviews } = (await instance.getSecret<ReviewsAnswer>("/reviews?state=open")).body;
    expect(reviews).toMatchObject([
      { reason: "too_many_identifiers", claims: [{ kind: "email", value: "ada5@acme.com" }] },
    ]);
    await instance.postSecret(`/reviews/${reviews[0]?.review_id}/approve`, "");
    expect((await person(instance, "ada5@acme.com")).person_id).toBe((await person(instance, "u1")).person_id);
  });

  test("two people with more addresses together than one may have are not merged by themselves", async () => {
    await using instance = startInstance();
    for (let index = 0; index < 3; index += 1) {
      await say(instance, null, { user_id: "u1", email: `a${index}@acme.com` });
      await say(instance, null, { phone: "+27821234567", email: `b${index}@acme.com` });
    }
    const said = await say(instance, null, { user_id: "u1", phone: "+27821234567" });
    expect(said.body).toMatchObject({ merged: false, in_review: true });
  });

  test("whoever absorbed a hundred browsers absorbs no further one", async () => {
    await using instance = startInstance();
    await say(instance, null, { email: ADA });
    for (let index = 0; index < 101; index += 1) {
      await look(instance, `browser ${index}`, "/");
      const said = await say(instance, `browser ${index}`, { email: ADA });
      expect([index, said.body.merged]).toEqual([index, index < 100]);
    }
    const { reviews } = (await instance.getSecret<ReviewsAnswer>("/reviews")).body;
    expect(reviews).toMatchObject([
      { reason: "too_many_merges", people: [{}], claims: [{ kind: "anonymous_id", value: "browser 100" }] },
    ]);
  });

  describe("browsers beyond a hundred that say the same address are one question", () => {
    async function full(): Promise<{ instance: TestInstance; reviewId: string }> {
      const instance = startInstance();
      await say(instance, null, { email: ADA });
      for (let index = 0; index < 130; index += 1) {
        await look(instance, `browser ${index}`, "/");
        await instance.post("/identify", { anonymous_id: `browser ${index}`, identity: { email: ADA } });
      }
      const { reviews } = (await instance.getSecret<ReviewsAnswer>("/reviews")).body;
      expect(reviews).toMatchObject([{ reason: "too_many_merges", state: "open", people: [{}] }]);
      expect(reviews[0]?.claims.map(({ value }) => value)).toEqual(
        Array.from({ length: 20 }, (_, index) => `browser ${100 + index}`),
      );
      expect(instance.rows("select count(*) as merges from merge")).toEqual([{ merges: 100 }]);
      return { instance, reviewId: reviews[0]?.review_id ?? "" };
    }

    test("and an approval takes those in that it shows, as browsers", async () => {
      const { instance, reviewId } = await full();
      await using _ = instance;
      const approved = await instance.postSecret<DecidedAnswer>(`/reviews/${reviewId}/approve`, "");
      expect(approved.body.merges).toHaveLength(20);
      const ada = (await person(instance, ADA)).person_id;
      expect((await person(instance, "browser 119")).person_id).toBe(ada);
      expect((await person(instance, "browser 120")).person_id).not.toBe(ada);
      expect(instance.rows("select value from identity where is_verified = 1")).toEqual([{ value: ADA }]);
    });

    test("and a rejection keeps them apart for good, and is not asked again", async () => {
      const { instance, reviewId } = await full();
      await using _ = instance;
      await instance.postSecret(`/reviews/${reviewId}/reject`, "");
      const { merges } = (await instance.getSecret<MergesAnswer>("/merges?limit=30")).body;
      for (const { merge_id } of merges) await instance.postSecret(`/merges/${merge_id}/undo`, "");
      const ada = (await person(instance, ADA)).person_id;
      await say(instance, "browser 100", { email: ADA });
      expect((await person(instance, "browser 100")).person_id).not.toBe(ada);
      expect((await instance.getSecret<ReviewsAnswer>("/reviews?state=open")).body.reviews).toEqual([]);
      await say(instance, "browser 125", { email: ADA });
      expect((await person(instance, "browser 125")).person_id).toBe(ada);
    });

    test("but not one in which somebody is known by now: that is asked anew", async () => {
      const { instance, reviewId } = await full();
      await using _ = instance;
      await say(instance, "browser 105", { email: OTHER });
      expect((await instance.postSecret(`/reviews/${reviewId}/approve`, "")).status).toBe(409);
      expect(instance.rows("select count(*) as merges from merge")).toEqual([{ merges: 100 }]);
      const { reviews } = (await instance.getSecret<ReviewsAnswer>("/reviews?state=open")).body;
      expect(reviews).toMatchObject([{ people: [{}, {}], claims: [] }, { review_id: reviewId }]);
    });
  });
});
