import { describe, expect, test } from "bun:test";
import { NOON_MS, startInstance, type TestInstance } from "../../support/instance.ts";
import { identify, pageView } from "./reads.ts";

const ROUTES = ["/people", "/people/ada", "/people/ada/explain", "/people/ada/events", "/signals"];

async function started(): Promise<TestInstance> {
  const instance = startInstance();
  await instance.post("/track", pageView("ada", NOON_MS));
  await identify(instance, "ada", { email: "ada@acme.example" });
  return instance;
}

describe("what is known about people", () => {
  test("is told to the secret key only", async () => {
    await using instance = await started();
    for (const path of [...ROUTES, "/people/nobody", "/people?limit=none", "/signals?limit=none"]) {
      for (const headers of [
        {},
        { authorization: "Bearer sk_of_somebody_else" },
        { authorization: "Basic c2s6c2s=" },
      ]) {
        const { status, body, text } = await instance.get(path, headers);
        expect([path, status, body.error.code, body.error.field]).toEqual([path, 401, "unauthorized", "authorization"]);
        expect(text).not.toContain("acme");
      }
      const { writeKey } = instance.keys;
      expect((await instance.get(path, { authorization: `Bearer ${writeKey}` })).status).toBe(401);
    }
    for (const path of ROUTES) expect([path, (await instance.getSecret(path)).status]).toEqual([path, 200]);
  });

  const wrong: [path: string, status: number, field: string | undefined, says: RegExp][] = [
    ["/people?limit=0", 422, "limit", /from 1 to 500/],
    ["/people?limit=501", 422, "limit", /from 1 to 500/],
    ["/people?limit=2.5", 422, "limit", /from 1 to 500/],
    ["/people?limit=zzz", 422, "limit", /from 1 to 500/],
    ["/people?limit=", 422, "limit", /from 1 to 500/],
    ["/people?level=zzz", 422, "level", /must be one of cold, warm, hot, burning/],
    ["/people?cursor=zzz", 422, "cursor", /leave it out/],
    ["/people?cursor=", 422, "cursor", /leave it out/],
    [`/people?cursor=${Buffer.from('[1,["zzz",1],[1,1],[0,0]]').toString("base64url")}`, 422, "cursor", /leave it out/],
    [
      `/people?cursor=${Buffer.from("[1,null,[1,1],[0,0]]").toString("base64url")}`,
      422,
      "cursor",
      /older than an hour/,
    ],
    [`/people?cursor=${"z".repeat(501)}`, 422, "cursor", /at most 500 characters/],
    ["/people?zzz=1", 422, undefined, /takes user_id, email, .*level, limit, cursor/],
    ["/people?email=zzz", 422, "email", /no e-mail address/],
    ["/people?phone=12", 422, "phone", /E\.164/],
    ["/people?user_id=null", 422, "user_id", /placeholder/],
    ["/people?anonymous_id=", 422, "anonymous_id", /blank/],
    ["/people?email=zzz@acme.example&user_id=1", 422, "user_id", /stands alone/],
    ["/people?email=zzz@acme.example&level=hot", 422, "email", /stands alone/],
    ["/people/zzz", 404, undefined, /nobody is known by this/],
    ["/people/per_zzz", 404, undefined, /nobody is known by this/],
    ["/people/per_ZZZ/events", 404, undefined, /nobody is known by this/],
    ["/people/zzz/explain", 404, undefined, /nobody is known by this/],
    ["/people/%E0%A4%A", 422, "id", /percent-encode/],
    ["/people/ada/explain?at=zzz", 422, "at", /seconds, milliseconds or ISO 8601/],
    ["/people/ada/explain?at=-5", 422, "at", /seconds, milliseconds or ISO 8601/],
    ["/people/ada/explain?at=99999999999999999", 422, "at", /before the year 9999 ends/],
    [`/people/ada/explain?at=${"9".repeat(400)}`, 422, "at", /seconds, milliseconds or ISO 8601/],
    ["/people/ada/explain?zzz=1", 422, undefined, /takes at;/],
    ["/people/ada/events?limit=-1", 422, "limit", /from 1 to 500/],
    ["/people/ada/events?cursor=zzz", 422, "cursor", /leave it out/],
    ["/people/ada/events?zzz=1", 422, undefined, /takes limit, cursor;/],
    ["/signals?limit=zzz", 422, "limit", /from 1 to 500/],
    ["/signals?since=zzz", 422, "since", /seconds, milliseconds or ISO 8601/],
    ["/signals?cursor=WyJ6enoiXQ", 422, "cursor", /leave it out/],
    ["/signals?person_id=zzz", 422, "person_id", /must be a person_id/],
    ["/signals?threshold=", 422, "threshold", /must not be empty/],
    ["/signals?zzz=1", 422, undefined, /takes threshold, since, person_id, limit, cursor/],
  ];

  test("asked for in a way that makes no sense is refused with field, limit and remedy, and nothing comes back", async () => {
    await using instance = await started();
    for (const [path, status, field, says] of wrong) {
      const answer = await instance.getSecret(path);
      const { code, message } = answer.body.error;
      expect([path, answer.status, code, answer.body.error.field]).toEqual([
        path,
        status,
        status === 404 ? "not_found" : "invalid",
        field,
      ]);
      expect([path, message]).toEqual([path, expect.stringMatching(says)]);
      expect(answer.text).not.toMatch(/zzz/i);
    }
    expect(instance.logged.filter((line) => line.includes("request_failed"))).toEqual([]);
  });
});
