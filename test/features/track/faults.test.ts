import { describe, expect, test } from "bun:test";
import { Elysia } from "elysia";
import { AppError } from "../../../src/core/error.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { identifyRoutes } from "../../../src/features/identify/routes.ts";
import { trackRoutes } from "../../../src/features/track/routes.ts";
import { errorHandler } from "../../../src/http/errors.ts";
import { createKeys } from "../../../src/http/keys.ts";
import { createLog } from "../../../src/http/log.ts";
import { createMetrics } from "../../../src/http/metrics.ts";
import { NOON_MS } from "../../support/instance.ts";

const undecided = new AppError("internal", "this one could not be decided; it was not stored");
const event = { event: "page_view", anonymous_id: "visitor-1" };
const person = { anonymous_id: "visitor-1", identity: { email: "ada@acme.example" } };

/** The front door before an engine that answers as it is told. */
async function ask(submit: () => Promise<unknown>, path: string, body: object): Promise<Response> {
  const engine = {
    submit,
    now: () => NOON_MS,
    storageProblem: () => null,
    drain: () => Promise.resolve(),
  } as unknown as Engine;
  const deps = {
    engine,
    keys: createKeys({ read: () => [], noteUse: () => undefined }, () => NOON_MS),
    ingest: () => ({ accept_days: 90, require_write_key: false }),
    honour: () => ({ global_privacy_control: true, do_not_track: true }),
    visit: () => ({ country_header: null, device_class: false }),
    metrics: createMetrics(),
    limits: { charge: () => undefined },
    identityTrust: () => ({ mode: "off" as const, hashOf: "either" as const, secrets: () => [] }),
    isTrapped: () => false,
  };
  const app = new Elysia()
    .use(errorHandler(createLog("json", () => undefined)))
    .use(trackRoutes(deps, "/v1/e"))
    .use(identifyRoutes(deps));
  return app.handle(new Request(`http://localhost${path}`, { method: "POST", body: JSON.stringify(body) }));
}

describe("an engine that cannot", () => {
  const refusals: [string, AppError, number, string | null][] = [
    ["has too much to do", new AppError("overloaded", "try again in a second"), 429, "1"],
    ["cannot store", new AppError("unavailable", "try again later"), 503, "1"],
  ];
  test.each(refusals)("%s", async (_, error, status, retryAfter) => {
    for (const [path, body] of [
      ["/track", event],
      ["/track", [event, event]],
      ["/v1/e", event],
      ["/identify", person],
    ] as const) {
      const response = await ask(() => Promise.reject(error), path, body);
      expect(response.status).toBe(status);
      expect(response.headers.get("retry-after")).toBe(retryAfter);
      expect(await response.json()).toEqual({ error: { code: error.code, message: error.message } });
    }
  });
});

describe("a command that could not be decided", () => {
  const error = { code: undecided.code, message: undecided.message };

  test.each([
    ["/track", event],
    ["/identify", person],
  ])("is a 500 where it came alone: %s", async (path, body) => {
    const response = await ask(() => Promise.resolve([undecided]), path, body);
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error });
  });

  test("is told in its place where it came with others", async () => {
    const accepted = { status: "accepted", eventId: "a", personId: 1, score: 0, level: "cold", delta: 0, signals: [] };
    const response = await ask(() => Promise.resolve([accepted, undecided]), "/track", [event, event]);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      accepted: 1,
      duplicate: 0,
      rejected: 1,
      events: [
        { event_id: "a", status: "accepted" },
        { status: "rejected", error },
      ],
    });
  });
});
