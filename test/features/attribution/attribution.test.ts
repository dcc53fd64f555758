import { describe, expect, test } from "bun:test";
import type { AttributionAnswer } from "../../../src/features/attribution/report.ts";
import type { FullPersonAnswer } from "../../../src/features/people/person.ts";
import { startInstance, type TestInstance } from "../../support/instance.ts";

const MINUTE_MS = 60_000;

const intent = {
  groups: { all: { max: 100 } },
  rules: [{ name: "step", group: "all", event: "page_view", points: 30 }],
  thresholds: { warm: 30, hot: 60 },
};

async function visit(instance: TestInstance, anonymous_id: string, url: string, referrer?: string): Promise<void> {
  instance.clock.nowMs += MINUTE_MS;
  const metadata = { landing_page: url };
  await instance.post("/track", { event: "page_view", anonymous_id, url, referrer, metadata });
}

async function start(): Promise<TestInstance> {
  const instance = startInstance({ intent });
  await visit(instance, "ada", "/pricing?utm_source=news&utm_campaign=may");
  await visit(instance, "ada", "/");
  await visit(instance, "bob", "/", "https://www.google.com/");
  await visit(instance, "cleo", "/blog", "https://chatgpt.com/");
  await visit(instance, "cleo", "/pricing?utm_source=news&utm_campaign=june");
  await visit(instance, "dan", "/");
  await instance.post("/track", { event: "other", anonymous_id: "eve" });
  return instance;
}

describe("/attribution", () => {
  const table: [query: string, people: number, rows: [value: string | null, people: number][]][] = [
    [
      "",
      5,
      [
        ["direct", 2],
        ["chatgpt.com", 1],
        ["google.com", 1],
        ["news", 1],
      ],
    ],
    [
      "by=source&touch=last",
      5,
      [
        ["direct", 3],
        ["google.com", 1],
        ["news", 1],
      ],
    ],
    [
      "by=source&touch=last_non_direct",
      5,
      [
        ["direct", 2],
        ["news", 2],
        ["google.com", 1],
      ],
    ],
    [
      "by=source&level=hot",
      2,
      [
        ["chatgpt.com", 1],
        ["news", 1],
      ],
    ],
    [
      "by=campaign&level=hot&touch=last",
      2,
      [
        [null, 1],
        ["june", 1],
      ],
    ],
    [
      "by=landing",
      5,
      [
        ["/", 2],
        [null, 1],
        ["/blog", 1],
        ["/pricing", 1],
      ],
    ],
    [
      "by=channel",
      5,
      [
        ["direct", 2],
        ["ai_assistant", 1],
        ["referral", 1],
        ["search", 1],
      ],
    ],
    ["by=channel&limit=1", 5, [["direct", 2]]],
    ["level=cold", 1, [["direct", 1]]],
  ];
  test("tells how many people came from where, by first or last touch and level", async () => {
    await using instance = await start();
    for (const [query, people, rows] of table) {
      const { body, text } = await instance.getSecret<AttributionAnswer>(`/attribution?${query}`);
      expect([query, body.people, body.rows?.map((row) => [row.value, row.people]) ?? text]).toEqual([
        query,
        people,
        rows,
      ]);
      const shown = rows.reduce((sum, [, count]) => sum + count, 0);
      expect(body.others).toBe(people - shown);
      for (const row of body.rows) {
        expect(Object.values(row.levels).reduce((sum, count) => sum + count, 0)).toBe(row.people);
      }
    }
  });

  test("follows a merge: the earlier first touch wins", async () => {
    await using instance = await start();
    for (const anonymous_id of ["dan", "cleo"]) {
      await instance.postSecret("/identify", { anonymous_id, identity: { email: "dan@acme.example" } });
    }
    const { body } = await instance.getSecret<FullPersonAnswer>("/people/dan@acme.example");
    expect(body.attribution).toMatchObject({
      first: { channel: "ai_assistant", referrer: "chatgpt.com" },
      last: { channel: "direct", landing: "/" },
      last_non_direct: { source: "news", campaign: "june" },
    });
  });

  test("answers many who ask at once, while events come in", async () => {
    await using instance = await start();
    const asked = Array.from({ length: 6 }, () => instance.getSecret<AttributionAnswer>("/attribution"));
    await visit(instance, "fay", "/");
    for (const { status } of await Promise.all(asked)) expect(status).toBe(200);
  });

  test("is for the secret key only, and what makes no sense is refused", async () => {
    await using instance = startInstance({ intent });
    expect((await instance.get("/attribution")).status).toBe(401);
    for (const [query, field] of [
      ["by=colour", "by"],
      ["level=tepid", "level"],
      ["touch=second", "touch"],
      ["limit=9999", "limit"],
    ]) {
      const { status, body } = await instance.getSecret(`/attribution?${query}`);
      expect([status, body.error.field]).toEqual([422, field ?? ""]);
    }
  });
});
