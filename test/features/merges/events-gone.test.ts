import { expect, test } from "bun:test";
import { DAY_MS } from "../../../src/core/duration.ts";
import type { MergesAnswer } from "../../../src/features/merges/merges.ts";
import type { ReviewsAnswer } from "../../../src/features/merges/reviews.ts";
import { eventually } from "../../support/eventually.ts";
import { startInstance, type TestInstance, withSecret } from "../../support/instance.ts";

const ADA = "ada@acme.com";

const look = (instance: TestInstance, visitor: string, url: string) =>
  instance.post("/track", { event: "page_view", anonymous_id: visitor, session_id: visitor, url });
const say = (instance: TestInstance, visitor: string) =>
  instance.postSecret("/identify", { anonymous_id: visitor, identity: { email: ADA } });
const scoreOf = async (instance: TestInstance, path: string) =>
  (await instance.getSecret<{ score: number }>(path)).body.score;

async function undo(instance: TestInstance): Promise<void> {
  const { merges } = (await instance.getSecret<MergesAnswer>("/merges?undone=false")).body;
  const answer = await instance.postSecret(`/merges/${merges[0]?.merge_id}/undo`, "");
  if (answer.status !== 200) throw new Error(answer.text);
}

/** Numbers of events that are gone are given out again: what comes then came after the merge all the same. */
test("an undo knows what a side did since, also where somebody with the newest events was erased meanwhile", async () => {
  await using instance = startInstance();
  for (const visitor of ["one", "two"]) {
    await look(instance, visitor, "/");
    await say(instance, visitor);
  }
  await undo(instance);
  await say(instance, "two");
  for (let visit = 0; visit < 5; visit += 1) await look(instance, "gone", "/pricing");
  const { reviews } = (await instance.getSecret<ReviewsAnswer>("/reviews?state=open")).body;
  expect((await instance.postSecret(`/reviews/${reviews[0]?.review_id}/approve`, "")).status).toBe(200);
  const erased = await instance.app.handle(
    new Request("http://localhost/people/gone", { method: "DELETE", headers: withSecret }),
  );
  expect(erased.status).toBe(200);
  await look(instance, "two", "/pricing");
  await undo(instance);
  const score = await scoreOf(instance, "/people/two");
  expect(score).toBeGreaterThan(0);
  expect(score).toBe(await scoreOf(instance, `/people/two/explain?at=${instance.clock.nowMs}`));
  expect(await scoreOf(instance, "/people/one")).toBeLessThan(score);
});

test("an undo knows what a side did since, also where all events before the merge were swept", async () => {
  const intent = {
    ingest: { accept_days: 1 },
    groups: { any: { max: 100 } },
    rules: [{ name: "asked", group: "any", event: "asked", points: 60 }],
  };
  await using instance = startInstance({ intent });
  for (const visitor of ["one", "two"]) {
    await look(instance, visitor, "/");
    await say(instance, visitor);
  }
  instance.clock.nowMs += 3 * DAY_MS;
  instance.configureIntent({ ...intent, retain: { events: "2d" } });
  await eventually(() => instance.rows("select 1 from event").length === 0, "the sweep");
  await instance.post("/track", { event: "asked", anonymous_id: "two" });
  await undo(instance);
  expect(await scoreOf(instance, "/people/two")).toBe(60);
  expect(await scoreOf(instance, "/people/one")).toBe(0);
});
