import { expect, test } from "bun:test";
import type { MergesAnswer } from "../../../src/features/merges/merges.ts";
import { tablesWith } from "../../support/everything.ts";
import { startInstance, type TestInstance } from "../../support/instance.ts";
import { send } from "./house.ts";

/** Stands in where the person came from, and in nothing else. */
const MARK = "m4rk3r";
const ARRIVAL = {
  event: "page_view",
  url: `https://acme.example/land-${MARK}?gclid=click-${MARK}&utm_source=google`,
  referrer: `https://${MARK}.example/thread`,
};
const intent = {
  groups: { any: { max: 100 } },
  rules: [
    { name: "asked", group: "any", event: "asked", points: 60 },
    { name: "looked", group: "any", event: "looked", points: 5 },
  ],
  thresholds: { warm: 10, hot: 60 },
  accounts: { thresholds: { hot: 60 } },
};

const house = (instance: TestInstance) => ({
  track: (visitor: string, event: object) => instance.post("/track", { anonymous_id: visitor, ...event }),
  identify: (visitor: string | null, identity: object) =>
    instance.postSecret("/identify", { anonymous_id: visitor, identity }),
  tick: () => {
    instance.clock.nowMs += 1_000;
  },
  personOf: async (who: string) =>
    (await instance.getSecret<{ person_id: string }>(`/people/${encodeURIComponent(who)}`)).body.person_id,
  undo: async (kind: string) => {
    const { merges } = (await instance.getSecret<MergesAnswer>("/merges?undone=false")).body;
    const merge = merges.find(({ through }) => through.includes(kind));
    expect((await instance.postSecret(`/merges/${merge?.merge_id}/undo`, {})).status).toBe(200);
  },
  signals: () =>
    instance
      .rows<{ data: string }>("select data from signal order by signal_id")
      .map(({ data }) => JSON.parse(data) as { attribution: { first: object } | null; account?: { domain: string } }),
});

test("a company's signal forgets by which click somebody came, also where it names them nowhere", async () => {
  await using instance = startInstance({ intent });
  const { track, identify, signals } = house(instance);
  for (const one of ["a", "b", "c", "d", "e", "f"]) {
    await track(one, { event: "page_view", url: "/" });
    await identify(one, { email: `${one}@acme.com` });
  }
  // Too quiet to be among the people that a signal names.
  await track("quiet", { ...ARRIVAL, timestamp: instance.clock.nowMs - 900_000_000 });
  await identify("quiet", { email: "quiet@acme.com" });
  await track("a", { event: "asked" });
  expect(tablesWith(instance, MARK)).toContain("signal");
  const { body } = await send<{ stripped: object }>(instance, "DELETE", "/people/quiet@acme.com");
  expect(body.stripped).toMatchObject({ signal: 1 });
  expect(tablesWith(instance, MARK)).toEqual([]);
  expect(signals().at(-1)).toMatchObject({ attribution: null, account: { domain: "acme.com" } });
});

test("it goes on saying how those came who stay", async () => {
  await using instance = startInstance({ intent });
  const { track, identify, tick, signals } = house(instance);
  // Somebody else's touch amid the days of the one who goes, and later ones of both.
  await track("quiet", { event: "page_view", url: "/", session_id: "s1" });
  await identify("quiet", { email: "quiet@acme.com" });
  tick();
  await track("a", { ...ARRIVAL, session_id: "s1" });
  await identify("a", { email: "a@acme.com" });
  tick();
  await track("a", { event: "asked", session_id: "s1" });
  tick();
  await track("a", { event: "page_view", url: "/?utm_source=later", session_id: "s2" });
  await track("quiet", { event: "page_view", url: "/", session_id: "s2" });
  const before = signals().at(-1);
  expect(before?.attribution).not.toBeNull();
  const { body } = await send<{ stripped: object }>(instance, "DELETE", "/people/quiet@acme.com");
  expect(body.stripped).toMatchObject({ signal: 1 });
  expect(signals().at(-1)?.attribution).toEqual(before?.attribution ?? null);
});

test("after an undone merge neither signals nor the log of a third one keep their click, nor their company", async () => {
  await using instance = startInstance({ intent: { ...intent, accounts: { thresholds: {} } } });
  const { track, identify, tick, personOf, undo, signals } = house(instance);
  await track("eve", ARRIVAL);
  await track("eve", { event: "looked" });
  await identify("eve", { email: "eve@eves.example" });
  tick();
  await track("grace", { event: "page_view", url: "/hers?utm_source=hers" });
  await identify("grace", { user_id: "grace" });
  tick();
  await identify(null, { user_id: "grace", email: "eve@eves.example" });
  tick();
  await track("grace", { event: "asked" });
  tick();
  await identify(null, { phone: "+49301234567" });
  await identify(null, { user_id: "grace", phone: "+49301234567" });
  tick();
  expect(tablesWith(instance, MARK)).toEqual(expect.arrayContaining(["merge", "signal"]));
  await undo("email");
  tick();
  const [eve, grace] = [await personOf("eve@eves.example"), await personOf("grace")];
  expect(eve).not.toBe(grace);
  expect((await send(instance, "DELETE", `/people/${eve}`)).status).toBe(200);
  expect(tablesWith(instance, MARK)).toEqual([]);
  expect(tablesWith(instance, "eves.example")).toEqual([]);
  expect(signals()).toHaveLength(2);
  expect(signals().filter(({ account }) => account !== undefined)).toEqual([]);
  const [merge] = instance.rows<{ snapshot: string }>("select snapshot from merge");
  expect(JSON.parse(merge?.snapshot ?? "{}")).toMatchObject({
    survivor: { person: { accountId: null }, score: { accountId: null, attribution: null } },
    absorbed: { person: { accountId: null } },
  });
  // Whoever is left knows where they came from by their own visits, also when that merge is undone.
  await undo("phone");
  // Nor does that bring anything of theirs back.
  expect(tablesWith(instance, MARK)).toEqual([]);
  expect(tablesWith(instance, "eves.example")).toEqual([]);
  const left = instance.rows<{ attribution: string | null }>("select attribution from intent_score");
  expect(left.filter(({ attribution }) => attribution?.includes("hers"))).toHaveLength(1);
  expect((await instance.getSecret<{ score: number }>("/people/grace")).body.score).toBe(60);
});

test("a company that the other belongs to by an address of their own stays in their signals", async () => {
  await using instance = startInstance({ intent: { ...intent, accounts: { thresholds: {} } } });
  const { track, identify, tick, personOf, undo, signals } = house(instance);
  await identify(null, { user_id: "eve", nick: MARK });
  tick();
  await identify("grace", { email: "grace@acme.com" });
  tick();
  await identify(null, { user_id: "eve", email: "grace@acme.com" });
  tick();
  await track("grace", { event: "asked" });
  await undo("email");
  tick();
  expect((await send(instance, "DELETE", `/people/${await personOf("eve")}`)).status).toBe(200);
  expect(tablesWith(instance, MARK)).toEqual([]);
  for (const { account } of signals()) expect(account).toMatchObject({ domain: "acme.com" });
});
