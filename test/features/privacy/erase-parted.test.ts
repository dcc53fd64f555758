import { expect, test } from "bun:test";
import type { MergesAnswer } from "../../../src/features/merges/merges.ts";
import { tablesWith } from "../../support/everything.ts";
import { startInstance, type TestInstance } from "../../support/instance.ts";
import { send } from "./house.ts";

/** Stands in everything that is about the person, and in nothing else. */
const MARK = "m4rk3r";

const intent = {
  groups: { any: { max: 100 } },
  rules: [{ name: "asked", group: "any", event: "asked", points: 60 }],
  thresholds: { hot: 60 },
};

test("who was parted goes out of what was told of a third one, who had absorbed the other meanwhile", async () => {
  await using instance = startInstance({ intent });
  const say = (identity: object, visitor: string | null = null) =>
    instance.postSecret("/identify", { anonymous_id: visitor, identity });
  const tick = () => {
    instance.clock.nowMs += 1_000;
  };
  await say({ user_id: "third" }, "third-browser");
  await say({ email: "other@acme.example" });
  await say({ phone: "+4930123456", nick: MARK });
  tick();
  expect((await say({ email: "other@acme.example", phone: "+4930123456" })).body).toMatchObject({ merged: true });
  const first = (await instance.getSecret<MergesAnswer>("/merges")).body.merges[0]?.merge_id;
  tick();
  expect((await say({ user_id: "third", email: "other@acme.example" })).body).toMatchObject({ merged: true });
  tick();
  await instance.post("/track", { event: "asked", anonymous_id: "third-browser" });
  expect(tablesWith(instance, MARK)).toContain("signal");
  tick();
  expect((await instance.postSecret(`/merges/${first}/undo`, "")).status).toBe(200);
  tick();
  const parted = (await instance.getSecret<{ person_id: string }>("/people/%2B4930123456")).body.person_id;
  const third = (await instance.getSecret<{ person_id: string }>("/people/third")).body.person_id;
  expect(parted).not.toBe(third);
  expect(signalsOf(instance)).toEqual([third]);
  expect((await send(instance, "DELETE", `/people/${parted}`)).status).toBe(200);
  expect(tablesWith(instance, MARK)).toEqual([]);
  expect(tablesWith(instance, "4930123456")).toEqual([]);
  expect(signalsOf(instance)).toEqual([third]);
});

function signalsOf(instance: TestInstance): string[] {
  return instance
    .rows<{ data: string }>("select data from signal")
    .map(({ data }) => (JSON.parse(data) as { person: { person_id: string } }).person.person_id);
}
