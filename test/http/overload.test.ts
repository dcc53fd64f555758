import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../src/core/error.ts";
import { healthRoutes } from "../../src/features/health/routes.ts";
import { errorHandler } from "../../src/http/errors.ts";
import { createLog } from "../../src/http/log.ts";
import { NOON_MS, startInstance, type TestInstance } from "../support/instance.ts";

/** Above the limit of a second, and above it once more after a look. */
const BUSY_MS = 1_350;

/** Keeps the event loop from everything else, and then lets it look at the time. */
async function occupy(): Promise<void> {
  const untilMs = performance.now() + BUSY_MS;
  while (performance.now() < untilMs);
  await Bun.sleep(1);
}

async function gaugeOf(house: TestInstance, name: string): Promise<number> {
  const { status, text } = await house.getSecret("/metrics");
  expect(status).toBe(200);
  return Number(new RegExp(`^do_intent_${name} (\\S+)$`, "m").exec(text)?.[1]);
}

test("a late event loop sheds what comes with 429 and is not ready, and tells how late it is; then all is well again", async () => {
  await using house = startInstance();
  const event = { event: "page_view", anonymous_id: "visitor-1" };
  await occupy();
  expect(await gaugeOf(house, "event_loop_lag_seconds")).toBeGreaterThan(1);
  expect((await house.get("/ready")).status).toBe(200);
  await occupy();
  const shed = await house.post("/track", event);
  expect([shed.status, shed.body.error.code, shed.headers.get("retry-after")]).toEqual([429, "overloaded", "1"]);
  const { status, body } = await house.get("/ready");
  expect([status, body.error.code, body.error.message]).toEqual([
    503,
    "unavailable",
    "more comes in than can be stored; send fewer for a moment",
  ]);
  expect((await house.get("/health")).status).toBe(200);
  while ((await house.get("/ready")).status !== 200) await Bun.sleep(10);
  expect((await house.post("/track", event)).status).toBe(200);
  expect(await gaugeOf(house, "event_loop_lag_seconds")).toBeLessThan(1);
  expect(house.rows("select 1 from event")).toHaveLength(1);
});

test("the metrics tell how large the log beside the database is", async () => {
  await using house = startInstance();
  await house.post("/track", { event: "page_view", anonymous_id: "visitor-1" });
  const { size } = statSync(join(house.dataFolder, "do-intent.db-wal"));
  expect(size).toBeGreaterThan(0);
  expect(await gaugeOf(house, "wal_bytes")).toBe(size);
});

test("GET /ready says why nothing can be stored, and looks at no disk for it", async () => {
  let problem: AppError | null = new AppError("disk_full", "the disk is full");
  const app = errorHandler(createLog("json", () => undefined)).use(
    healthRoutes({
      storageProblem: () => problem,
      isOverloaded: () => false,
      isStopping: () => false,
      probeWrite: () => {
        throw new Error("a balancer asks every second");
      },
      now: () => NOON_MS,
      version: "0.0.0-test",
      config: () => ({ hash: "0", problem: null }),
      keys: { find: () => null },
    }),
  );
  const ask = () => app.handle(new Request("http://localhost/ready"));
  const refused = await ask();
  expect([refused.status, await refused.json()]).toEqual([
    503,
    { error: { code: "disk_full", message: "the disk is full" } },
  ]);
  problem = null;
  expect((await ask()).status).toBe(200);
});
