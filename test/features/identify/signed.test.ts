import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { SignJWT } from "jose";
import { temporaryFolder } from "../../support/folder.ts";
import { type Answer, NOON_MS, startInstance, type TestInstance } from "../../support/instance.ts";
import { expectRefusal, MARKER } from "../../support/secrecy.ts";

setDefaultTimeout(60_000);

const SECRET = "an identity secret of thirty-two or more characters";
const OLD_SECRET = "the one before, of thirty-two or more characters too";
const folder = temporaryFolder();
const secretPath = join(folder.path, "identity-secret");
writeFileSync(secretPath, `${SECRET}\n`);
afterAll(() => folder[Symbol.dispose]());

const identity_secret = `file:${secretPath}`;
const optional = { identity_verification: "optional", identity_secret };
const required = { identity_verification: "required", identity_secret };
const NOON_S = NOON_MS / 1_000;

const hashOf = (text: string, secret = SECRET) => createHmac("sha256", secret).update(text).digest("hex");

type Header = { alg: string; [name: string]: unknown };

/** A token as a site's server would make it, an hour long unless said otherwise. */
function tokenOf(claims: object, secret = SECRET, header: Header = { alg: "HS256" }): Promise<string> {
  return new SignJWT({ exp: NOON_S + 3_600, ...claims })
    .setProtectedHeader(header)
    .sign(new TextEncoder().encode(secret));
}

/** The same by hand, for what no library would sign. */
function forged(header: object, payload: object, signature = ""): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(payload)}.${signature || "AA"}`;
}

const say = (house: TestInstance, identity: object, user_hash?: string, anonymous_id = "visitor-1"): Promise<Answer> =>
  house.post("/identify", { anonymous_id, identity, ...(user_hash === undefined ? {} : { user_hash }) });

const verified = (house: TestInstance) =>
  house
    .rows<{ kind: string; value: string; is_verified: number }>(
      "select kind, value, is_verified from identity where retired_at is null order by identity_id",
    )
    .map(({ kind, value, is_verified }) => `${kind} ${value}${is_verified === 1 ? " verified" : ""}`);

const peopleCount = (house: TestInstance) =>
  house.rows<{ count: number }>("select count(*) as count from person where merged_into is null")[0]?.count;

type Found = { people: { traits: object; identities: { kind: string; value: string; verified: boolean }[] }[] };

const traitsOf = async (house: TestInstance, email: string) =>
  (await house.getSecret<Found>(`/people?email=${encodeURIComponent(email)}`)).body.people[0]?.traits;

describe("a signed identify", () => {
  const taken: [string, object, () => string | Promise<string>, string[]][] = [
    ["by user_id", { user_id: "u-1" }, () => hashOf("u-1"), ["user_id u-1 verified"]],
    ["by a user_id that is a number", { user_id: 42 }, () => hashOf("42"), ["user_id 42 verified"]],
    ["by email", { email: "ada@acme.example" }, () => hashOf("ada@acme.example"), ["email ada@acme.example verified"]],
    [
      "by email as it was typed",
      { email: "Ada@Acme.example" },
      () => hashOf("Ada@Acme.example"),
      ["email ada@acme.example verified"],
    ],
    [
      "by email as it is compared",
      { email: " Ada@Acme.example" },
      () => hashOf("ada@acme.example"),
      ["email ada@acme.example verified"],
    ],
    ["in capital digits", { user_id: "u-1" }, () => hashOf("u-1").toUpperCase(), ["user_id u-1 verified"]],
    [
      "by user_id, with an email beside it",
      { user_id: "u-1", email: "ada@acme.example" },
      () => hashOf("u-1"),
      ["user_id u-1 verified", "email ada@acme.example"],
    ],
    [
      "by email, with a user_id beside it",
      { user_id: "u-1", email: "ada@acme.example" },
      () => hashOf("ada@acme.example"),
      ["email ada@acme.example verified", "user_id u-1"],
    ],
    ["by a token with sub", {}, () => tokenOf({ sub: "u-1" }), ["user_id u-1 verified"]],
    [
      "by a token with user_id, which counts before sub",
      {},
      () => tokenOf({ sub: "idp|9", user_id: "u-1" }),
      ["user_id u-1 verified"],
    ],
    [
      "by a token with all there is",
      {},
      () => tokenOf({ user_id: "u-1", email: "Ada@acme.example", phone: "+27 82 123 4567" }),
      ["user_id u-1 verified", "email ada@acme.example verified", "phone +27821234567 verified"],
    ],
    [
      "by a token, said once more in the call",
      { email: "ADA@acme.example" },
      () => tokenOf({ email: "ada@acme.example" }),
      ["email ada@acme.example verified"],
    ],
    [
      "by a token, with a phone beside it",
      { phone: "+27821234567" },
      () => tokenOf({ sub: "u-1" }),
      ["user_id u-1 verified", "phone +27821234567"],
    ],
    [
      "by a token that has just run out, as clocks differ",
      {},
      () => tokenOf({ sub: "u-1", exp: NOON_S - 30 }),
      ["user_id u-1 verified"],
    ],
  ];
  test.each(taken)("%s", async (_, identity, sign, carried) => {
    for (const intent of [optional, required]) {
      await using house = startInstance({ intent });
      const { status, text } = await say(house, identity, await sign());
      expect({ status, text }).toEqual({ status: 200, text: '{"ok":true}' });
      expect(
        verified(house)
          .filter((line) => !line.startsWith("anonymous_id"))
          .sort(),
      ).toEqual(carried.sort());
      expect(peopleCount(house)).toBe(1);
    }
  });

  const VICTIM = "ada@acme.example";
  type HashOf = "user_id" | "email" | "either";
  test.each<[identity_hash_of: HashOf, identity: object, taken: string[] | string]>([
    // Who chose somebody's address as user_id has the hash of it.
    ["either", { email: VICTIM }, [`email ${VICTIM} verified`]],
    ["user_id", { email: VICTIM }, "does not sign the user_id"],
    ["user_id", { user_id: "u-1", email: VICTIM }, "does not sign the user_id"],
    ["user_id", { user_id: VICTIM, email: VICTIM }, [`email ${VICTIM}`, `user_id ${VICTIM} verified`]],
    ["email", { user_id: VICTIM }, "does not sign the email"],
    ["email", { user_id: VICTIM, email: VICTIM }, [`email ${VICTIM} verified`, `user_id ${VICTIM}`]],
  ])("by a hash of %s counts for it alone: %j", async (identity_hash_of, identity, taken) => {
    await using house = startInstance({ intent: { ...required, identity_hash_of } });
    const answer = await say(house, identity, hashOf(VICTIM));
    if (typeof taken === "string") {
      expectRefusal(house, answer, { status: 401, code: "unauthorized", field: "user_hash", says: taken });
      expect(verified(house)).toEqual([]);
      return;
    }
    expect(answer.status).toBe(200);
    const carried = verified(house).filter((line) => !line.startsWith("anonymous_id"));
    expect(carried.sort()).toEqual(taken);
    // A token says of what kind it is, whatever a hash is of.
    expect((await say(house, {}, await tokenOf({ sub: "u-9", email: "bob@acme.example" }), "visitor-2")).status).toBe(
      200,
    );
  });

  const refused: [string, object, () => string | Promise<string>, string][] = [
    ["somebody else's hash", { email: "eve@acme.example" }, () => hashOf("ada@acme.example"), "signs neither"],
    ["the hash of another user_id", { user_id: "u-2" }, () => hashOf("u-1"), "signs neither"],
    ["a hash over the phone", { phone: "+27821234567" }, () => hashOf("+27821234567"), "signs neither"],
    ["a hash by another secret", { user_id: "u-1" }, () => hashOf("u-1", OLD_SECRET), "signs neither"],
    [
      "a plain digest",
      { user_id: "u-1" },
      () => new Bun.CryptoHasher("sha256").update("u-1").digest("hex"),
      "signs neither",
    ],
    ["a hash of nothing in a call of nobody", {}, () => hashOf(""), "signs neither"],
    ["half a hash", { user_id: "u-1" }, () => hashOf("u-1").slice(0, 32), "64 hex digits"],
    ["another word", { user_id: "u-1" }, () => MARKER, "64 hex digits"],
    ["a token that has run out", {}, () => tokenOf({ sub: "u-1", exp: NOON_S - 61 }), "has expired"],
    ["a token that never runs out", {}, () => tokenOf({ sub: "u-1", exp: undefined }), "needs exp"],
    ["a token whose end is no time", {}, async () => forgedWith({ sub: "u-1", exp: "never" }), "no JWT|needs exp"],
    ["a token of tomorrow", {}, () => tokenOf({ sub: "u-1", nbf: NOON_S + 3_600 }), "nbf"],
    ["a token by another secret", {}, () => tokenOf({ sub: "u-1" }, OLD_SECRET), "none of the secrets"],
    ["an unsigned token", {}, () => forged({ alg: "none" }, { sub: "u-1", exp: NOON_S + 60 }), "HS256"],
    ["a token by another algorithm", {}, () => tokenOf({ sub: "u-1" }, SECRET, { alg: "HS512" }), "HS256"],
    [
      "a token of an algorithm with public keys",
      {},
      () => forged({ alg: "RS256" }, { sub: "u-1", exp: NOON_S + 60 }),
      "HS256",
    ],
    [
      "a token with demands of its own",
      {},
      () => forged({ alg: "HS256", crit: ["x"], x: 1 }, { sub: "u-1" }),
      "no JWT",
    ],
    [
      "a changed token",
      {},
      async () => changed(await tokenOf({ sub: "u-1" }), { sub: "u-2", exp: NOON_S + 60 }),
      "none of the secrets",
    ],
    ["a token of nobody", {}, () => tokenOf({ name: "Ada" }), "names nobody"],
    [
      "a token for somebody else",
      { email: `${MARKER}@acme.example` },
      () => tokenOf({ email: "ada@acme.example" }),
      "another email",
    ],
    ["a token for another user", { user_id: MARKER }, () => tokenOf({ sub: "u-1" }), "another user_id"],
    ["a token with lists in it", {}, () => tokenOf({ email: [MARKER] }), "another form"],
    ["letters in three parts", {}, () => "a.b.c", "no JWT"],
  ];
  test.each(refused)("is refused with %s", async (_, identity, sign, says) => {
    for (const intent of [optional, required]) {
      await using house = startInstance({ intent });
      const answer = await say(house, identity, await sign());
      expectRefusal(house, answer, { status: 401, code: "unauthorized", field: "user_hash" });
      expect(answer.text).toMatch(new RegExp(says));
      expect(house.rows("select 1 from identity")).toEqual([]);
      expect(house.rows("select 1 from event")).toEqual([]);
    }
  });

  function forgedWith(payload: object): string {
    const [head, body] = forged({ alg: "HS256" }, payload).split(".");
    const signature = createHmac("sha256", SECRET).update(`${head}.${body}`).digest("base64url");
    return `${head}.${body}.${signature}`;
  }

  function changed(token: string, payload: object): string {
    const [head, , signature] = token.split(".");
    return `${head}.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.${signature}`;
  }

  const placeholders: [string, () => Promise<string>][] = [
    ["a placeholder in a token", () => tokenOf({ sub: "undefined" })],
    ["a token with broken traits", () => tokenOf({ sub: "u-1", traits: { a: { b: { c: { d: { e: { f: 1 } } } } } } })],
  ];
  test.each(placeholders)("%s is refused like in a call", async (_, sign) => {
    await using house = startInstance({ intent: optional });
    expectRefusal(house, await say(house, {}, await sign()), { status: 422, code: "invalid", field: "user_hash" });
  });

  test("with either secret while they rotate, and no longer with the old one afterwards", async () => {
    using secrets = temporaryFolder();
    const [fresh, old] = [join(secrets.path, "fresh"), join(secrets.path, "old")];
    writeFileSync(fresh, SECRET);
    writeFileSync(old, OLD_SECRET);
    await using house = startInstance({
      intent: { identity_verification: "required", identity_secret: [`file:${fresh}`, `file:${old}`] },
    });
    expect((await say(house, { user_id: "u-1" }, hashOf("u-1"))).status).toBe(200);
    expect((await say(house, { user_id: "u-1" }, hashOf("u-1", OLD_SECRET))).status).toBe(200);
    expect((await say(house, {}, await tokenOf({ sub: "u-1" }, OLD_SECRET))).status).toBe(200);
    house.configureIntent({ identity_verification: "required", identity_secret: `file:${fresh}` });
    expect((await say(house, { user_id: "u-1" }, hashOf("u-1", OLD_SECRET))).status).toBe(401);
    writeFileSync(fresh, OLD_SECRET);
    expect((await say(house, { user_id: "u-1" }, hashOf("u-1", OLD_SECRET))).status).toBe(200);
  });

  test.each(["env:DO_INTENT_TEST_NOTHING", "file:/nothing/there", "short"])(
    "cannot be checked with %s as secret: nothing is stored, and the log says why",
    async (reference) => {
      const short = join(folder.path, "short");
      writeFileSync(short, "a short one");
      const identity_secret = reference === "short" ? `file:${short}` : reference;
      await using house = startInstance({ intent: { identity_verification: "optional", identity_secret } });
      const answer = await say(house, { user_id: "u-1" }, hashOf("u-1", "a short one"));
      expect({ status: answer.status, code: answer.body.error.code }).toEqual({ status: 503, code: "unavailable" });
      expect(house.logged.join()).toContain("identity_secret_unusable");
      expect(house.rows("select 1 from identity")).toEqual([]);
      expect((await say(house, { user_id: "u-1" })).status).toBe(200);
    },
  );
});

describe("what intent.json says of unsigned calls", () => {
  const ada = { email: "ada@acme.example" };

  test("off: a hash is not looked at, and nobody is verified", async () => {
    await using house = startInstance();
    expect((await say(house, ada, "anything")).status).toBe(200);
    expect(verified(house)).toEqual(["email ada@acme.example", "anonymous_id visitor-1"]);
  });

  test("optional: they are taken as a browser's word", async () => {
    await using house = startInstance({ intent: optional });
    expect((await say(house, ada)).status).toBe(200);
    expect((await say(house, ada, "")).status).toBe(200);
    expect(verified(house)).toEqual(["email ada@acme.example", "anonymous_id visitor-1"]);
  });

  test("required: they are refused, with the remedy, and events go on", async () => {
    await using house = startInstance({ intent: required });
    for (const identity of [ada, { name: "Ada" }]) {
      for (const hash of [undefined, ""]) {
        const says = "have yours sign user_id or email";
        const answer = await say(house, identity, hash);
        expectRefusal(house, answer, { status: 401, code: "unauthorized", field: "user_hash", says });
      }
    }
    expect(house.rows("select 1 from identity")).toEqual([]);
    expect((await house.post("/track", { event: "page_view", anonymous_id: "visitor-1" })).status).toBe(200);
  });

  test("the secret key needs no signature, and no hash can make its word wrong", async () => {
    await using house = startInstance({ intent: required });
    expect((await house.postSecret("/identify", { identity: ada })).status).toBe(200);
    expect((await house.postSecret("/identify", { identity: ada, user_hash: "x" })).status).toBe(200);
    expect(verified(house)).toEqual(["email ada@acme.example verified"]);
  });

  test.each(["optional", "required"])("%s takes a secret", (identity_verification) => {
    expect(() => startInstance({ intent: { identity_verification } })).toThrow("identity_secret: is missing");
  });

  test.each([["a secret in plain text"], ["env:"], [[]]] as unknown[][])("%p is no secret", (given) => {
    const intent = { identity_verification: "optional", identity_secret: given };
    expect(() => startInstance({ intent })).toThrow("identity_secret");
  });
});

describe("what a signature changes", () => {
  test("a token's traits are verified, those beside it are not, and none overwrites the other", async () => {
    await using house = startInstance({ intent: optional });
    const token = await tokenOf({ email: "ada@acme.example", traits: { plan: "team" } });
    await say(house, { plan: "free", city: "Cape Town" }, token);
    expect(await traitsOf(house, "ada@acme.example")).toEqual({ plan: "team", city: "Cape Town" });
    await say(house, { email: "ada@acme.example", plan: "gone" });
    await say(house, { email: "ada@acme.example", plan: "gone" }, hashOf("ada@acme.example"));
    expect(await traitsOf(house, "ada@acme.example")).toEqual({ plan: "team", city: "Cape Town" });
    await say(house, {}, await tokenOf({ email: "ada@acme.example", traits: { plan: "enterprise" } }));
    expect(await traitsOf(house, "ada@acme.example")).toMatchObject({ plan: "enterprise" });
  });

  test("two people whom a token names are one, as by the secret key's word, and the log says through what", async () => {
    await using house = startInstance({ intent: optional });
    await say(house, { user_id: "u-1" }, hashOf("u-1"), "visitor-1");
    await say(house, { email: "ada@acme.example" }, hashOf("ada@acme.example"), "visitor-2");
    expect(peopleCount(house)).toBe(2);
    await say(house, {}, await tokenOf({ sub: "u-1", email: "ada@acme.example" }), "visitor-2");
    expect(peopleCount(house)).toBe(1);
    expect(house.rows("select through from merge")).toEqual([{ through: "signed:user_id+email+anonymous_id" }]);
  });

  test("who is signed does not get what stands beside it and is somebody else's: that is a question for somebody's eye", async () => {
    await using house = startInstance({ intent: optional });
    await house.postSecret("/identify", { identity: { email: "victim@acme.example", plan: "team" } });
    const steal = { user_id: "u-1", email: "victim@acme.example", plan: "mine" };
    expect((await say(house, steal, hashOf("u-1"))).status).toBe(200);
    expect(peopleCount(house)).toBe(2);
    expect(house.rows("select 1 from merge")).toEqual([]);
    expect(house.rows("select reason from merge_review")).toEqual([{ reason: "unsigned_claim" }]);
    expect(await traitsOf(house, "victim@acme.example")).toEqual({ plan: "team" });
  });

  test("said beside it again, it stays one question and one identity", async () => {
    await using house = startInstance({ intent: optional });
    await house.postSecret("/identify", { identity: { phone: "+27821234567" } });
    const identity = { user_id: "u-1", email: "ada@acme.example", phone: "+27821234567" };
    for (let times = 0; times < 3; times += 1) await say(house, identity, hashOf("u-1"));
    expect(house.rows("select 1 from merge_review")).toHaveLength(1);
    expect(verified(house)).toEqual([
      "phone +27821234567 verified",
      "user_id u-1 verified",
      "anonymous_id visitor-1",
      "email ada@acme.example",
    ]);
    expect(house.rows("select 1 from event")).toHaveLength(2);
  });

  describe("what is signed and what is beside it may ask about the same people: it is one question with all the claims", () => {
    type Review = { person_ids: string; claims: string | null };
    const reviewsOf = (house: TestInstance) =>
      house
        .rows<Review>("select person_ids, claims from merge_review order by review_id")
        .map(({ person_ids, claims }) => ({
          people: JSON.parse(person_ids).length,
          claims: (JSON.parse(claims ?? "[]") as { kind: string; value: string }[]).map(({ value }) => value),
        }));
    const other = { user_id: "u-2", email: "bob@acme.example", phone: "+27821234567" };

    test("for the first time", async () => {
      await using house = startInstance({ intent: optional });
      await house.postSecret("/identify", { identity: { user_id: "u-1" } });
      await house.postSecret("/identify", { identity: other });
      const token = await tokenOf({ user_id: "u-1", email: other.email });
      expect((await say(house, { phone: other.phone }, token)).text).toBe('{"ok":true}');
      expect(reviewsOf(house)).toEqual([{ people: 2, claims: [] }]);
      expect(peopleCount(house)).toBe(2);
    });

    test.each([0, 1])("of one person with as many addresses as there may be, %d times before", async (before) => {
      await using house = startInstance({ intent: optional });
      for (let index = 0; index < 5; index += 1) {
        const identity = { user_id: "u-1", email: `ada${index}@acme.example`, phone: `+2782123456${index}` };
        await house.postSecret("/identify", { identity });
      }
      const known = Array.from({ length: before }, (_, index) => `ada${index + 5}@acme.example`);
      for (const email of known) await house.postSecret("/identify", { identity: { user_id: "u-1", email } });
      const token = await tokenOf({ user_id: "u-1", email: "signed@acme.example" });
      expect((await say(house, { phone: "+27829999999" }, token)).status).toBe(200);
      expect(reviewsOf(house)).toEqual([{ people: 1, claims: [...known, "signed@acme.example", "+27829999999"] }]);
    });
  });

  test("what somebody has said no to does not come in beside what is signed, and is not asked again", async () => {
    await using house = startInstance({ intent: optional });
    await say(house, { user_id: "u-1" }, hashOf("u-1"));
    await say(house, { email: "ada@acme.example" });
    const { reviews } = (await house.getSecret<{ reviews: { review_id: string }[] }>("/reviews?state=open")).body;
    expect(reviews).toHaveLength(1);
    await house.postSecret(`/reviews/${reviews[0]?.review_id}/reject`, "");
    await say(house, { user_id: "u-1", email: "ada@acme.example", phone: "+27821234567" }, hashOf("u-1"));
    expect(verified(house)).toEqual(["user_id u-1 verified", "anonymous_id visitor-1", "phone +27821234567"]);
    expect(house.rows("select 1 from merge_review where decision is null")).toEqual([]);
  });

  test("an email that only a browser said is verified once it is signed", async () => {
    await using house = startInstance({ intent: optional });
    await say(house, { email: "ada@acme.example" });
    await say(house, { email: "ada@acme.example" }, hashOf("ada@acme.example"));
    expect(verified(house)).toEqual(["email ada@acme.example verified", "anonymous_id visitor-1"]);
  });
});

describe("whatever browsers say unsigned", () => {
  const emails = ["ada@acme.example", "bob@acme.example", "eve@gmail.com"];
  const users = ["u-1", "u-2"];
  const call = fc.record({
    visitor: fc.constantFrom("visitor-1", "visitor-2", "visitor-3"),
    email: fc.option(fc.constantFrom(...emails), { nil: undefined }),
    user_id: fc.option(fc.constantFrom(...users), { nil: undefined }),
    plan: fc.constantFrom("free", "team", "enterprise"),
    /** What is signed of it: nothing, the user_id, the email. */
    sign: fc.constantFrom("none", "none", "none", "user_id", "email"),
  });

  test("no verified trait is overwritten, and no two people with strong identifiers become one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 12 }), async (calls) => {
        await using house = startInstance({ intent: optional });
        for (const email of emails) {
          await house.postSecret("/identify", { identity: { email, plan: `of ${email}` } });
        }
        const strong = () =>
          house
            .rows<{ person_id: number; names: string }>(
              `select person_id, group_concat(kind || value) as names from
                 (select * from identity where is_verified = 1 and kind <> 'anonymous_id' order by identity_id)
               group by person_id order by person_id`,
            )
            .map(({ names }) => names);
        for (const { visitor, email, user_id, plan, sign } of calls) {
          const before = strong();
          const people = peopleCount(house) ?? 0;
          const signed = sign === "email" ? email : sign === "user_id" ? user_id : undefined;
          const identity = { ...(email && { email }), ...(user_id && { user_id }), plan };
          const { status } = await say(house, identity, signed && hashOf(signed), visitor);
          expect(status).toBe(200);
          if (signed === undefined) {
            expect(strong()).toEqual(before);
            expect(peopleCount(house)).toBeGreaterThanOrEqual(people - 1);
          }
        }
        for (const email of emails) expect(await traitsOf(house, email)).toMatchObject({ plan: `of ${email}` });
        for (const { snapshot } of house.rows<{ snapshot: string }>("select snapshot from merge")) {
          const { survivor, absorbed } = JSON.parse(snapshot);
          expect([survivor, absorbed].filter(hasStrong(house)).length).toBeLessThan(2);
        }
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  /** Whether a side of a merge had a strong identifier when it was merged. */
  const hasStrong =
    (house: TestInstance) =>
    ({ identityIds }: { identityIds: number[] }): boolean => {
      const strong = house.rows<{ identity_id: number }>(
        "select identity_id from identity where kind in ('user_id', 'email', 'phone')",
      );
      return strong.some(({ identity_id }) => identityIds.includes(identity_id));
    };
});
