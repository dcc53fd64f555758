import { describe, expect, test } from "bun:test";
import type { SignalsAnswer } from "../../../src/features/signals/list.ts";
import { NOON_MS, startInstance, type TestInstance } from "../../support/instance.ts";

const MINUTE_MS = 60_000;

/** Each event lifts by one level; nothing is forgotten. */
const intent = {
  groups: { all: { max: 100 } },
  rules: [{ name: "step", group: "all", event: "step", points: 30 }],
  thresholds: { warm: 30, hot: 60, burning: 90 },
};

/** One step each minute, by whoever is named. */
async function steps(instance: TestInstance, visitors: readonly string[]): Promise<void> {
  for (const anonymous_id of visitors) {
    instance.clock.nowMs += MINUTE_MS;
    await instance.post("/track", { event: "step", anonymous_id });
  }
}

async function signalsOf(instance: TestInstance, query: string): Promise<SignalsAnswer> {
  const { status, body, text } = await instance.getSecret<SignalsAnswer>(`/signals${query}`);
  if (status !== 200) throw new Error(text);
  return body;
}

const told = ({ signals }: SignalsAnswer): string[] =>
  signals.map(({ person, threshold }) => `${person.identities[0]?.value} ${threshold.name}`);

describe("/signals", () => {
  test("lists what was told, the newest first, and narrows it", async () => {
    await using instance = startInstance({ intent });
    await steps(instance, ["ada", "bob", "ada", "cleo", "ada", "bob"]);
    const all = ["bob hot", "ada burning", "cleo warm", "ada hot", "bob warm", "ada warm"];
    const { person } = (await signalsOf(instance, "?limit=1")).signals[0] ?? {};
    const since = NOON_MS + 4 * MINUTE_MS;
    const table: [query: string, expected: string[]][] = [
      ["", all],
      ["?threshold=hot", ["bob hot", "ada hot"]],
      ["?threshold=burning", ["ada burning"]],
      ["?threshold=tepid", []],
      [`?since=${since}`, all.slice(0, 3)],
      [`?since=${since / 1_000}`, all.slice(0, 3)],
      [`?since=${new Date(since).toISOString()}`, all.slice(0, 3)],
      [`?since=${since}&threshold=warm`, ["cleo warm"]],
      [`?person_id=${person?.person_id}`, ["bob hot", "bob warm"]],
      [`?person_id=${person?.person_id}&threshold=warm`, ["bob warm"]],
      [`?person_id=${person?.person_id}&since=${since}`, ["bob hot"]],
      ["?person_id=per_zzz", []],
    ];
    for (const [query, expected] of table) {
      const answer = await signalsOf(instance, query);
      expect([query, told(answer), answer.next_cursor]).toEqual([query, expected, null]);
    }
    const [first] = (await signalsOf(instance, "")).signals;
    expect(first).toMatchObject({
      created_at: new Date(NOON_MS + 6 * MINUTE_MS).toISOString(),
      threshold: { name: "hot", score: 60 },
      score_before: 30,
      score: 60,
      groups: [{ group: "all", raw: 60, max: 100, points: 60 }],
      reasons: [{ rule: "step", group: "all", points: 60, count: 2 }],
      attribution: null,
    });
    expect(first?.signal_id).toStartWith("sig_");
  });

  test("comes page by page, each signal once, also those of one moment", async () => {
    await using instance = startInstance({ intent });
    const visitors = Array.from({ length: 9 }, (_, index) => `visitor-${index}`);
    await instance.post(
      "/track",
      visitors.map((anonymous_id) => ({ event: "step", anonymous_id })),
    );
    await steps(instance, visitors.slice(0, 4));
    const all = (await signalsOf(instance, "")).signals.map(({ signal_id }) => signal_id);
    expect(new Set(all).size).toBe(13);
    for (const limit of [1, 4, 12, 13]) {
      const seen: string[] = [];
      let cursor: string | null = "";
      while (cursor !== null) {
        const answer: SignalsAnswer = await signalsOf(instance, `?limit=${limit}${cursor && `&cursor=${cursor}`}`);
        expect(answer.signals.length).toBeLessThanOrEqual(limit);
        seen.push(...answer.signals.map(({ signal_id }) => signal_id));
        cursor = answer.next_cursor;
      }
      expect(seen).toEqual(all);
    }
  });

  test("finds by a person also what was told of those who were merged into it, by whichever id", async () => {
    await using instance = startInstance({ intent });
    await steps(instance, ["laptop", "phone", "phone", "tablet", "stranger"]);
    const ids = (await signalsOf(instance, "")).signals.map(({ person }) => person.person_id);
    const merged = ["laptop", "phone", "tablet"];
    for (const anonymous_id of merged) {
      await instance.post("/identify", { anonymous_id, identity: { email: "ada@acme.example" } });
    }
    const expected = ["laptop burning", "tablet warm", "phone hot", "phone warm", "laptop warm"];
    const [stranger = "", ...ofAda] = ids;
    for (const personId of ofAda) {
      const answers = told(await signalsOf(instance, `?person_id=${personId}`));
      expect(answers.map((one) => one.replace("ada@acme.example", "laptop"))).toEqual(expected);
    }
    expect(told(await signalsOf(instance, `?person_id=${stranger}`))).toEqual(["stranger warm"]);
  });
});
