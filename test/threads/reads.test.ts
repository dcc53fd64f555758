import { expect, spyOn, test } from "bun:test";
import { NOON_MS, startInstance } from "../support/instance.ts";

const LONG_PAST = 400;
const PEOPLE = 60;
const AT = new Date(NOON_MS - 60_000).toISOString();

/** Somebody with a longer past than is gone through in a moment, and more people than a page has. */
async function populated() {
  const instance = startInstance();
  const of = (visitor: string, index: number) => ({
    event: "page_view",
    anonymous_id: visitor,
    session_id: `s${index}`,
    url: "/pricing",
    timestamp: NOON_MS - 3_600_000 + index,
  });
  await instance.post(
    "/track",
    Array.from({ length: LONG_PAST }, (_, index) => of("one", index)),
  );
  await instance.post(
    "/track",
    Array.from({ length: PEOPLE }, (_, index) => of(`other-${index}`, index)),
  );
  await instance.postSecret("/identify", { anonymous_id: "one", identity: { email: "ada@acme.com" } });
  await instance.postSecret("/identify", { anonymous_id: "other-1", identity: { email: "grace@acme.com" } });
  return instance;
}

/** Each is long enough to be read beside the loop. */
const LONG: readonly [path: string, expected: object][] = [
  [
    `/people/one/explain?at=${AT}`,
    { contributions: expect.arrayContaining([expect.objectContaining({ count: expect.any(Number) })]) },
  ],
  ["/people?limit=500", { people: { length: PEOPLE + 1 }, next_cursor: null }],
  ["/people/one/events?limit=500", { events: { length: LONG_PAST + 1 }, next_cursor: null }],
  ["/signals?limit=500", { signals: expect.arrayContaining([expect.objectContaining({ deliveries: [] })]) }],
  ["/merges?limit=500", { next_cursor: null }],
  ["/reviews?limit=500", { reviews: [], next_cursor: null }],
  ["/accounts/acme.com", { domain: "acme.com", signals: expect.any(Array) }],
  [`/accounts/acme.com?at=${AT}`, { domain: "acme.com", at: AT }],
];

test("what takes longer than events should wait is read on a thread, and says the same", async () => {
  await using instance = await populated();
  const post = spyOn(Worker.prototype, "postMessage");
  for (const [path, expected] of LONG) {
    post.mockClear();
    const { status, headers, body } = await instance.getSecret(path);
    expect([path, status, headers.get("content-type")?.split(";")[0], post.mock.calls.length]).toEqual([
      path,
      200,
      "application/json",
      1,
    ]);
    expect(body).toMatchObject(expected);
  }
  post.mockClear();
  for (const path of ["/people", "/people/one", "/people/one/explain", "/people/one/events", "/signals", "/merges"]) {
    expect((await instance.getSecret(path)).status).toBe(200);
  }
  // A short past is read at once.
  expect((await instance.getSecret(`/people/other-2/explain?at=${AT}`)).status).toBe(200);
  expect(post.mock.calls).toHaveLength(0);
  post.mockRestore();
});

test("what is refused there is refused as it would be here", async () => {
  await using instance = await populated();
  const refusals: [path: string, status: number, field: string | undefined][] = [
    ["/accounts/nobody.com", 404, undefined],
    ["/accounts/acme.com?at=253402300800000", 422, "at"],
    ["/people?limit=500&level=boiling", 422, "level"],
    ["/signals?limit=500&cursor=abc", 422, "cursor"],
  ];
  for (const [path, status, field] of refusals) {
    const answer = await instance.getSecret(path);
    expect([path, answer.status, answer.body.error.field]).toEqual([path, status, field]);
  }
});

test("many at once are answered in turn, and no end of them is not waited for", async () => {
  await using instance = await populated();
  const answers = await Promise.all(Array.from({ length: 60 }, () => instance.getSecret("/accounts/acme.com")));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(52);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(8);
  expect(refused[0]?.headers.get("retry-after")).toBe("1");
});
