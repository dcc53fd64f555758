import { expect, test } from "bun:test";
import type { Identifier } from "../../../src/core/identifier.ts";
import { openBeside } from "../../../src/store/sqlite/database.ts";
import { createSuppressions } from "../../../src/store/sqlite/suppression.ts";
import { NOON_MS } from "../../support/instance.ts";
import { type MagnetInstance, startMagnets } from "../magnets/magnets.ts";
import { send } from "./house.ts";

const OWN = { user_id: "u-erased", email: "erased@acme.com", phone: "+49301234567" };
const BROWSER_ID = "erased-browser";
const EVENT = { event: "page_view", event_id: "e-1", anonymous_id: BROWSER_ID, url: "https://acme.example/pricing" };

const identify = (instance: MagnetInstance, identity: object, visitor: string | null = null) =>
  instance.postSecret<object>("/identify", { anonymous_id: visitor, identity });
const sendList = (instance: MagnetInstance, name: string, leads: object[]) =>
  instance.postSecret("/campaigns", { name, base_url: "https://acme.example", landing: "/demo", leads });
const click = (instance: MagnetInstance, visitor: string, link: string) =>
  instance.post("/track", {
    event: "campaign_click",
    anonymous_id: visitor,
    url: `https://acme.example/demo?i=${link}`,
    metadata: { link, evidence: "moved" },
  });
const suppress = (instance: MagnetInstance, identifier: Identifier) => {
  const database = openBeside(instance.dataFolder);
  createSuppressions(database).add([identifier], NOON_MS);
  database.close();
};

/** Known by everything that a door takes, and erased; resolves to the link that was sent to them. */
async function eraseSomebody(instance: MagnetInstance): Promise<string> {
  await sendList(instance, "spring", [{ email: OWN.email }]);
  const [lead] = instance.rows<{ link: string }>("select link_id as link from lead");
  const link = lead?.link ?? "";
  await click(instance, BROWSER_ID, link);
  await instance.post("/track", EVENT);
  await identify(instance, OWN, BROWSER_ID);
  expect(instance.rows("select distinct kind from identity")).toHaveLength(5);
  expect((await send(instance, "DELETE", `/people/${OWN.email}`)).status).toBe(200);
  return link;
}

type Way = (instance: MagnetInstance, link: string) => Promise<unknown>;

const WAYS: [kind: Identifier["kind"], way: string, Way][] = [
  ["anonymous_id", "a browser's event", (at) => at.post("/track", { ...EVENT, event_id: "e-2" })],
  ["anonymous_id", "an event that is sent again", (at) => at.post("/track", EVENT)],
  ["anonymous_id", "an event with the secret key", (at) => at.postSecret("/track", { ...EVENT, event_id: "e-3" })],
  ["anonymous_id", "somebody else's identify", (at) => identify(at, { email: "grace@acme.com" }, BROWSER_ID)],
  [
    "anonymous_id",
    "a click on another's link",
    async (at) => {
      await sendList(at, "fall", [{ email: "grace@acme.com" }]);
      const [lead] = at.rows<{ link: string }>("select link_id as link from lead");
      await click(at, BROWSER_ID, lead?.link ?? "");
    },
  ],
  ["user_id", "an event", (at) => at.postSecret("/track", { event: "page_view", user_id: OWN.user_id })],
  ["user_id", "an identify", (at) => identify(at, { user_id: OWN.user_id, name: "Ada" })],
  [
    "user_id",
    "beside an address that is not known",
    (at) => identify(at, { user_id: OWN.user_id, email: "new@acme.com" }),
  ],
  ["email", "an event", (at) => at.postSecret("/track", { event: "page_view", email: OWN.email.toUpperCase() })],
  ["email", "an identify", (at) => identify(at, { email: OWN.email })],
  [
    "email",
    "what a browser says",
    (at) => at.post("/identify", { anonymous_id: "other", identity: { email: OWN.email } }),
  ],
  ["email", "a list", (at) => sendList(at, "fall", [{ email: OWN.email }])],
  ["email", "another column of a list", (at) => sendList(at, "fall", [{ email: "grace@acme.com", other: OWN.email }])],
  [
    "email",
    "a form",
    async (at) => at.send({ email: OWN.email, name: "Ada", timing: "Now", started: (await at.form()).started }),
  ],
  ["email", "the link that was sent to it", (at, link) => click(at, "other", link)],
  ["phone", "an identify", (at) => identify(at, { phone: "+49 (0)30 1234567" })],
  ["phone", "beside somebody's user_id", (at) => identify(at, { user_id: "grace", phone: OWN.phone })],
  ["campaign_link", "a click", (at, link) => click(at, "other", link)],
];

test.each(WAYS)("%s does not come back by %s", async (kind, _, way) => {
  await using instance = startMagnets();
  const link = await eraseSomebody(instance);
  await way(instance, link);
  const value = { ...OWN, anonymous_id: BROWSER_ID, campaign_link: link }[kind as keyof typeof OWN];
  expect(instance.rows("select 1 from identity where value = ?", value)).toEqual([]);
  // No row of any kind, either: a lead, a list's column, an event's text.
  for (const table of ["event", "lead", "campaign_lead", "rejected_event", "merge_review"]) {
    const rows = JSON.stringify(instance.rows(`select * from ${table}`)).toLowerCase();
    expect([table, rows.includes(value.toLowerCase())]).toEqual([table, kind === "campaign_link" && table === "event"]);
  }
});

test("each of their identifiers is suppressed, and none of anybody else's", async () => {
  await using instance = startMagnets();
  const link = await eraseSomebody(instance);
  const known = { ...OWN, anonymous_id: BROWSER_ID, campaign_link: link };
  for (const [kind, value] of Object.entries({ ...known })) {
    const { body } = await send<object>(instance, "GET", `/suppressions?${kind}=${encodeURIComponent(value)}`);
    expect([kind, body]).toEqual([kind, { suppressed_at: "2026-06-01T12:00:00.000Z" }]);
  }
  expect(instance.rows("select 1 from suppression")).toHaveLength(Object.keys(known).length);
});

test("an approval attaches no identifier that was erased since it was claimed", async () => {
  await using instance = startMagnets();
  for (const number of [0, 1, 2, 3, 4, 5]) {
    await identify(instance, { user_id: "u-1", email: number === 5 ? OWN.email : `a${number}@acme.com` });
  }
  const { reviews } = (await instance.getSecret<{ reviews: { review_id: string; claims: object[] }[] }>("/reviews"))
    .body;
  expect(reviews).toMatchObject([{ claims: [{ kind: "email", value: OWN.email }] }]);
  // As a restored backup has it: the review is there, and the suppression was carried over.
  suppress(instance, { kind: "email", value: OWN.email });
  expect((await instance.postSecret(`/reviews/${reviews[0]?.review_id}/approve`, "")).status).toBe(200);
  expect(instance.rows("select 1 from identity where value = ?", OWN.email)).toEqual([]);
});

test("a link makes nobody of a lead whose address was erased since", async () => {
  await using instance = startMagnets();
  await sendList(instance, "spring", [{ email: OWN.email, first_name: "Ada" }]);
  const [lead] = instance.rows<{ link: string }>("select link_id as link from lead");
  suppress(instance, { kind: "email", value: OWN.email });
  await click(instance, "other", lead?.link ?? "");
  expect(instance.rows("select kind, value from identity")).toEqual([{ kind: "anonymous_id", value: "other" }]);
  expect(instance.rows("select traits, verified_traits from person")).toEqual([
    { traits: "{}", verified_traits: "{}" },
  ]);
});
