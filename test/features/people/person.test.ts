import { describe, expect, test } from "bun:test";
import { DAY_MS } from "../../../src/core/duration.ts";
import type { PersonAnswer } from "../../../src/features/people/person.ts";
import { NOON_MS, startInstance, type TestInstance } from "../../support/instance.ts";
import { identify, pageView, peopleAt, personOf } from "./reads.ts";

/** Ada, with a browser, an e-mail, a phone and a number in the shop. */
async function ada(instance: TestInstance): Promise<string> {
  await instance.post("/track", pageView("ada-laptop", NOON_MS - DAY_MS, "/pricing?utm_source=news"));
  await instance.post("/identify", {
    anonymous_id: "ada-laptop",
    identity: { email: "ada@acme.example", plan: "free" },
  });
  return identify(instance, "ada-laptop", {
    email: "Ada@Acme.example ",
    phone: "+27 82 123 4567",
    user_id: 4711,
    plan: "team",
  });
}

describe("a person", () => {
  test("is found by every one of their names", async () => {
    await using instance = startInstance();
    const personId = await ada(instance);
    const paths = [
      `/people/${personId}`,
      "/people/ada-laptop",
      "/people/ada%40acme.example",
      "/people/ADA@ACME.EXAMPLE",
      "/people/%2B27821234567",
      "/people/+27%2082%20123%204567",
      "/people/4711",
    ];
    for (const path of paths) {
      const { status, body } = await instance.getSecret<PersonAnswer>(path);
      expect([path, status, body.person_id]).toEqual([path, 200, personId]);
    }
    for (const query of [
      "email=ada@acme.example",
      "email=ADA%40acme.example",
      "phone=+27821234567",
      "phone=%2B27821234567",
      "user_id=4711",
      "anonymous_id=ada-laptop",
    ]) {
      const { people, next_cursor } = await peopleAt(instance, `/people?${query}`);
      expect([query, people.map(({ person_id }) => person_id), next_cursor]).toEqual([query, [personId], null]);
    }
    expect(await peopleAt(instance, "/people?email=nobody@acme.example")).toEqual({ people: [], next_cursor: null });
  });

  test("is shown whole: the strongest identifier first, what the secret key said before what a browser said", async () => {
    await using instance = startInstance();
    const personId = await ada(instance);
    await instance.post("/identify", { anonymous_id: "ada-laptop", identity: { plan: "none", city: "London" } });
    const person = await personOf(instance, personId);
    expect(person).toMatchObject({
      person_id: personId,
      identities: [
        { kind: "user_id", value: "4711", verified: true },
        { kind: "email", value: "ada@acme.example", verified: true },
        { kind: "phone", value: "+27821234567", verified: true },
        { kind: "anonymous_id", value: "ada-laptop", verified: false },
      ],
      traits: { plan: "team", city: "London" },
      level: "cold",
      first_seen_at: "2026-05-31T12:00:00.000Z",
      last_seen_at: "2026-06-01T12:00:00.000Z",
      account: { domain: "acme.example" },
    });
    expect(person.attribution?.first.source).toBe("news");
    expect(person.groups.reduce((sum, { points }) => sum + points, 0)).toBeCloseTo(person.score, 9);
    expect(person.reasons[0]).toMatchObject({ rule: "business_email", group: "conversion", points: 10, count: 1 });
    const [listed] = (await peopleAt(instance, "/people?user_id=4711")).people;
    const listedKeys = Object.keys(listed ?? {});
    expect(Object.fromEntries(Object.entries(person).filter(([key]) => listedKeys.includes(key)))).toEqual({
      ...listed,
    });
    expect(listedKeys).toHaveLength(8);
  });

  test("who was absorbed answers as the survivor, merge after merge", async () => {
    await using instance = startInstance();
    const ids: string[] = [];
    for (const visitor of ["one", "two", "three"]) {
      await instance.post("/track", pageView(visitor, NOON_MS));
      ids.push((await personOf(instance, visitor)).person_id);
    }
    const [one = "", two = "", three = ""] = ids;
    // Two joins three by an e-mail, then both join one by a user_id.
    expect(await identify(instance, "three", { email: "c@acme.example" })).toBe(three);
    expect(await identify(instance, "two", { email: "c@acme.example" })).toBe(three);
    expect(await identify(instance, "one", { user_id: "u1" })).toBe(one);
    expect(await identify(instance, null, { user_id: "u1", email: "c@acme.example" })).toBe(one);
    for (const id of [one, two, three]) {
      const person = await personOf(instance, id);
      expect(person.person_id).toBe(one);
      expect(person.identities.map(({ value }) => value)).toEqual(["u1", "c@acme.example", "one", "two", "three"]);
    }
    expect((await peopleAt(instance, "/people")).people.map(({ person_id }) => person_id)).toEqual([one]);
  });

  test("a person id comes before an identifier that looks like one", async () => {
    await using instance = startInstance();
    const personId = await ada(instance);
    await identify(instance, "other", { user_id: personId });
    await identify(instance, "third", { user_id: "per_nobody" });
    expect((await personOf(instance, personId)).person_id).toBe(personId);
    expect((await personOf(instance, "per_nobody")).identities[0]?.value).toBe("per_nobody");
  });

  test("of many browsers shows the identifiers that name them", async () => {
    await using instance = startInstance();
    for (let index = 0; index < 60; index += 1) await identify(instance, `browser-${index}`, { user_id: "u1" });
    await identify(instance, "browser-1", { user_id: "u1", email: "late@acme.example" });
    const { identities } = await personOf(instance, "u1");
    expect(identities).toHaveLength(50);
    expect(identities.slice(0, 3).map(({ kind }) => kind)).toEqual(["user_id", "email", "anonymous_id"]);
  });
});
