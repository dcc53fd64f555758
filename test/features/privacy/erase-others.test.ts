import { expect, test } from "bun:test";
import type { MergesAnswer } from "../../../src/features/merges/merges.ts";
import type { EraseAnswer } from "../../../src/features/privacy/erase.ts";
import { createClickStore } from "../../../src/store/sqlite/clicks.ts";
import { openBeside } from "../../../src/store/sqlite/database.ts";
import { tablesWith } from "../../support/everything.ts";
import { NOON_MS, startInstance, type TestInstance } from "../../support/instance.ts";
import { send } from "./house.ts";

/** What rows of others say of somebody who is erased. */
const MARK = "m4rk3r";
const EMAIL = `${MARK}@acme.com`;
const FRIEND = "grace@acme.com";

const identify = (instance: TestInstance, visitor: string | null, identity: object) =>
  instance.postSecret<{ person_id: string }>("/identify", { anonymous_id: visitor, identity });
const erase = (instance: TestInstance, path: string) => send<EraseAnswer>(instance, "DELETE", path);

test("an address in another lead's row goes out of it, and the row stays", async () => {
  await using instance = startInstance();
  const list = [
    "Work Email,Personal Email,First Name,Note",
    `${FRIEND},"${EMAIL.toUpperCase()}",Grace,call ${EMAIL} first`,
    `linus@acme.com,x${EMAIL},Linus,call`,
  ].join("\n");
  const path = "/campaigns?name=spring&base_url=https://acme.example";
  expect((await instance.postSecret(path, list, { "content-type": "text/csv" })).status).toBe(200);
  await identify(instance, null, { email: EMAIL });
  const { body } = await erase(instance, `/people/${EMAIL}`);
  expect(body).toMatchObject({ erased: { campaign_lead: 0, lead: 0 }, stripped: { campaign_lead: 1 } });
  expect(instance.rows("select columns from campaign_lead order by position")).toEqual([
    { columns: JSON.stringify([FRIEND, "", "Grace", ""]) },
    { columns: JSON.stringify(["linus@acme.com", `x${EMAIL}`, "Linus", "call"]) },
  ]);
  const [lead] = instance.rows<{ traits: string }>("select traits from lead where email = ?", FRIEND);
  expect(lead?.traits).toContain("Grace");
  expect(lead?.traits).not.toContain(MARK);
});

test.each([
  ["ada@bücher.example", "ada@xn--bcher-kva.example"],
  ["ada@bücher.example", "ADA@BÜCHER.example"],
  ["ada@xn--bcher-kva.example", "ada@bücher.example"],
  ["ада@xn--bcher-kva.example", "АДА@bücher.example"],
])("whoever is erased as %s goes out of another's row as %s", async (email, written) => {
  await using instance = startInstance();
  const list = `Work Email,Note\n${FRIEND},call ${written}\nlinus@acme.com,call ada@bucher.example`;
  const path = "/campaigns?name=spring&base_url=https://acme.example";
  expect((await instance.postSecret(path, list, { "content-type": "text/csv" })).status).toBe(200);
  await identify(instance, null, { email });
  const { body } = await erase(instance, `/people?email=${encodeURIComponent(email)}`);
  expect(body).toMatchObject({ stripped: { campaign_lead: 1 } });
  expect(instance.rows("select columns from campaign_lead order by position")).toEqual([
    { columns: JSON.stringify([FRIEND, ""]) },
    { columns: JSON.stringify(["linus@acme.com", "call ada@bucher.example"]) },
  ]);
});

test("an address that stands in others' rows only, and in what was refused, is found, erased and stays away", async () => {
  await using instance = startInstance();
  const list = `Email,Personal\n${FRIEND},${EMAIL}\nlinus@acme.com,`;
  const path = "/campaigns?base_url=https://acme.example&name=";
  await instance.postSecret(`${path}spring`, list, { "content-type": "text/csv" });
  await instance.post("/track", { event: "", anonymous_id: "other", metadata: { email: EMAIL } });
  const { status, body } = await erase(instance, `/people/${EMAIL.toUpperCase()}`);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    person_id: null,
    erased: { lead: 0, rejected_event: 1 },
    stripped: { campaign_lead: 1 },
    suppressed: 1,
  });
  expect(tablesWith(instance, MARK)).toEqual([]);
  expect((await erase(instance, `/people?email=${EMAIL}`)).status).toBe(404);
  expect((await erase(instance, "/people?email=nobody@acme.com")).status).toBe(404);
  // One who was not found is not kept away.
  expect(instance.rows("select 1 from suppression")).toHaveLength(1);
  await instance.postSecret(`${path}summer`, list, { "content-type": "text/csv" });
  expect(tablesWith(instance, MARK)).toEqual([]);
});

test.each([
  ["alone in a cell", EMAIL],
  ["in capitals", EMAIL.toUpperCase()],
  ["amid words", `call <${EMAIL}>, or not`],
  ["behind a scheme", `mailto:${EMAIL}`],
  ["as an address has it", EMAIL.replace("@", "%40")],
])("a list that is sent again brings an erased address back in no column: %s", async (_, cell) => {
  await using instance = startInstance();
  await identify(instance, null, { email: EMAIL });
  expect((await erase(instance, `/people/${EMAIL}`)).status).toBe(200);
  const send = (name: string, rows: string[]) => {
    const list = ["Email,First Name,Personal Email,Note", ...rows].join("\n");
    const path = `/campaigns?name=${name}&base_url=https://acme.example`;
    return instance.postSecret(path, list, { "content-type": "text/csv" });
  };
  const row = `${FRIEND},Grace,"${cell}",see x${EMAIL}`;
  expect((await send("spring", [row, `linus@acme.com,Linus,l@acme.com,`])).status).toBe(200);
  // Also what a list says more of somebody who is known already, and the second time in the same list.
  expect((await send("summer", [`${FRIEND},,,`, row])).status).toBe(200);
  expect(tablesWith(instance, EMAIL).sort()).toEqual(["campaign_lead", "lead"]);
  expect(instance.rows("select columns from campaign_lead order by campaign_id, position")).toEqual([
    { columns: JSON.stringify([FRIEND, "Grace", "", `see x${EMAIL}`]) },
    { columns: JSON.stringify(["linus@acme.com", "Linus", "l@acme.com", ""]) },
    { columns: JSON.stringify([FRIEND, "Grace", "", `see x${EMAIL}`]) },
  ]);
  const [lead] = instance.rows<{ traits: string }>("select traits from lead where email = ?", FRIEND);
  expect(JSON.parse(lead?.traits ?? "{}")).toEqual({ first_name: "Grace", name: "Grace", note: `see x${EMAIL}` });
});

test("what was merged with somebody else while two were one names nobody of them in its log either", async () => {
  await using instance = startInstance();
  const undo = async (index: number) => {
    const { merges } = (await instance.getSecret<MergesAnswer>("/merges?undone=false")).body;
    expect((await instance.postSecret(`/merges/${merges[index]?.merge_id}/undo`, {})).status).toBe(200);
    instance.clock.nowMs += 1_000;
  };
  await identify(instance, null, { user_id: "grace", role: "cto" });
  instance.clock.nowMs += 1_000;
  await instance.post("/track", { event: "page_view", anonymous_id: "marked-one" });
  await instance.post("/identify", { anonymous_id: "marked-one", identity: { email: EMAIL, nick: MARK } });
  await identify(instance, null, { email: EMAIL, handle: MARK });
  instance.clock.nowMs += 1_000;
  expect((await identify(instance, null, { user_id: "grace", email: EMAIL })).body).toMatchObject({ merged: true });
  instance.clock.nowMs += 1_000;
  await identify(instance, null, { phone: "+49301234567" });
  expect((await identify(instance, null, { user_id: "grace", phone: "+49301234567" })).body).toMatchObject({
    merged: true,
  });
  instance.clock.nowMs += 1_000;
  // What was merged last stays.
  await undo(1);
  expect(instance.rows("select 1 from merge where undone_at is null")).toHaveLength(1);
  const [logged] = instance.rows<{ snapshot: string }>("select snapshot from merge where undone_at is null");
  const { survivor } = JSON.parse(logged?.snapshot ?? "{}");
  expect(survivor.person).toMatchObject({ traits: { nick: MARK }, verifiedTraits: { handle: MARK, role: "cto" } });
  expect((await erase(instance, `/people/${EMAIL}`)).status).toBe(200);
  expect(tablesWith(instance, MARK)).toEqual([]);
  const [stripped] = instance.rows<{ snapshot: string }>("select snapshot from merge");
  expect(JSON.parse(stripped?.snapshot ?? "{}").survivor.person.verifiedTraits).toEqual({ role: "cto" });
});

test("a click of theirs on somebody else's link stays that link's, and nobody's", async () => {
  await using instance = startInstance();
  const leads = [{ email: FRIEND }];
  await instance.postSecret("/campaigns", {
    name: "spring",
    base_url: "https://acme.example",
    landing: "/demo",
    leads,
  });
  const [lead] = instance.rows<{ link: string }>("select link_id as link from lead");
  await identify(instance, "browser", { email: EMAIL });
  const url = `https://acme.example/demo?i=${lead?.link}`;
  const metadata = { link: lead?.link, evidence: "moved" };
  await instance.post("/track", { event: "campaign_click", anonymous_id: "browser", url, metadata });
  const clicks = () => instance.rows("select identity_id as identityId, link_id as link, reason from campaign_click");
  expect(clicks()).toEqual([{ identityId: expect.any(Number), link: lead?.link, reason: "other_person" }]);
  const { body } = await erase(instance, `/people/${EMAIL}`);
  expect(body.stripped).toMatchObject({ campaign_click: 1 });
  expect(clicks()).toEqual([{ identityId: null, link: lead?.link, reason: "other_person" }]);
});

test("an opening that waits for the file while its lead is erased leaves no row; a trap's, which is nobody's, does", async () => {
  await using instance = startInstance();
  const leads = [{ email: EMAIL }, { email: FRIEND }];
  await instance.postSecret("/campaigns", { name: "spring", base_url: "https://acme.example", leads });
  const links = instance.rows<{ link: string }>("select link_id as link from lead order by email");
  expect((await erase(instance, `/people/${EMAIL}`)).status).toBe(200);
  const click = { clickId: null, campaignId: 1, clickedMs: NOON_MS, via: "redirect", identityId: null } as const;
  const database = openBeside(instance.dataFolder);
  createClickStore(database).keep([
    ...links.map(({ link: linkId }) => ({ click: { ...click, linkId, verdict: "pending", reason: null } as const })),
    { click: { ...click, linkId: "trap", verdict: "machine", reason: "honeypot" } },
  ]);
  database.close();
  const [friend] = instance.rows<{ link: string }>("select link_id as link from lead");
  expect(instance.rows("select link_id as link from campaign_click order by click_id")).toEqual([
    { link: friend?.link },
    { link: "trap" },
  ]);
});
