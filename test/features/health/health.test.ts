import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Elysia } from "elysia";
import { healthRoutes } from "../../../src/features/health/routes.ts";
import { errorHandler } from "../../../src/http/errors.ts";
import { createLog } from "../../../src/http/log.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { NOON_MS, startInstance } from "../../support/instance.ts";

const A_SECOND_MS = 1_000;

type Health = { status: string; version: string; config_hash: string; config_problem?: string };

describe("/health", () => {
  test("is 200 where a write works, and says what is in force", async () => {
    await using house = startInstance();
    const { status, body } = await house.get<Health>("/health");
    expect(status).toBe(200);
    expect(body).toEqual({ status: "ok", version: "0.0.0-test", config_hash: expect.stringMatching(/^[0-9a-f]{16}$/) });
  });

  test("is 503 while a write fails, and 200 when it works again", async () => {
    const logged: string[] = [];
    let isFull = true;
    const app = new Elysia().use(errorHandler(createLog("json", (line) => logged.push(line)))).use(
      healthRoutes({
        storageProblem: () => null,
        isOverloaded: () => false,
        isStopping: () => false,
        probeWrite: () => {
          if (isFull) throw new Error("disk is full");
        },
        now: () => NOON_MS,
        version: "0.0.0-test",
        config: () => ({ hash: "0", problem: null }),
        keys: { find: () => null },
      }),
    );
    const ask = () => app.handle(new Request("http://localhost/health"));
    const refused = await ask();
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await refused.json()).toMatchObject({ error: { code: "unavailable" } });
    isFull = false;
    expect((await ask()).status).toBe(200);
    expect(logged).toEqual([]);
  });

  test("tells which config is in force, and what is wrong with a broken one", async () => {
    await using house = startInstance();
    const { body: before } = await house.get<Health>("/health");
    house.setConfigProblem("groups: is missing");
    expect((await house.getSecret<Health>("/health")).body).toEqual({
      ...before,
      config_problem: "groups: is missing",
    });
    house.configureIntent({ thresholds: { warm: 10 } });
    const { body: after } = await house.get<Health>("/health");
    expect(after.config_problem).toBeUndefined();
    expect(after.config_hash).not.toBe(before.config_hash);
  });

  test("what is wrong with the config is for keys that may read; others learn only that something is", async () => {
    await using house = startInstance();
    house.keys.persist();
    const { body: made } = await house.postSecret<{ key: string }>("/keys", { name: "sender", scopes: ["ingest"] });
    house.setConfigProblem("destinations[0].url: must be an absolute URL");
    for (const authorization of [undefined, "Bearer sk_wrong_0123456789", `Bearer ${made.key}`]) {
      const { status, text, body } = await house.get<Health>(
        "/health",
        authorization === undefined ? {} : { authorization },
      );
      expect(status).toBe(200);
      expect(body.config_problem).toContain("does not hold");
      expect(text).not.toContain("destinations");
    }
    expect((await house.getSecret<Health>("/health")).body.config_problem).toContain("destinations[0].url");
  });

  test("a burst of probes is one write", async () => {
    await using house = startInstance();
    const beats = () => house.rows<{ beaten_at: number }>("select beaten_at from heartbeat");
    await house.get("/health");
    const first = beats();
    house.clock.nowMs += A_SECOND_MS - 1;
    await house.get("/health");
    expect(beats()).toEqual(first);
    house.clock.nowMs += 1;
    await house.get("/health");
    expect(beats()).toEqual([{ beaten_at: house.clock.nowMs }]);
    house.clock.nowMs -= 3_600_000;
    await house.get("/health");
    expect(beats()).toEqual([{ beaten_at: house.clock.nowMs }]);
  });

  test("is 503 when the database was taken away: what is written then is in no folder any more", async () => {
    using folder = temporaryFolder();
    await using house = startInstance({ dataFolder: folder.path });
    rmSync(join(folder.path, "do-intent.db"));
    const event = { event: "page_view", anonymous_id: "visitor-1" };
    expect((await house.post("/track", event)).status).toBe(503);
    expect((await house.get("/health")).status).toBe(503);
  });
});
