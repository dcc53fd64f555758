import { describe, expect, test } from "bun:test";
import { Elysia } from "elysia";
import { AppError, type ErrorCode } from "../../src/core/error.ts";
import { errorHandler } from "../../src/http/errors.ts";
import { createLog } from "../../src/http/log.ts";
import { type Answer, startInstance, type TestInstance } from "../support/instance.ts";
import { expectRefusal, MARKER } from "../support/secrecy.ts";

/** A server with one address that fails as it is told. */
async function failing(fault: unknown): Promise<{ response: Response; body: unknown; logged: string[] }> {
  const logged: string[] = [];
  const log = createLog("json", (line) => logged.push(line));
  const app = new Elysia().use(errorHandler(log)).get("/", () => {
    throw fault;
  });
  const response = await app.handle(new Request("http://localhost/"));
  return { response, body: await response.json(), logged };
}

describe("every code has its status", () => {
  const statuses: [ErrorCode, number][] = [
    ["invalid_json", 400],
    ["unauthorized", 401],
    ["forbidden", 403],
    ["not_found", 404],
    ["method_not_allowed", 405],
    ["conflict", 409],
    ["too_large", 413],
    ["unsupported_encoding", 415],
    ["invalid", 422],
    ["overloaded", 429],
    ["internal", 500],
    ["unavailable", 503],
  ];
  test.each(statuses)("%s: %d", async (code, status) => {
    const { response, body } = await failing(new AppError(code, "says why", "field"));
    expect(response.status).toBe(status);
    expect(body).toEqual({ error: { code, message: "says why", field: "field" } });
    const isLater = code === "overloaded" || code === "unavailable";
    expect(response.headers.get("retry-after")).toBe(isLater ? "1" : null);
  });

  test("when to try again is said truly where it is known", async () => {
    const { response } = await failing(new AppError("overloaded", "says why", null, 42));
    expect(response.headers.get("retry-after")).toBe("42");
  });

  test("a field that there is none of is left out", async () => {
    const { body } = await failing(new AppError("conflict", "says why"));
    expect(body).toEqual({ error: { code: "conflict", message: "says why" } });
  });
});

describe("our own faults are 500, logged by name and place, and tell nothing", () => {
  const faults: [string, unknown, string][] = [
    ["an error", new TypeError(MARKER), "TypeError"],
    ["an error of a driver", Object.assign(new Error(MARKER), { code: "SQLITE_CONSTRAINT" }), "SQLITE_CONSTRAINT"],
    ["an error with a cause", new RangeError(MARKER, { cause: new Error(MARKER) }), "RangeError"],
  ];
  test.each(faults)("%s", async (_, fault, named) => {
    const { response, body, logged } = await failing(fault);
    expect(response.status).toBe(500);
    expect(body).toMatchObject({ error: { code: "internal" } });
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain(named);
    expect([JSON.stringify(body), ...logged].join()).not.toContain(MARKER);
  });

  test.each([
    ["SQLITE_FULL", "disk_full", "disk is full"],
    ["SQLITE_CORRUPT_VTAB", "damaged", "do-intent doctor"],
    ["SQLITE_NOTADB", "damaged", "do-intent doctor"],
    ["SQLITE_READONLY_DBMOVED", "unavailable", "read-only"],
    ["SQLITE_BUSY_SNAPSHOT", "unavailable", "another program"],
    ["SQLITE_IOERR_READ", "unavailable", "look at the disk"],
    ["SQLITE_CANTOPEN", "unavailable", "look at the disk"],
  ])("but the disk's own, such as %s, are a 503 that says what to do", async (code, told, says) => {
    const { response, body, logged } = await failing(Object.assign(new Error(MARKER), { code }));
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(body).toMatchObject({ error: { code: told, message: expect.stringContaining(says) } });
    expect(logged).toHaveLength(1);
    expect([JSON.stringify(body), ...logged].join()).not.toContain(MARKER);
  });

  test("what callers do wrong is not logged", async () => {
    expect((await failing(new AppError("invalid", "says why"))).logged).toEqual([]);
  });
});

describe("where there is nothing", () => {
  const requests: [string, string, string][] = [
    ["another address", "GET", `/${MARKER}`],
    ["an address with a query", "GET", `/nothing?${MARKER}=${MARKER}`],
    ["a way out of the folder", "GET", "/../../etc/passwd"],
    ["a broken escape", "GET", "/%E0%A4%A"],
    ["the root", "GET", "/"],
    ["another method, where there is nothing", "PUT", "/nothing"],
  ];
  test.each(requests)("%s", async (_, method, path) => {
    await using house = startInstance();
    expectRefusal(house, await ask(house, method, path), { status: 404, code: "not_found" });
  });
});

describe("a method that an address does not take is told those that it does", () => {
  const requests: [string, string, string][] = [
    ["PUT", "/track", "POST"],
    ["GET", "/track", "POST"],
    ["HEAD", "/track", "POST"],
    ["GET", "/identify?a=b", "POST"],
    ["DELETE", "/v1/e", "POST"],
    ["POST", "/people", "DELETE, GET, HEAD"],
    ["PUT", `/people/${MARKER}/explain`, "GET, HEAD"],
    ["PATCH", "/keys", "GET, HEAD, POST"],
    ["GET", `/keys/${MARKER}`, "DELETE"],
    ["POST", "/health", "GET, HEAD"],
    ["GET", `/destinations/${MARKER}/pause`, "POST"],
  ];
  test.each(requests)("%s %s: %s", async (method, path, allow) => {
    await using house = startInstance();
    const answer = await ask(house, method, path);
    expect(answer.headers.get("allow")).toBe(allow);
    if (method !== "HEAD") expectRefusal(house, answer, { status: 405, code: "method_not_allowed", says: allow });
    else expect(answer.status).toBe(405);
  });
});

async function ask(house: TestInstance, method: string, path: string): Promise<Answer> {
  const body = method === "GET" || method === "HEAD" ? null : MARKER;
  const response = await house.app.handle(new Request(`http://localhost${path}`, { method, body }));
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: text === "" ? null : JSON.parse(text) };
}
